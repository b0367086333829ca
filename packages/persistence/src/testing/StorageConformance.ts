/**
 * What every storage must do: the cases that Troupe's own layers pass, for whoever writes another one.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Journal from "../Journal.ts"
import { SnapshotStore } from "../SnapshotStore.ts"
import { StateStore } from "../StateStore.ts"
import type { StoreError } from "../StoreError.ts"

/**
 * A storage that does something else than it must.
 *
 * @category errors
 * @since 0.1.0
 */
export class Violation extends Schema.TaggedError<Violation>()("Violation", {
  /** What was looked at. */
  what: Schema.String,
  expected: Schema.Unknown,
  actual: Schema.Unknown
}) {
  override get message(): string {
    return `${this.what}: expected ${JSON.stringify(this.expected)}, got ${JSON.stringify(this.actual)}`
  }
}

/** What a storage provides. */
type Services = Journal.Journal | SnapshotStore | StateStore

/**
 * A storage, and what it can do besides what each of them must. What is said here is tested.
 *
 * @category models
 * @since 0.1.0
 */
export interface Storage<out E, out R> {
  /** Is built for each case, more than once for some. */
  readonly layer: Layer.Layer<Services, E, R>
  /** Keeps the ids of two runs on one storage apart. (Default: none) */
  readonly prefix?: string | undefined
  /** Whether what was stored is there when the layer is built again. (Default: false) */
  readonly reopens?: boolean | undefined
  /** Whether those who build the layer at the same time have the same storage. (Default: false) */
  readonly shared?: boolean | undefined
}

/**
 * One thing that a storage must do; it succeeds where the storage does. Cases use ids of their own, so that they can run
 * on one storage, one after the other; those of a `shared` one at the same time too.
 *
 * @category models
 * @since 0.1.0
 */
export interface Case<out E, out R> {
  /** A sentence. */
  readonly name: string
  readonly run: Effect.Effect<void, StoreError | Violation | E, R>
}

/**
 * The cases.
 *
 * **Example** (All cases of a storage of one's own)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { MemoryStorage } from "@troupe/persistence"
 * import * as StorageConformance from "@troupe/persistence/testing/StorageConformance"
 *
 * const check = Effect.forEach(
 *   StorageConformance.cases({ layer: MemoryStorage.layer, reopens: false, shared: false }),
 *   ({ run }) => run
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const cases = <E, R>(storage: Storage<E, R>): ReadonlyArray<Case<E, R>> => {
  const { prefix = "", reopens = false, shared = false } = storage
  const layer = Layer.fresh(storage.layer)
  const once = sentences.map(([name, run]) => [name, (id: string) => Effect.provide(run(id), layer)] as const)
  const all = [...once, ...(reopens ? reopening(layer) : []), ...(shared ? sharing(layer) : [])]
  return all.map(([name, run], i) => ({ name, run: run(`${prefix}/${i}`) }))
}

type Run = (id: string) => Effect.Effect<void, StoreError | Violation, Services>

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const texts = (from: number, to: number): ReadonlyArray<string> =>
  Array.from({ length: to - from + 1 }, (_, i) => `event ${from + i}`)
const append = (id: string, expected: number, events: ReadonlyArray<string>) =>
  Journal.append(id, expected, events.map(bytes))

const expect = <A>(what: string, actual: A, expected: A): Effect.Effect<void, Violation> =>
  Equal.equals(actual, expected) ? Effect.void : Effect.fail(new Violation({ what, expected, actual }))

/** What an id's events are, with their sequences. */
const read = (id: string, range?: Journal.Range) =>
  Effect.flatMap(Journal.Journal, (journal) =>
    Effect.map(
      Stream.runCollect(journal.read(id, range)),
      (all) => Array.from(all, (event) => [event.sequence, text(event.bytes)] as const)
    ))

const numbered = (from: number, to: number) => texts(from, to).map((text, i) => [from + i, text] as const)

/** That an Effect fails with a conflict, and what was there. */
const conflicts = <A, R>(what: string, self: Effect.Effect<A, StoreError, R>, actual: number) =>
  Effect.flatMap(Effect.result(self), (result) =>
    expect(
      what,
      Result.isFailure(result) && result.failure.reason._tag === "Conflict"
        ? result.failure.reason.actual
        : -1,
      actual
    ))

/** What holds of those that can be opened again. */
const reopening = <E, R>(layer: Layer.Layer<Services, E, R>) =>
  [
    [
      "everything is there when it is opened again",
      (id: string) =>
        Effect.gen(function*() {
          yield* Effect.provide(
            Effect.gen(function*() {
              const journal = yield* Journal.Journal
              const snapshots = yield* SnapshotStore
              const states = yield* StateStore
              yield* append(id, 0, texts(1, 5))
              yield* journal.discard(id, 3)
              yield* append(`${id}/gone`, 0, texts(1, 2))
              yield* journal.discard(`${id}/gone`, 2)
              for (const sequence of [1, 2, 3]) yield* snapshots.save(id, sequence, bytes(`at ${sequence}`))
              yield* snapshots.discard(id, 1)
              yield* states.save(id, 0, bytes("one"))
              yield* states.save(id, 1, bytes("two"))
              yield* states.save(`${id}/gone`, 0, bytes("one"))
              yield* states.remove(`${id}/gone`, 1)
            }),
            layer
          )
          yield* Effect.provide(
            Effect.gen(function*() {
              const journal = yield* Journal.Journal
              const snapshots = yield* SnapshotStore
              const states = yield* StateStore
              yield* expect("events", yield* read(id), numbered(4, 5))
              yield* expect("discarded events", yield* read(`${id}/gone`), [])
              yield* expect("the last of them", yield* journal.last(`${id}/gone`), 2)
              yield* expect("sequences", yield* snapshots.sequences(id), [2, 3])
              const latest = Option.getOrThrow(yield* snapshots.latest(id))
              yield* expect("latest", [latest.sequence, text(latest.bytes)], [3, "at 3"])
              const state = Option.getOrThrow(yield* states.load(id))
              yield* expect("state", [state.revision, text(state.bytes)], [2, "two"])
              yield* expect("removed", Option.isNone(yield* states.load(`${id}/gone`)), true)
              yield* conflicts("from the beginning", append(id, 0, ["no"]), 5)
              yield* expect("the next", yield* append(id, 5, ["yes"]), 6)
            }),
            layer
          )
        })
    ]
  ] as const

/** What holds of those that several can use at the same time. */
const sharing = <E, R>(layer: Layer.Layer<Services, E, R>) =>
  [
    [
      "those who use it at the same time see each other's writes, and shut each other out",
      (id: string) =>
        Effect.scoped(Effect.gen(function*() {
          const one = Effect.provideContext(yield* Layer.build(layer))
          const other = Effect.provideContext(yield* Layer.build(layer))
          const save = (expected: number) =>
            Effect.flatMap(StateStore, (states) => states.save(id, expected, bytes("state")))
          yield* one(append(id, 0, texts(1, 2)))
          yield* expect("events", yield* other(read(id)), numbered(1, 2))
          yield* expect("the last", yield* other(append(id, 2, texts(3, 3))), 3)
          yield* conflicts("an event", one(append(id, 2, ["no"])), 3)
          yield* one(save(0))
          yield* expect("the revision", yield* other(save(1)), 2)
          yield* conflicts("a state", one(save(1)), 2)
        }))
    ]
  ] as const

const sentences: ReadonlyArray<readonly [string, Run]> = [
  ["an id without events has none, and 0 as its last", (id) =>
    Effect.gen(function*() {
      const journal = yield* Journal.Journal
      yield* expect("events", yield* read(id), [])
      yield* expect("last", yield* journal.last(id), 0)
    })],
  [
    "events are read in the order in which they were written, with their sequences",
    (id) =>
      Effect.gen(function*() {
        yield* expect("the last of three", yield* append(id, 0, texts(1, 3)), 3)
        yield* expect("the last of five", yield* append(id, 3, texts(4, 5)), 5)
        yield* expect("events", yield* read(id), numbered(1, 5))
      })
  ],
  ["a range is read without what is before or after it", (id) =>
    Effect.gen(function*() {
      yield* append(id, 0, texts(1, 10))
      yield* expect("after 7", yield* read(id, { after: 7 }), numbered(8, 10))
      yield* expect("up to 2", yield* read(id, { upTo: 2 }), numbered(1, 2))
      yield* expect("between", yield* read(id, { after: 3, upTo: 5 }), numbered(4, 5))
      yield* expect("after the last", yield* read(id, { after: 10 }), [])
    })],
  ["ids do not see each other's events, whatever they are called", (id) =>
    Effect.gen(function*() {
      const ids = ["", "/", "'", "%", "_", "\\", "ä", "\u{1f600}", "..", "x".repeat(200)].map((end) =>
        id + end
      )
      yield* Effect.forEach(ids, (id) => append(id, 0, [id]))
      for (const id of ids) yield* expect(id, yield* read(id), [[1, id]])
    })],
  ["bytes come back as they were: none, every value, many", (id) =>
    Effect.gen(function*() {
      const journal = yield* Journal.Journal
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      const many = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7) % 251)
      yield* Journal.append(id, 0, [new Uint8Array(0), every, many])
      const all = Array.from(yield* Stream.runCollect(journal.read(id)), (event) => Array.from(event.bytes))
      yield* expect("how many", all.length, 3)
      yield* expect("none", all[0]!.length, 0)
      yield* expect("every value", all[1]!.join(), every.join())
      yield* expect("many", all[2]!.join(), many.join())
    })],
  [
    "a writer that comes late fails, learns what is there, and leaves nothing",
    (id) =>
      Effect.gen(function*() {
        yield* append(id, 0, texts(1, 2))
        yield* conflicts("too early", append(id, 1, ["no"]), 2)
        yield* conflicts("too late", append(id, 3, ["no"]), 2)
        yield* conflicts("for the first time", append(id, 0, ["no", "no"]), 2)
        yield* expect("events", yield* read(id), numbered(1, 2))
      })
  ],
  ["of writers that come at once with the same expectation one gets in", (id) =>
    Effect.gen(function*() {
      const results = yield* Effect.forEach(
        texts(1, 8),
        (event) => Effect.result(append(id, 0, [event, event])),
        { concurrency: "unbounded" }
      )
      yield* expect("successes", results.filter(Result.isSuccess).length, 1)
      yield* expect("events", (yield* read(id)).length, 2)
    })],
  ["writers of different ids do not get in each other's way", (id) =>
    Effect.gen(function*() {
      const ids = texts(1, 20).map((text) => `${id}/${text}`)
      yield* Effect.forEach(
        ids,
        (id) => Effect.forEach(texts(1, 10), (event, i) => append(id, i, [event]), { discard: true }),
        { concurrency: "unbounded", discard: true }
      )
      for (const id of ids) yield* expect(id, yield* read(id), numbered(1, 10))
    })],
  ["a write is repeated when its Effect is, and not before it runs", (id) =>
    Effect.gen(function*() {
      const write = append(id, 0, ["once"])
      yield* expect("nothing yet", yield* read(id), [])
      yield* write
      yield* conflicts("again", write, 1)
    })],
  [
    "events that are discarded are gone; those that follow keep their sequences",
    (id) =>
      Effect.gen(function*() {
        const journal = yield* Journal.Journal
        yield* append(id, 0, texts(1, 5))
        yield* journal.discard(id, 3)
        yield* expect("the rest", yield* read(id), numbered(4, 5))
        yield* journal.discard(id, 5)
        yield* expect("nothing", yield* read(id), [])
        yield* expect("last", yield* journal.last(id), 5)
        yield* conflicts("as if it were new", append(id, 0, ["no"]), 5)
        yield* append(id, 5, texts(6, 6))
        yield* expect("the next", yield* read(id), numbered(6, 6))
      })
  ],
  ["to discard what is not there changes nothing", (id) =>
    Effect.gen(function*() {
      const journal = yield* Journal.Journal
      yield* journal.discard(id, 7)
      yield* expect("last", yield* journal.last(id), 0)
      yield* append(id, 0, texts(1, 1))
      yield* journal.discard(id, 0)
      yield* expect("events", yield* read(id), numbered(1, 1))
    })],
  ["ids are told, each once", (id) =>
    Effect.gen(function*() {
      const journal = yield* Journal.Journal
      yield* append(id, 0, texts(1, 2))
      yield* append(id, 2, texts(3, 3))
      const all = yield* Stream.runCollect(journal.ids)
      yield* expect("how often", Array.from(all).filter((one) => one === id).length, 1)
    })],
  ["the latest snapshot is the one with the highest sequence", (id) =>
    Effect.gen(function*() {
      const snapshots = yield* SnapshotStore
      yield* expect("none", Option.isNone(yield* snapshots.latest(id)), true)
      for (const sequence of [10, 30, 20]) yield* snapshots.save(id, sequence, bytes(`at ${sequence}`))
      const latest = Option.getOrThrow(yield* snapshots.latest(id))
      yield* expect("latest", [latest.sequence, text(latest.bytes)], [30, "at 30"])
      yield* expect("sequences", yield* snapshots.sequences(id), [10, 20, 30])
    })],
  ["a snapshot with the same sequence takes the place of the one before", (id) =>
    Effect.gen(function*() {
      const snapshots = yield* SnapshotStore
      yield* snapshots.save(id, 10, bytes("one"))
      yield* snapshots.save(id, 10, bytes("two"))
      yield* expect("bytes", text(Option.getOrThrow(yield* snapshots.latest(id)).bytes), "two")
      yield* expect("sequences", yield* snapshots.sequences(id), [10])
    })],
  ["snapshots that are discarded are gone, the others stay", (id) =>
    Effect.gen(function*() {
      const snapshots = yield* SnapshotStore
      for (const sequence of [10, 20, 30]) yield* snapshots.save(id, sequence, bytes("any"))
      yield* snapshots.discard(id, 20)
      yield* expect("sequences", yield* snapshots.sequences(id), [30])
      yield* snapshots.discard(id, 30)
      yield* expect("none", Option.isNone(yield* snapshots.latest(id)), true)
    })],
  ["a state is replaced revision by revision", (id) =>
    Effect.gen(function*() {
      const states = yield* StateStore
      yield* expect("none", Option.isNone(yield* states.load(id)), true)
      yield* expect("first", yield* states.save(id, 0, bytes("one")), 1)
      yield* expect("second", yield* states.save(id, 1, bytes("two")), 2)
      const { bytes: last, revision } = Option.getOrThrow(yield* states.load(id))
      yield* expect("last", [revision, text(last)], [2, "two"])
    })],
  ["a state that somebody else has replaced is not replaced", (id) =>
    Effect.gen(function*() {
      const states = yield* StateStore
      yield* conflicts("nothing is there", states.save(id, 3, bytes("no")), 0)
      yield* states.save(id, 0, bytes("one"))
      yield* conflicts("too early", states.save(id, 0, bytes("no")), 1)
      yield* conflicts("too late", states.save(id, 2, bytes("no")), 1)
      yield* expect("bytes", text(Option.getOrThrow(yield* states.load(id)).bytes), "one")
    })],
  ["a state is removed at its revision only, and begins anew then", (id) =>
    Effect.gen(function*() {
      const states = yield* StateStore
      yield* states.save(id, 0, bytes("one"))
      yield* conflicts("another revision", states.remove(id, 2), 1)
      yield* states.remove(id, 1)
      yield* expect("none", Option.isNone(yield* states.load(id)), true)
      yield* expect("anew", yield* states.save(id, 0, bytes("two")), 1)
    })],
  ["of those who replace a state at once one does", (id) =>
    Effect.gen(function*() {
      const states = yield* StateStore
      const results = yield* Effect.forEach(
        texts(1, 8),
        (text) => Effect.result(states.save(id, 0, bytes(text))),
        { concurrency: "unbounded" }
      )
      yield* expect("successes", results.filter(Result.isSuccess).length, 1)
    })]
]
