/** Map and reduce over a swarm, chunk by chunk, between turns. */
import * as Effect from "effect/Effect"
import type * as Reducer from "effect/Reducer"
import type { Options } from "../MapReduce.ts"
import type { Chunk, Fold } from "./hot/columns.ts"
import { single } from "./hot/swarmTurn.ts"
import { SLICE_MILLIS, type SwarmHost } from "./swarmHost.ts"
import { hostOf } from "./swarmPopulation.ts"

/** Visits all chunks, a few milliseconds at a time, while no turn is open. */
const visit = (
  host: SwarmHost,
  options: Options,
  each: (chunk: Chunk, size: number) => void
): Effect.Effect<void> =>
  host.standing(Effect.suspend(() => {
    const { store } = host
    const chunks = store.used
    let chunk = 0
    const slice: Effect.Effect<void> = Effect.suspend(() => {
      const end = performance.now() + SLICE_MILLIS
      while (chunk < chunks) {
        each(store.chunks[chunk]!, store.size(chunk))
        chunk++
        if (chunk < chunks && performance.now() >= end) {
          options.onProgress?.({ done: chunk * host.rows.shape.rows, of: store.count })
          return Effect.andThen(Effect.yieldNow, slice)
        }
      }
      options.onProgress?.({ done: store.count, of: store.count })
      return Effect.void
    })
    return slice
  }))

/** A loop for each map, so that it is compiled for it alone. */
const folds = new WeakMap<object, Fold>()

export const instances = <A>(
  population: unknown,
  options: Options & { readonly map: (row: any) => A; readonly reducer: Reducer.Reducer<A> }
): Effect.Effect<A> =>
  Effect.suspend(() => {
    const host = hostOf(population)
    const { map, reducer } = options
    let fold = folds.get(map)
    if (fold === undefined) {
      fold = host.rows.fold()
      folds.set(map, fold)
    }
    const { combine, initialValue } = reducer
    const cursor = host.rows.cursor(single(host.rows))
    cursor.d0 = -1
    cursor.d1 = -1
    let all = initialValue
    return Effect.map(
      visit(host, options, (chunk, size) => {
        cursor.enter(chunk)
        all = combine(all, fold(cursor, cursor.view, 0, size, map, combine as never, initialValue) as A)
      }),
      () => all
    )
  })

export const columns = <A>(
  population: unknown,
  options: Options & {
    readonly make: () => A
    readonly add: (accumulator: A, columns: any, from: number, to: number) => void
    readonly combine: (into: A, from: A) => void
  }
): Effect.Effect<A> =>
  Effect.suspend(() => {
    const host = hostOf(population)
    const all = options.make()
    return Effect.map(
      visit(host, options, (chunk, size) => {
        const some = options.make()
        options.add(some, host.rows.named(chunk), 0, size)
        options.combine(all, some)
      }),
      () => all
    )
  })
