/**
 * Many asks as one: all of them, enough of them, the first of them, or one value made of all of them.
 *
 * An ask is an Effect, and these take Effects; one that is an ask and nothing else, `ref.ask(...)` without anything
 * piped behind it, needs no fiber. What is not needed any more is given up: nobody waits for its answer, and a late one
 * is dropped.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Reducer from "effect/Reducer"
import type * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { AskError } from "./AskError.ts"
import { type AnyEffect, Gather, type Limits, run, type Verdict } from "./internal/gather.ts"
import { All, Quorum, Reduction, Settled } from "./internal/verdicts.ts"
import { QuorumError } from "./QuorumError.ts"

/**
 * How many asks together are made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** After this long they fail with an `AskTimeout`, all together. (Default: they wait) */
  readonly timeout?: Duration.Input | undefined
  /** How many are under way at a time; at least 1. (Default: all) */
  readonly concurrency?: number | undefined
}

/**
 * An ask, or any other Effect.
 *
 * @category models
 * @since 0.1.0
 */
// oxlint-disable-next-line typescript/no-explicit-any -- as in Effect.All
export type Any = Effect.Effect<any, any, any>

/**
 * What `all` gives: the answers in the shape of the asks.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type AllOf<Asks extends Iterable<Any> | Record<string, Any>> = Effect.All.Return<Asks, {}> extends
  Effect.Effect<infer A, infer E, infer R> ? Effect.Effect<A, E | AskError, R> : never

/**
 * What `settled` gives: for each ask its answer, or why there is none.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type SettledOf<Asks extends Iterable<Any> | Record<string, Any>> = Effect.Effect<
  Asks extends ReadonlyArray<Any> | Record<string, Any> ? {
      -readonly [K in keyof Asks]: Asks[K] extends Effect.Effect<infer A, infer E, infer _R>
        ? Result.Result<A, E | AskError>
        : never
    }
    : Asks extends Iterable<Effect.Effect<infer A, infer E, infer _R>> ? Array<Result.Result<A, E | AskError>>
    : never,
  never,
  Effect.Services<Asks extends Iterable<infer One> ? One : Asks[keyof Asks]>
>

/**
 * All answers, in the shape of the asks: a tuple, a record, or an array of any iterable. The first that fails fails
 * all, and the others are given up.
 *
 * **Example** (Two questions at a time)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Ask } from "@troupe/runtime"
 *
 * const Stock = Actor.make("Stock", {
 *   protocol: RpcGroup.make(Rpc.make("Count", { success: Schema.Int }), Rpc.make("Name", { success: Schema.String }))
 * })
 *
 * const report = (stock: Actor.Ref<typeof Stock>) =>
 *   Ask.all({ name: stock.ask("Name"), count: stock.ask("Count") }, { timeout: "1 second" })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const all = <const Asks extends Iterable<Any> | Record<string, Any>>(
  asks: Asks,
  options?: Options
): AllOf<Asks> => shaped(asks, (questions) => new All(questions.length), options) as AllOf<Asks>

/**
 * How each ask ended, as a `Result`, in the shape of the asks. It waits for all of them, but not beyond the timeout:
 * what is not answered then is a failure too. It never fails.
 *
 * @category combinators
 * @since 0.1.0
 */
export const settled = <const Asks extends Iterable<Any> | Record<string, Any>>(
  asks: Asks,
  options?: Options
): SettledOf<Asks> => shaped(asks, (questions) => new Settled(questions), options) as SettledOf<Asks>

/**
 * The first answers that come, as many as are needed, in the order in which they come. The others are given up. It
 * fails as soon as there cannot be so many any more.
 *
 * **Example** (Two of three replicas)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Ask } from "@troupe/runtime"
 *
 * const Replica = Actor.make("Replica", {
 *   protocol: RpcGroup.make(Rpc.make("Version", { success: Schema.Int }))
 * })
 *
 * const versions = (replicas: ReadonlyArray<Actor.Ref<typeof Replica>>) =>
 *   Ask.quorum(replicas.map((replica) => replica.ask("Version")), { needed: 2, timeout: "1 second" })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const quorum = <A, E, R>(
  asks: Iterable<Effect.Effect<A, E, R>>,
  options?: Options & {
    /** How many answers. (Default: more than half of them) */
    readonly needed?: number | undefined
  }
): Effect.Effect<Array<A>, QuorumError<E | AskError> | AskError, R> =>
  Effect.suspend(() => {
    const questions = Array.from(asks)
    return enough(questions, options?.needed ?? Math.floor(questions.length / 2) + 1, limits(options))
  })

/**
 * The first answer that comes. The others are given up; those that fail are not waited for, unless all of them do.
 *
 * @category combinators
 * @since 0.1.0
 */
export const race = <A, E, R>(
  asks: Iterable<Effect.Effect<A, E, R>>,
  options?: Options
): Effect.Effect<A, QuorumError<E | AskError> | AskError, R> =>
  Effect.suspend(() => first(enough(Array.from(asks), 1, limits(options))))

/**
 * The first answer that comes, asking one after the other: the next when the one before has failed, or has not answered
 * for a while. For few slow answers at little cost: most of the time only the first is asked.
 *
 * **Example** (A second replica after 20 ms)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Ask } from "@troupe/runtime"
 *
 * const Replica = Actor.make("Replica", {
 *   protocol: RpcGroup.make(Rpc.make("Version", { success: Schema.Int }))
 * })
 *
 * const version = (replicas: ReadonlyArray<Actor.Ref<typeof Replica>>) =>
 *   Ask.hedge(replicas.map((replica) => replica.ask("Version")), { after: "20 millis", timeout: "1 second" })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const hedge = <A, E, R>(
  asks: Iterable<Effect.Effect<A, E, R>>,
  options: {
    /** How long to wait for an answer before one more is asked. */
    readonly after: Duration.Input
    /** After this long it fails with an `AskTimeout`. (Default: it waits) */
    readonly timeout?: Duration.Input | undefined
  }
): Effect.Effect<A, QuorumError<E | AskError> | AskError, R> =>
  Effect.suspend(() =>
    first(
      enough(Array.from(asks), 1, { concurrency: 1, timeout: options.timeout, widen: options.after })
    )
  )

/**
 * How a map-reduce is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReduceOptions {
  /** After this long it fails with an `AskTimeout`. (Default: it waits) */
  readonly timeout?: Duration.Input | undefined
  /** How many are asked at a time; at least 1. No more answers than these are kept. (Default: 256) */
  readonly concurrency?: number | undefined
  /**
   * Whether answers are combined as they come, for a reducer that gives the same in any order: a slow one holds up
   * no other. (Default: false, in the order of those asked)
   */
  readonly unordered?: boolean | undefined
}

/**
 * Map-reduce: asks each of many, and combines their answers into one value, which is all that is kept of them. The
 * first that fails fails it all, and the others are given up.
 *
 * **Details**
 *
 * Those to ask may be any iterable, an endless or a lazy one too: it is read as far as there is room for questions.
 * For those that may fail, say what stands for their answer: `Effect.orElseSucceed(ref.ask("Count"), () => 0)`.
 *
 * **Example** (A sum over many actors)
 *
 * ```ts
 * import { Effect, Number, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Ask } from "@troupe/runtime"
 *
 * const Stock = Actor.make("Stock", {
 *   protocol: RpcGroup.make(Rpc.make("Count", { success: Schema.Int }))
 * })
 *
 * const total = (stocks: Iterable<Actor.Ref<typeof Stock>>) =>
 *   Ask.reduce(stocks, (stock) => stock.ask("Count"), Number.ReducerSum, { unordered: true })
 * ```
 *
 * @category map-reduce
 * @since 0.1.0
 */
export const reduce = <T, A, E, R>(
  targets: Iterable<T>,
  ask: (target: T, index: number) => Effect.Effect<A, E, R>,
  reducer: Reducer.Reducer<A>,
  options?: ReduceOptions
): Effect.Effect<A, E | AskError, R> =>
  run((context) =>
    new Gather(
      context,
      questionsOf(targets, ask),
      new Reduction(reducer as Reducer.Reducer<unknown>, options?.unordered ?? false),
      limits({ concurrency: 256, ...options })
    )
  )

/**
 * How far a map-reduce has come.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress<out A> {
  /** The answers so far, combined. */
  readonly value: A
  /** How many answers these are. */
  readonly answers: number
}

/**
 * Map-reduce with its partial results, as they come: the last one is the result. Whoever reads slowly gets fewer of
 * them, and holds up nobody. Whoever stops reading gives up what is under way.
 *
 * @category map-reduce
 * @since 0.1.0
 */
export const scan = <T, A, E, R>(
  targets: Iterable<T>,
  ask: (target: T, index: number) => Effect.Effect<A, E, R>,
  reducer: Reducer.Reducer<A>,
  options?: ReduceOptions
): Stream.Stream<Progress<A>, E | AskError, R> =>
  Stream.unwrap(Effect.contextWith((context) => {
    const reduction = new Reduction(reducer as Reducer.Reducer<unknown>, options?.unordered ?? false)
    const gather = new Gather(
      context as never,
      questionsOf(targets, ask),
      reduction,
      limits({ concurrency: 256, ...options })
    )
    let begun = false
    let seen = -1
    const pull = Effect.callback<readonly [Progress<A>], E | AskError | Cause.Done>((resume) => {
      const look = (): void => {
        const { exit } = gather
        const { done, value } = reduction
        // Where nobody is asked, the result is the first value.
        const news = done > Math.max(seen, 0) || (seen < 0 && exit?._tag === "Success")
        if (!news && exit === undefined) return
        // What comes next is for the next pull.
        gather.onAnswer = undefined
        if (news) {
          seen = done
          resume(Effect.succeed([{ value: value as A, answers: done }]))
        } else if (exit?._tag === "Success") {
          resume(Cause.done())
        } else {
          resume(gather.result(exit!) as Effect.Effect<never, E | AskError>)
        }
      }
      if (!begun) {
        begun = true
        gather.begin()
      }
      gather.onAnswer = look
      look()
      return Effect.sync(() => {
        gather.onAnswer = undefined
      })
    })
    return Effect.as(
      Effect.addFinalizer(() => gather.giveUp()),
      Stream.fromPull(Effect.succeed(pull))
    )
  })) as Stream.Stream<Progress<A>, E | AskError, R>

const limits = (options: Options | undefined): Limits => ({
  concurrency: Math.max(1, options?.concurrency ?? Infinity),
  timeout: options?.timeout
})

/** Asks them all, and gives what is made of their answers the shape that they have. */
const shaped = (
  asks: Iterable<Any> | Record<string, Any>,
  verdict: (questions: ReadonlyArray<AnyEffect>) => Verdict,
  options: Options | undefined
): AnyEffect =>
  Effect.suspend(() => {
    const keys = Symbol.iterator in asks ? undefined : Object.keys(asks)
    const questions = keys === undefined
      ? Array.from(asks as Iterable<AnyEffect>)
      : keys.map((key) => (asks as Record<string, AnyEffect>)[key]!)
    const gathered = run((context) => new Gather(context, questions, verdict(questions), limits(options)))
    if (keys === undefined) return gathered
    return Effect.map(gathered, (answers: ReadonlyArray<unknown>) =>
      Object.fromEntries(keys.map((key, i) => [key, answers[i]])))
  })

const enough = <A, E, R>(
  questions: ReadonlyArray<Effect.Effect<A, E, R>>,
  needed: number,
  limits: Limits
): Effect.Effect<Array<A>, QuorumError<E | AskError> | AskError, R> => {
  if (needed < 1) return Effect.succeed([])
  const { length } = questions
  if (length < needed) {
    return Effect.fail(new QuorumError({ needed, of: length, answers: 0, failures: [] }) as never)
  }
  return run((context) => new Gather(context, questions, new Quorum(length, needed), limits))
}

const first = <A, E, R>(answers: Effect.Effect<ReadonlyArray<A>, E, R>): Effect.Effect<A, E, R> =>
  Effect.map(answers, ([answer]) => answer as A)

function* questionsOf<T>(
  targets: Iterable<T>,
  ask: (target: T, index: number) => Any
): Generator<AnyEffect> {
  let index = 0
  for (const target of targets) yield ask(target, index++)
}
