/**
 * Map and reduce: one figure out of the many instances of a swarm. Over actors it is `Ask.reduce`.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Reducer from "effect/Reducer"
import type * as Rpc from "effect/rpc/Rpc"
import * as internal from "./internal/swarmReduce.ts"
import type { Population } from "./Population.ts"
import type { Columns, Row, State } from "./Swarm.ts"

/**
 * How far it has got.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  readonly done: number
  readonly of: number
}

/**
 * Common to all.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Called after every few milliseconds of work, and at the end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * Maps each instance of a swarm to a value, and combines the values: those of a chunk in the order of its rows, then
 * those of the chunks in theirs, so that equal swarms give equal results.
 *
 * **Details**
 *
 * No turn is open meanwhile, so that all instances are seen at one moment. The event loop has its turn every few
 * milliseconds, and an interruption takes effect then. The reducer must be associative, its initial value neutral.
 *
 * **Example** (The mean of a swarm)
 *
 * ```ts
 * import { Effect, Reducer, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { MapReduce, Swarm } from "@troupe/runtime"
 *
 * const Car = Swarm.make("Car", {
 *   protocol: RpcGroup.make(Rpc.make("Drive")),
 *   state: Schema.Struct({ speed: Schema.Number })
 * })
 *
 * const sum = Reducer.make((a: number, b: number) => a + b, 0)
 *
 * const mean = Effect.gen(function*() {
 *   const cars = yield* Car.population
 *   return (yield* MapReduce.instances(cars, { map: (car) => car.speed, reducer: sum })) / cars.count
 * })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const instances = <Rpcs extends Rpc.Any, S extends State, A>(
  population: Population<Rpcs, S>,
  options: Options & {
    /** Reads a row, which is another one at the next call. */
    readonly map: (row: Readonly<Row<S["Type"]>>) => A
    readonly reducer: Reducer.Reducer<A>
  }
): Effect.Effect<A> => internal.instances(population, options)

/**
 * The same over whole columns into an accumulator that is changed in place, a typed array for example: one for each
 * chunk, combined in the order of the chunks.
 *
 * @category combinators
 * @since 0.1.0
 */
export const columns = <Rpcs extends Rpc.Any, S extends State, A>(
  population: Population<Rpcs, S>,
  options: Options & {
    /** An accumulator with nothing in it. */
    readonly make: () => A
    /** Adds the rows `from` until before `to`. */
    readonly add: (accumulator: A, columns: Columns<S["Type"]>, from: number, to: number) => void
    /** Adds one accumulator to another. */
    readonly combine: (into: A, from: A) => void
  }
): Effect.Effect<A> => internal.columns(population, options)
