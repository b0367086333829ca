/**
 * What a handler returns: the next step of its actor, as a value.
 *
 * **Contract**: immutable, made by `Actor.next` and its siblings, read by the dispatcher.
 * **Invariant**: one hidden class for all kinds, so that the dispatcher's property reads stay monomorphic.
 * **Ordering**: none, one thread.
 * **Allocation**: one object a step, short-lived.
 * **Evidence**: `local.ping-pong.plain`, `local.tell.plain`.
 */

/** Keep the state given, and answer with nothing where an answer is awaited. */
export const NEXT = 0
/** Keep the state given, and answer with `value`. */
export const REPLY = 1
/** Keep the state given, and answer with the declared error in `value`. */
export const FAIL = 2
/** Keep the state given; the answer is owed and comes through the replier. */
export const LATER = 3
/** Answer with `value`, then end the actor. */
export const STOP = 4
/** Fail on purpose with the error in `value`. */
export const CRASH = 5
/** Keep the state given, handle what follows as the `Becoming` in `value` says, and answer as it says. */
export const BECOME = 6
/** Keep the state given; the message was not for this state: a dead letter, and no answer. */
export const UNHANDLED = 7
/** Keep the state given, and keep the message until it is put back. */
export const STASH = 8
/** Keep the state given; the effect in `value` runs aside, and answers. */
export const FORK = 9
/** Keep the state given; the stream in `value` runs aside, and its elements are the answer. */
export const STREAM = 10
/** The effect in `value` runs aside, and gives the step. */
export const INTERLEAVE = 11

/** What a cell becomes: the handlers by their tags, and what is answered. */
export class Becoming {
  readonly handlers: object
  readonly answer: unknown
  constructor(handlers: object, answer: unknown) {
    this.handlers = handlers
    this.answer = answer
  }
}

/** A step: `kind` is one of the constants above. */
export class Step {
  readonly kind: number
  readonly state: unknown
  readonly value: unknown
  constructor(kind: number, state: unknown, value: unknown) {
    this.kind = kind
    this.state = state
    this.value = value
  }
}
