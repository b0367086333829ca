/**
 * What a command comes to, as a value: what is to be stored, what is answered, what runs afterwards.
 *
 * @since 0.1.0
 */
import type { HandlerContext } from "@troupe/runtime/ActorContext"
import type * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type { Pipeable } from "effect/Pipeable"
import type * as Rpc from "effect/rpc/Rpc"
import { type After, type Decided, make } from "./internal/decided.ts"

/**
 * What a command comes to: which events happened, and what is answered once they are stored.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decision<in S, out Event, out A, out E, out R = never> extends Pipeable {
  readonly _S: (state: S) => void
  readonly _Event: () => Event
  readonly _A: () => A
  readonly _E: () => E
  readonly _R: () => R
}

/**
 * A handler of a command: from the state and the command to a decision, plainly or in an Effect. An Effect that fails
 * with the command's declared error answers with it, and nothing has happened.
 *
 * @category models
 * @since 0.1.0
 */
export type Command<Rpcs extends Rpc.Any, Current extends Rpc.Any, S, Event> = (
  state: S,
  payload: Rpc.Payload<Current>,
  ctx: HandlerContext<Rpcs, Current>
) => // oxlint-disable-next-line typescript/no-explicit-any -- any services: `CommandsServices` collects them
| Decision<S, Event, Rpc.Success<Current>, Rpc.Error<Current>, any>
// oxlint-disable-next-line typescript/no-explicit-any -- as above
| Effect.Effect<Decision<S, Event, Rpc.Success<Current>, Rpc.Error<Current>, any>, Rpc.Error<Current>, any>

/**
 * A handler for each command of a protocol.
 *
 * @category models
 * @since 0.1.0
 */
export type Commands<Rpcs extends Rpc.Any, S, Event> = {
  readonly [Current in Rpcs as Current["_tag"]]: Command<Rpcs, Current, S, Event>
}

type ServicesOf<Result> = Result extends Effect.Effect<infer D, infer _E, infer R> ? R | ServicesOf<D>
  : Result extends Decision<infer _S, infer _Event, infer _A, infer _E, infer R> ? R
  : never

/**
 * The services that a table of commands needs.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type CommandsServices<H> = {
  [K in keyof H]: H[K] extends (...args: never) => infer Result ? ServicesOf<Result> : never
}[keyof H]

/**
 * Events happened: they are stored, then the command is answered with what `answer` makes of the state after them; with
 * nothing, if there is no `answer`.
 *
 * @category decisions
 * @since 0.1.0
 */
export const persist: {
  <Event>(events: Event | ReadonlyArray<Event>): Decision<unknown, Event, void, never>
  <S, Event, A>(
    events: Event | ReadonlyArray<Event>,
    answer: (state: S) => A
  ): Decision<S, Event, A, never>
} = (events: unknown, answer: (state: never) => unknown = nothing) =>
  make({ kind: "persist", values: Array.isArray(events) ? events : [events], answer, after: [] }) as never

/**
 * Nothing happened; the command is answered with a value.
 *
 * @category decisions
 * @since 0.1.0
 */
export const reply = <A>(value: A): Decision<unknown, never, A, never> =>
  make({ kind: "reply", value, after: [] })

/**
 * Nothing happened, and there is nothing to say.
 *
 * @category decisions
 * @since 0.1.0
 */
export const none: Decision<unknown, never, void, never> = /*#__PURE__*/ reply(undefined)

/**
 * The command is refused with its declared error; nothing happened.
 *
 * @category decisions
 * @since 0.1.0
 */
export const fail = <E>(error: E): Decision<unknown, never, never, E> => make({ kind: "fail", error })

/**
 * Answers with a value, or nothing, and ends the actor. Its events stay.
 *
 * @category decisions
 * @since 0.1.0
 */
export const stop: {
  (): Decision<unknown, never, void, never>
  <A>(value: A): Decision<unknown, never, A, never>
} = (value?: unknown) => make({ kind: "stop", value }) as never

/**
 * Runs an Effect when the events are stored, before the answer. If the process ends in between, it never runs: what
 * must not get lost is an event itself, and an {@link Outbox}'s affair.
 *
 * **Details**
 *
 * Nothing is run after a decision that refuses or stops.
 *
 * @category combinators
 * @since 0.1.0
 */
export const andThen: {
  <S, R>(run: (state: S) => Effect.Effect<unknown, never, R>): <Event, A, E, R2>(
    self: Decision<S, Event, A, E, R2>
  ) => Decision<S, Event, A, E, R | R2>
  <S, Event, A, E, R, R2>(
    self: Decision<S, Event, A, E, R2>,
    run: (state: S) => Effect.Effect<unknown, never, R>
  ): Decision<S, Event, A, E, R | R2>
} = dual(
  2,
  (self: Decided, run: After) =>
    self.kind === "persist" || self.kind === "reply" ? make({ ...self, after: [...self.after, run] }) : self
)

const nothing = (): undefined => undefined
