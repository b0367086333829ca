/**
 * Signals: what the system tells an actor, apart from its messages.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import type * as Actor from "./Actor.ts"
import type { ActorContext } from "./ActorContext.ts"
import type { ActorRef } from "./ActorRef.ts"
import type * as Step from "./Step.ts"

/**
 * An actor that was watched, or linked, has ended.
 *
 * **Details**
 *
 * `exit` says how: a success when it stopped or its scope closed, else what it failed with; `Exit.void` for a reference
 * that no actor stood behind.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ended {
  /** The reference that was watched or linked. */
  readonly ref: ActorRef<never>
  readonly exit: Exit.Exit<void, unknown>
}

/**
 * Handles a signal: from the state and the signal to the next step, plainly or in an Effect.
 *
 * @category models
 * @since 0.1.0
 */
export type Handler<Rpcs extends Rpc.Any, Signal, S> = (
  state: S,
  signal: Signal,
  ctx: ActorContext<Rpcs>
  // oxlint-disable-next-line typescript/no-explicit-any -- any services: `HandlersServices` collects them
) => SignalStep<Rpcs, S> | Effect.Effect<SignalStep<Rpcs, S>, never, any>

// oxlint-disable-next-line typescript/no-explicit-any -- any services: `HandlersServices` collects them
type SignalStep<Rpcs extends Rpc.Any, S> = Step.Step<S, void, never, Step.Needs<Actor.Handlers<Rpcs, S>, any>>

/**
 * The signals that a behaviour may handle.
 *
 * **Details**
 *
 * | signal | tells that | without a handler |
 * | --- | --- | --- |
 * | `Terminated` | an actor that `ctx.watch` was given has ended | nothing happens |
 * | `LinkBroken` | an actor that `ctx.link` was given, or that linked this one, has ended | if that one failed, this one fails too |
 *
 * Signals go before the messages that wait, in a lane that is never full.
 *
 * @category models
 * @since 0.1.0
 */
export interface Handlers<Rpcs extends Rpc.Any, S> {
  readonly Terminated?: Handler<Rpcs, Ended, S> | undefined
  readonly LinkBroken?: Handler<Rpcs, Ended, S> | undefined
}

/**
 * What an actor fails with when one that it is linked to has failed, and it does not handle the signal `LinkBroken`.
 *
 * @category errors
 * @since 0.1.0
 */
export class LinkBroken extends Schema.TaggedError<LinkBroken>()("LinkBroken", {
  /** The name of the actor that failed. */
  actor: Schema.String,
  /** Its key, if it was a keyed one. */
  key: Schema.optionalKey(Schema.String),
  /** What it failed with, as text. */
  failure: Schema.String
}) {
  override get message(): string {
    return `the linked actor ${this.actor} failed: ${this.failure}`
  }
}
