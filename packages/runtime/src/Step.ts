/**
 * What a handler returns: its actor's next step, as a value.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as kernel from "./internal/hot/step.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/runtime/Step"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * A step of an actor with the state `S`, which answers with `A` or fails with `E`, and needs what `N` says.
 *
 * **Details**
 *
 * | step | state | an ask gets | a tell |
 * | --- | --- | --- | --- |
 * | `next(s)` | s | nothing: for messages whose success is void | |
 * | `reply(s, a)` | s | a | a is dropped |
 * | `fail(s, e)` | s | the declared error e | dead letter `UnheardError` |
 * | `later(s)` | s | what `ctx.replier` is given, whenever | |
 * | `stop(a?)` | the actor ends | a | a is dropped |
 * | `become(s, handlers, a?)` | s, and other handlers from now on | a | a is dropped |
 * | `fork(s, effect)` | s | what the effect comes to; the actor goes on meanwhile | an error: dead letter `UnheardError` |
 * | `stream(s, stream)` | s | the stream's elements; the actor goes on meanwhile | nothing runs |
 * | `stash(s)` | s; the message waits until `ctx.unstashAll()` | what it gets then | |
 * | `unhandled(s)` | s | `Unhandled` | dead letter `Unhandled` |
 * | `crash(error)` | a failure of the actor, for its supervision | `ActorEnded` | |
 *
 * @category models
 * @since 0.1.0
 */
export interface Step<out S, out A = never, out E = never, out N = never> {
  readonly [TypeId]: {
    readonly _S: () => S
    readonly _A: () => A
    readonly _E: () => E
    readonly _N: () => N
  }
}

/**
 * The answer of a message that is declared with `stream: true`: what `stream` gives.
 *
 * @category models
 * @since 0.1.0
 */
export interface Streamed<out A, out E> {
  readonly _Elements: () => A
  readonly _Error: () => E
}

/**
 * What a step needs of its actor: that it understands what these handlers understand, and services.
 *
 * @category models
 * @since 0.1.0
 */
export interface Needs<out Handlers, out R> {
  readonly _Handlers: () => Handlers
  readonly _R: () => R
}

/**
 * The services that a step needs.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type Services<T> = T extends Step<infer _S, infer _A, infer _E, infer N>
  ? N extends Needs<infer _H, infer R> ? R : never
  : never

/**
 * The services that a handler needs which gives this: a step, or an Effect of one.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type ResultServices<T> = T extends Effect.Effect<infer A, infer _E, infer R> ? R | Services<A>
  : Services<T>

/**
 * The services that a table of handlers needs.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type HandlersServices<H> = {
  [K in keyof H]: HandlerServices<H[K]>
}[keyof H]

type HandlerServices<F> = F extends (...args: never) => infer Result ? ResultServices<Result>
  : F extends { readonly batch: (...args: never) => infer Result } ? ResultServices<Result>
  : never

// The types live in the interface alone: at run time a step is a kernel's value of one shape.
const make = <S, A, E, N = never>(kind: number, state: unknown, value: unknown): Step<S, A, E, N> =>
  new kernel.Step(kind, state, value) as unknown as Step<S, A, E, N>

/**
 * What keeps a literal one where its type is inferred: a state `{ status: "new" }` has the type `"new"` in it, and
 * not `string`.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type Literal = string | number | bigint | boolean | null | undefined

/**
 * Anything, with the literals `L` in it; see `Literal`.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type Exact<L> = L | Exact.Record<L> | ReadonlyArray<Exact.Record<L>> | {} | null | undefined

/**
 * @since 0.1.0
 */
export declare namespace Exact {
  /**
   * @category type-level programming
   * @since 0.1.0
   */
  export interface Record<L> {
    readonly [key: string]: Exact<L>
  }
}

/**
 * Keeps `state`, and answers with nothing where an answer is awaited.
 *
 * @category constructors
 * @since 0.1.0
 */
export const next = <S extends Exact<L>, L extends Literal = never>(state: S): Step<S, void> =>
  make(kernel.NEXT, state, undefined)

/**
 * Keeps `state`, and answers with `answer`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reply = <
  S extends Exact<L>,
  A extends Exact<M>,
  L extends Literal = never,
  M extends Literal = never
>(state: S, answer: A): Step<S, A> => make(kernel.REPLY, state, answer)

/**
 * Keeps `state`, and answers with the message's declared error. Not a failure of the actor: nothing restarts.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fail = <S extends Exact<L>, E, L extends Literal = never>(
  state: S,
  error: E
): Step<S, never, E> => make(kernel.FAIL, state, error)

/**
 * Keeps `state`; the answer is owed and comes through the `ctx.replier` that the handler took. An actor that ends
 * before it answers fails the ask with `ActorEnded`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const later = <S extends Exact<L>, L extends Literal = never>(state: S): Step<S> =>
  make(kernel.LATER, state, undefined)

/**
 * Keeps `state`, and handles what follows with `handlers`, another table for the same protocol; answers with nothing,
 * or with `answer`. A restart begins with the behaviour's own handlers again.
 *
 * **Gotchas**
 *
 * A table is prepared when an actor first becomes it, so keep tables as constants. Tables that become each other need
 * their types written down: `Actor.HandlersOf`.
 *
 * **Example** (A door)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor } from "@troupe/runtime"
 *
 * const Door = Actor.make("Door", {
 *   protocol: RpcGroup.make(Rpc.make("Open"), Rpc.make("Close"), Rpc.make("IsOpen", { success: Schema.Boolean }))
 * })
 *
 * // the state: how often it was opened
 * type Handlers = Actor.HandlersOf<typeof Door, number>
 *
 * const open: Handlers = {
 *   Open: (times) => Actor.unhandled(times),
 *   Close: (times) => Actor.become(times, closed),
 *   IsOpen: (times) => Actor.reply(times, true)
 * }
 * const closed: Handlers = {
 *   Open: (times) => Actor.become(times + 1, open),
 *   Close: (times) => Actor.unhandled(times),
 *   IsOpen: (times) => Actor.reply(times, false)
 * }
 *
 * const DoorLive = Door.toLayer({ state: Schema.Int, initial: () => 0, handlers: closed })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const become: {
  <S extends Exact<L>, H, L extends Literal = never>(
    state: S,
    handlers: H
  ): Step<S, void, never, Needs<H, HandlersServices<H>>>
  <S extends Exact<L>, H, A extends Exact<M>, L extends Literal = never, M extends Literal = never>(
    state: S,
    handlers: H,
    answer: A
  ): Step<S, A, never, Needs<H, HandlersServices<H>>>
} = (state: unknown, handlers: unknown, answer?: unknown): Step<never, never, never, never> =>
  make(kernel.BECOME, state, new kernel.Becoming(handlers as object, answer))

/**
 * Keeps `state`, and leaves the answer to `effect`, which runs in the actor's scope while the actor goes on: what it
 * succeeds with is the answer, what it fails with the message's declared error. If it dies, the actor fails.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fork = <S extends Exact<L>, A, E, R, L extends Literal = never>(
  state: S,
  effect: Effect.Effect<A, E, R>
): Step<S, A, E, Needs<never, Exclude<R, Scope.Scope>>> => make(kernel.FORK, state, effect)

/**
 * Keeps `state`, and leaves the answer of a message that is declared with `stream: true` to `stream`, which runs in the
 * actor's scope while the actor goes on, no faster than its elements are taken. If it dies, the actor fails.
 *
 * **Example** (Counting for those who want to hear it)
 *
 * ```ts
 * import { Schema, Stream } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor } from "@troupe/runtime"
 *
 * const Counter = Actor.make("Counter", {
 *   protocol: RpcGroup.make(
 *     Rpc.make("CountTo", { payload: { n: Schema.Int }, success: Schema.Int, stream: true })
 *   )
 * })
 *
 * const CounterLive = Counter.toLayer({
 *   state: Schema.Int,
 *   initial: () => 0,
 *   handlers: {
 *     CountTo: (asked, { n }) => Actor.stream(asked + 1, Stream.range(1, n))
 *   }
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const stream = <S extends Exact<L>, A, E, R, L extends Literal = never>(
  state: S,
  stream: Stream.Stream<A, E, R>
): Step<S, Streamed<A, E>, never, Needs<never, Exclude<R, Scope.Scope>>> => make(kernel.STREAM, state, stream)

/**
 * Keeps `state` and the message: `ctx.unstashAll()` puts what is kept back before all that waits, in order. How much
 * is kept is the behaviour's `stash`; what would be too much is a dead letter `StashFull`, and an ask fails so.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stash = <S extends Exact<L>, L extends Literal = never>(state: S): Step<S> =>
  make(kernel.STASH, state, undefined)

/**
 * Keeps `state`; the message has no place in it. It is a dead letter `Unhandled`, and an ask fails so.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unhandled = <S extends Exact<L>, L extends Literal = never>(state: S): Step<S> =>
  make(kernel.UNHANDLED, state, undefined)

/**
 * Answers, and ends the actor; what still waits in its mailbox becomes dead letters.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stop: {
  (): Step<never, void>
  <A extends Exact<L>, L extends Literal = never>(answer: A): Step<never, A>
} = (answer?: unknown): Step<never, never> => make(kernel.STOP, undefined, answer)

/**
 * Fails on purpose, for supervision to decide what happens.
 *
 * @category constructors
 * @since 0.1.0
 */
export const crash = (error: unknown): Step<never> => make(kernel.CRASH, undefined, error)
