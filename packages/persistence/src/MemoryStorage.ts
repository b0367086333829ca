/**
 * Storage in this process's memory: for tests, and for what need not outlive the process.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Journal, type Stored } from "./Journal.ts"
import { type Snapshot, SnapshotStore } from "./SnapshotStore.ts"
import { type Revised, StateStore } from "./StateStore.ts"
import { conflict } from "./StoreError.ts"

/** The events of one id: `events[0]` has the sequence `first + 1`. */
interface Log {
  first: number
  events: Array<Stored>
}

const journal = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const logs = new Map<string, Log>()
  const last = ({ events, first }: Log): number => first + events.length
  const logOf = (id: string): Log => {
    let log = logs.get(id)
    if (log === undefined) logs.set(id, log = { first: 0, events: [] })
    return log
  }
  return Journal.of({
    durability: "memory",
    writeUnsafe: (id, expected, events) => {
      const log = logOf(id)
      const actual = last(log)
      if (actual !== expected) return Effect.fail(conflict(id, expected, actual))
      const at = clock.currentTimeMillisUnsafe()
      events.forEach((bytes, i) => log.events.push({ sequence: expected + i + 1, at, bytes: bytes.slice() }))
      return Effect.succeed({ last: last(log), stored: Effect.void })
    },
    sync: Effect.void,
    read: (id, { after = 0, upTo = Infinity } = {}) =>
      Stream.suspend(() => {
        const { events, first } = logs.get(id) ?? { first: 0, events: [] }
        return Stream.fromIterable(events.slice(Math.max(0, after - first), Math.max(0, upTo - first)))
      }),
    last: (id) => Effect.sync(() => last(logs.get(id) ?? { first: 0, events: [] })),
    discard: (id, upTo) =>
      Effect.sync(() => {
        const log = logs.get(id)
        if (log === undefined) return
        const given = Math.min(Math.max(0, upTo - log.first), log.events.length)
        log.events = log.events.slice(given)
        log.first += given
      }),
    ids: Stream.suspend(() => Stream.fromIterable(Array.from(logs.keys())))
  })
})

const snapshots = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const kept = new Map<string, ReadonlyArray<Snapshot>>()
  const of = (id: string): ReadonlyArray<Snapshot> => kept.get(id) ?? []
  return SnapshotStore.of({
    save: (id, sequence, bytes) =>
      Effect.sync(() => {
        const snapshot = { sequence, at: clock.currentTimeMillisUnsafe(), bytes: bytes.slice() }
        const others = of(id).filter((one) => one.sequence !== sequence)
        kept.set(id, [...others, snapshot].sort((a, b) => a.sequence - b.sequence))
      }),
    latest: (id) => Effect.sync(() => Option.fromNullishOr(of(id).at(-1))),
    sequences: (id) => Effect.sync(() => of(id).map(({ sequence }) => sequence)),
    discard: (id, upTo) =>
      Effect.sync(() => {
        kept.set(id, of(id).filter(({ sequence }) => sequence > upTo))
      })
  })
})

const states = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const latest = new Map<string, Revised>()
  const revision = (id: string): number => latest.get(id)?.revision ?? 0
  return StateStore.of({
    load: (id) => Effect.sync(() => Option.fromNullishOr(latest.get(id))),
    save: (id, expected, bytes) =>
      Effect.suspend(() => {
        const actual = revision(id)
        if (actual !== expected) return Effect.fail(conflict(id, expected, actual))
        const at = clock.currentTimeMillisUnsafe()
        latest.set(id, { revision: expected + 1, at, bytes: bytes.slice() })
        return Effect.succeed(expected + 1)
      }),
    remove: (id, expected) =>
      Effect.suspend(() => {
        const actual = revision(id)
        if (actual !== expected) return Effect.fail(conflict(id, expected, actual))
        latest.delete(id)
        return Effect.void
      })
  })
})

/**
 * A journal, snapshots and states in memory. What is built from one `layer` value is shared by whoever uses it, as
 * Layers are.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Journal | SnapshotStore | StateStore> = Layer.mergeAll(
  Layer.effect(Journal, journal),
  Layer.effect(SnapshotStore, snapshots),
  Layer.effect(StateStore, states)
)
