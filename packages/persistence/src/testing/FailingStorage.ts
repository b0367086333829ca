/**
 * Storage that fails on purpose, from a seed: what becomes of a program whose disk is full now and then.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { Journal } from "../Journal.ts"
import { SnapshotStore } from "../SnapshotStore.ts"
import { StateStore } from "../StateStore.ts"
import { type StoreError, unavailable } from "../StoreError.ts"

/**
 * What fails, and how often.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly seed: string | number
  /** The share of reads that fail. (Default: 0) */
  readonly reads?: number | undefined
  /** The share of writes that fail, half of them after they took place, as one whose answer is lost. (Default: 0) */
  readonly writes?: number | undefined
}

/**
 * Puts failures before the storage that it is provided with: each is an `Unavailable`.
 *
 * **Example** (One write in ten fails)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { MemoryStorage } from "@troupe/persistence"
 * import * as FailingStorage from "@troupe/persistence/testing/FailingStorage"
 *
 * const storage = FailingStorage.layer({ seed: 1, writes: 0.1 }).pipe(Layer.provide(MemoryStorage.layer))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<
  Journal | SnapshotStore | StateStore,
  never,
  Journal | SnapshotStore | StateStore
> =>
  Layer.effectContext(Effect.gen(function*() {
    const { reads = 0, seed, writes = 0 } = options
    const random = yield* Random.withSeed(Random.Random, seed)
    const journal = yield* Journal
    const snapshots = yield* SnapshotStore
    const states = yield* StateStore
    const failure = (id: string) => unavailable(id, new Error("failed on purpose"))

    const read = <A>(id: string, self: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
      Effect.suspend(() => random.nextDoubleUnsafe() < reads ? Effect.fail(failure(id)) : self)
    const write = <A>(id: string, self: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
      Effect.suspend(() => {
        const roll = random.nextDoubleUnsafe()
        if (roll >= writes) return self
        return roll < writes / 2 ? Effect.fail(failure(id)) : Effect.andThen(self, Effect.fail(failure(id)))
      })

    return Context.empty().pipe(
      Context.add(Journal, {
        ...journal,
        writeUnsafe: (id, expected, events) =>
          write(id, Effect.suspend(() => journal.writeUnsafe(id, expected, events))),
        read: (id, range) => Stream.unwrap(read(id, Effect.sync(() => journal.read(id, range)))),
        last: (id) => read(id, journal.last(id)),
        discard: (id, upTo) => write(id, journal.discard(id, upTo))
      }),
      Context.add(SnapshotStore, {
        save: (id, sequence, bytes) => write(id, snapshots.save(id, sequence, bytes)),
        latest: (id) => read(id, snapshots.latest(id)),
        sequences: (id) => read(id, snapshots.sequences(id)),
        discard: (id, upTo) => write(id, snapshots.discard(id, upTo))
      }),
      Context.add(StateStore, {
        load: (id) => read(id, states.load(id)),
        save: (id, expected, bytes) => write(id, states.save(id, expected, bytes)),
        remove: (id, expected) => write(id, states.remove(id, expected))
      })
    )
  }))
