/**
 * An actor as one writes it in Effect without an actor library: a `Queue`, and
 * a fiber that takes from it. State and table of handlers are as in the floor;
 * handlers run within the fiber's loop.
 *
 * Sent with `offerUnsafe`, which is `offer` without the Effect, because it is
 * the fastest way that the public API has.
 */
import * as Effect from "effect/Effect"
import { constTrue } from "effect/Function"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"

export interface Message<P> {
  readonly tag: string
  readonly payload: P
}

export type Handlers<S, P> = { readonly [tag: string]: (state: S, payload: P) => S }

export interface Actor<S, P> {
  readonly mailbox: Queue.Queue<Message<P>>
  state: S
  readonly handlers: Handlers<S, P>
}

/** How the fiber takes from the queue. Which is fastest depends on the traffic, so each scenario takes its fastest. */
export type Loop = <S, P>(actor: Actor<S, P>) => Effect.Effect<void>

/** Takes one and yields to other fibers: when it looks again there often is another. Best when messages come singly. */
export const takeAndYield: Loop = (actor) =>
  Effect.forever(Effect.map(Queue.take(actor.mailbox), (message) => handle(actor, message)))

/** Takes one after another, without a step between. Best when many are there. */
export const takeEach: Loop = (actor) => {
  const take = Queue.take(actor.mailbox)
  return Effect.whileLoop({ while: constTrue, body: () => take, step: (message) => handle(actor, message) })
}

/** Takes all that are there at once. */
export const takeAll: Loop = (actor) => {
  const take = Queue.takeAll(actor.mailbox)
  return Effect.whileLoop({
    while: constTrue,
    body: () => take,
    step: (messages) => {
      for (let index = 0; index < messages.length; index++) handle(actor, messages[index]!)
    }
  })
}

/** Ends with the scope. */
export const spawn = Effect.fnUntraced(function*<S, P>(
  state: S,
  handlers: Handlers<S, P>,
  loop: Loop
): Effect.fn.Return<Actor<S, P>, never, Scope.Scope> {
  const mailbox = yield* Queue.unbounded<Message<P>>()
  const actor: Actor<S, P> = { mailbox, state, handlers }
  yield* Effect.forkScoped(loop(actor))
  return actor
})

export const send = <S, P>(to: Actor<S, P>, tag: string, payload: P): boolean =>
  Queue.offerUnsafe(to.mailbox, { tag, payload })

const handle = <S, P>(actor: Actor<S, P>, message: Message<P>): void => {
  actor.state = actor.handlers[message.tag]!(actor.state, message.payload)
}
