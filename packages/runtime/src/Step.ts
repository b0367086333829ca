/**
 * What a handler returns: its actor's next step, as a value.
 *
 * @since 0.1.0
 */
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
 * A step of an actor with the state `S`, which answers with `A` or fails with `E`.
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
 * | `crash(error)` | a failure of the actor, for its supervision | `ActorEnded` | |
 *
 * @category models
 * @since 0.1.0
 */
export interface Step<out S, out A = never, out E = never> {
  readonly [TypeId]: { readonly _S: () => S; readonly _A: () => A; readonly _E: () => E }
}

// The types live in the interface alone: at run time a step is a kernel's value of one shape.
const make = <S, A, E>(kind: number, state: unknown, value: unknown): Step<S, A, E> =>
  new kernel.Step(kind, state, value) as unknown as Step<S, A, E>

/**
 * Keeps `state`, and answers with nothing where an answer is awaited.
 *
 * @category constructors
 * @since 0.1.0
 */
export const next = <S>(state: S): Step<S, void> => make(kernel.NEXT, state, undefined)

/**
 * Keeps `state`, and answers with `answer`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reply = <S, A>(state: S, answer: A): Step<S, A> => make(kernel.REPLY, state, answer)

/**
 * Keeps `state`, and answers with the message's declared error. Not a failure of the actor: nothing restarts.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fail = <S, E>(state: S, error: E): Step<S, never, E> => make(kernel.FAIL, state, error)

/**
 * Keeps `state`; the answer is owed and comes through the `ctx.replier` that the handler took. An actor that ends
 * before it answers fails the ask with `ActorEnded`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const later = <S>(state: S): Step<S> => make(kernel.LATER, state, undefined)

/**
 * Answers, and ends the actor; what still waits in its mailbox becomes dead letters.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stop: {
  (): Step<never, void>
  <A>(answer: A): Step<never, A>
} = (answer?: unknown): Step<never, never> => make(kernel.STOP, undefined, answer)

/**
 * Fails on purpose, for supervision to decide what happens.
 *
 * @category constructors
 * @since 0.1.0
 */
export const crash = (error: unknown): Step<never> => make(kernel.CRASH, undefined, error)
