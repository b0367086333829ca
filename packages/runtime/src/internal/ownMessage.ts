/** What an actor tells itself by way of the system lane, which no mailbox is too full for: timers, ends of effects. */
import { HANDLED, LOCAL } from "./hot/counts.ts"
import { NEXT, Step } from "./hot/step.ts"
import type { SystemSignal } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import type { MessageType } from "./protocol.ts"

/** What such a message belongs to: it is not heard of when that is over. */
export interface Incarnation {
  readonly over: boolean
}

export abstract class OwnMessage implements SystemSignal {
  private readonly incarnation: Incarnation
  /** Undefined until its turn, where it is made only then. */
  message: MessageType | undefined
  payload: unknown

  constructor(incarnation: Incarnation, message: MessageType | undefined, payload: unknown) {
    this.incarnation = incarnation
    this.message = message
    this.payload = payload
  }

  get index(): number {
    return this.message?.index ?? -1
  }

  get tag(): string {
    return this.message?.tag ?? "pipeToSelf"
  }

  /** Its turn has come; false when it is not to be heard of any more. */
  protected abstract take(ref: LocalRef): boolean

  handle(state: unknown, ref: LocalRef): unknown {
    if (this.incarnation.over || !this.take(ref)) return new Step(NEXT, state, undefined)
    const { counts } = ref.system
    counts[LOCAL]!++
    counts[HANDLED]!++
    return ref.handlers![this.index]!(state, this.payload, ref)
  }
}
