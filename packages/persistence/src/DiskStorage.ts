/**
 * Storage in files, without a server: one channel holds the events, snapshots and states of all actors.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Channel from "./Channel.ts"
import { ChannelError } from "./ChannelError.ts"
import * as Platform from "#platform"
import { attempt } from "./internal/attempt.ts"
import { DiskLog, format, Lost, type Record } from "./internal/diskLog.ts"
import { Journal } from "./Journal.ts"
import { SnapshotStore } from "./SnapshotStore.ts"
import { StateStore } from "./StateStore.ts"
import { conflict, damaged, type StoreError, unavailable } from "./StoreError.ts"

/**
 * Where a storage lies, and how safe it is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Made if it is not there. One process uses it at a time, and in it one layer. */
  readonly directory: string
  /** What a write has survived when it is stored; see {@link Channel}. (Default: `batch`) */
  readonly durability?: Channel.Durability | undefined
  /**
   * Bytes of each file, for a directory that is made; one that is there keeps its own. Events that are written at once, a
   * snapshot, a state have at most an eighth of it. (Default: 64 MiB)
   */
  readonly capacity?: number | undefined
}

/** Why a channel fails whose bytes are not those that were written. */
const wrong: ReadonlyArray<string> = ["Damaged", "NotDecoded"]

/** Writes of a journal read at once. */
const PAGE = 256

/**
 * A journal, snapshots and states in a directory.
 *
 * **Details**
 *
 * Writes of all actors go to the end of one channel, so that under `batch` one sync of the device serves all that wait
 * for it. Where things lie is kept in memory, some hundred bytes for each write, snapshot and state that is kept; it is
 * found out when the layer is built, which takes a look at every record. What is given up (events that a snapshot has
 * taken the place of, old snapshots, states that were replaced) takes room until a file is three quarters of such
 * things: then the rest of it is written once more, and the file goes.
 *
 * A second process that opens the directory fails with `WriterAlive` while the first lives, and takes over when it has
 * ended, however it did. What had been stored is there then.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Journal | SnapshotStore | StateStore, ChannelError> =>
  Layer.effectContext(Effect.gen(function*() {
    const { directory, durability = "batch" } = options
    const clock = yield* Clock.Clock
    const capacity = yield* Effect.scoped(
      Effect.map(Channel.reader(directory, { format }), ({ metadata }) => metadata.capacity)
    ).pipe(
      Effect.catchIf(
        (error) => error.reason._tag === "NotFound",
        () => Effect.succeed(options.capacity ?? 64 * 1024 * 1024)
      )
    )
    const writer = yield* Channel.writer(directory, { format, durability, capacity })
    const reader = yield* Channel.reader(directory, { format })
    const context = yield* Effect.context<never>()
    const scope = yield* Effect.scope
    const opened = attempt(() =>
      new DiskLog({
        directory: Platform.resolve(directory),
        writer,
        reader,
        trim: (position) => {
          const trimmed = Effect.andThen(writer.flush, writer.trim(position))
          Effect.runForkWith(context)(
            Effect.forkIn(
              Effect.catchCause(trimmed, (cause) => Effect.logWarning("old files stay", cause)),
              scope
            )
          )
        }
      })
    )
    const log = yield* Effect.acquireRelease(opened, (log) => Effect.sync(() => log.close()))
    const stored = durability === "batch" ? writer.flush : Effect.void

    /** What fails with a channel fails with a storage. */
    const failed = (id: string) => (error: unknown): StoreError =>
      error instanceof Lost || error instanceof ChannelError && wrong.includes(error.reason._tag)
        ? damaged(id, error.message)
        : unavailable(id, error)
    const tried = <A>(id: string, f: () => A) => Effect.try({ try: f, catch: failed(id) })
    const write = (record: Record) =>
      Effect.andThen(tried(record.id, () => log.write(record)), Effect.mapError(stored, failed(record.id)))

    return Context.empty().pipe(
      Context.add(Journal, {
        durability,
        writeUnsafe: (id, after, events) => {
          const last = log.last(id)
          if (last !== after) return Effect.fail(conflict(id, after, last))
          try {
            const at = clock.currentTimeMillisUnsafe()
            if (events.length > 0) log.write({ _tag: "Events", id, after, at, events })
          } catch (error) {
            return Effect.fail(failed(id)(error))
          }
          return Effect.succeed({
            last: after + events.length,
            stored: durability === "batch" ? Effect.mapError(stored, failed(id)) : Effect.void
          })
        },
        sync: Effect.mapError(writer.flush, failed("")),
        read: (id, { after = 0, upTo } = {}) =>
          Stream.suspend(() => {
            const end = Math.min(upTo ?? Infinity, log.last(id))
            return Stream.paginate(Math.max(after, log.discarded(id)), (after) =>
              Effect.map(
                tried(id, () => log.read(id, after, PAGE)),
                (writes) => {
                  const some = writes.flatMap(({ after: first, at, events }) =>
                    events.map((bytes, i) => ({ sequence: first + i + 1, at, bytes }))
                  )
                  const last = some.at(-1)?.sequence ?? end
                  const wanted = some.filter(({ sequence }) => sequence > after && sequence <= end)
                  return [wanted, last >= end ? Option.none() : Option.some(last)] as const
                }
              ))
          }),
        last: (id) => Effect.sync(() => log.last(id)),
        discard: (id, upTo) =>
          Effect.suspend(() =>
            Math.min(upTo, log.last(id)) > log.discarded(id)
              ? write({ _tag: "Discarded", id, upTo: Math.min(upTo, log.last(id)), last: log.last(id) })
              : Effect.void
          ),
        ids: Stream.suspend(() => Stream.fromIterable(log.ids))
      }),
      Context.add(SnapshotStore, {
        save: (id, sequence, bytes) =>
          Effect.suspend(() =>
            write({ _tag: "Snapshot", id, sequence, at: clock.currentTimeMillisUnsafe(), bytes })
          ),
        latest: (id) => Effect.map(tried(id, () => log.snapshot(id)), Option.fromUndefinedOr),
        sequences: (id) => Effect.sync(() => log.sequences(id)),
        discard: (id, upTo) =>
          Effect.suspend(() =>
            log.sequences(id).some((sequence) => sequence <= upTo)
              ? write({ _tag: "SnapshotsDiscarded", id, upTo })
              : Effect.void
          )
      }),
      Context.add(StateStore, {
        load: (id) => Effect.map(tried(id, () => log.state(id)), Option.fromUndefinedOr),
        save: (id, expected, bytes) =>
          Effect.suspend(() => {
            const actual = log.revision(id)
            if (actual !== expected) return Effect.fail(conflict(id, expected, actual))
            const revision = expected + 1
            const at = clock.currentTimeMillisUnsafe()
            return Effect.as(write({ _tag: "State", id, revision, at, bytes }), revision)
          }),
        remove: (id, expected) =>
          Effect.suspend(() => {
            const actual = log.revision(id)
            if (actual !== expected) return Effect.fail(conflict(id, expected, actual))
            return expected === 0 ? Effect.void : write({ _tag: "StateRemoved", id })
          })
      })
    )
  }))
