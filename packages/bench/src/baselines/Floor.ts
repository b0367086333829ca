/**
 * What plain JavaScript costs: a mailbox and a run queue without a feature. No
 * types of messages, no stopping, no failures, no fairness, no asking.
 *
 * What an actor must do at least is there: a message is an object with a tag
 * and a payload, the tag is looked up in the table of handlers, the state is
 * replaced by what the handler returns, and only the run queue calls handlers.
 * Both queues are linked through what they hold: of the ways tried the fastest
 * (growing arrays took twice as long for a ping-pong), and a floor that is not
 * the fastest flatters whoever stands on it.
 */
export interface Payload {
  readonly n: number
}

export type Handlers<S> = { readonly [tag: string]: (state: S, payload: Payload) => S }

interface Message {
  readonly tag: string
  readonly payload: Payload
  next: Message | undefined
}

export interface Actor<S> {
  state: S
  readonly handlers: Handlers<S>
  first: Message | undefined
  last: Message | undefined
  /** The next actor in the run queue. */
  next: Actor<S> | undefined
  isReady: boolean
}

export const spawn = <S>(state: S, handlers: Handlers<S>): Actor<S> => ({
  state,
  handlers,
  first: undefined,
  last: undefined,
  next: undefined,
  isReady: false
})

export class RunQueue<S> {
  #first: Actor<S> | undefined = undefined
  #last: Actor<S> | undefined = undefined

  send(to: Actor<S>, tag: string, payload: Payload): void {
    const message: Message = { tag, payload, next: undefined }
    if (to.last === undefined) to.first = message
    else to.last.next = message
    to.last = message
    if (to.isReady) return
    to.isReady = true
    if (this.#last === undefined) this.#first = to
    else this.#last.next = to
    this.#last = to
  }

  /** Until no actor has a message. */
  drain(): void {
    for (let actor = this.#first; actor !== undefined; actor = this.#first) {
      this.#first = actor.next
      if (this.#first === undefined) this.#last = undefined
      let message = actor.first
      actor.first = actor.last = actor.next = undefined
      actor.isReady = false
      for (; message !== undefined; message = message.next) {
        actor.state = actor.handlers[message.tag]!(actor.state, message.payload)
      }
    }
  }
}
