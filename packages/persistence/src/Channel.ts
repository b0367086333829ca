/**
 * Persistent channels: one writer appends records to files in shared memory, any number of readers follow, each at its
 * own pace, in this thread or in another process, now or after years.
 *
 * ```text
 *   writer ---> [ record | record | record | END ............ ] ---> reader, spinning or asleep
 *     one at a time, over all processes           | rolls on  \----> reader "billing", from its kept position
 *                                                 v           \----> reader that starts at the beginning
 *                                             next file
 * ```
 *
 * **When to use** A log that is written and read at memory speed: market data between processes, a journal, an audit
 * trail, replay. For messages to actors use refs; for records that need not outlive their readers, a `RingBuffer`.
 *
 * **Details** A channel is a directory. A record is whole for its readers or not there. What has become of an appended
 * record when something ends:
 *
 * | `durability` | the process crashes, or is killed | the machine loses power |
 * | --- | --- | --- |
 * | `none` (default) | it is there | it may be lost, and all after it |
 * | `async` | it is there | the same, for what came in the last `interval` |
 * | `batch` | it is there | it is there once `append` has succeeded, or `flush` has |
 * | `each` | it is there | it is there once `append` or `appendUnsafe` has returned |
 *
 * One writer lives at a time: a second one fails with `WriterAlive`, also in another process, and takes over when the
 * first has died. What the dead one left is sealed, and the channel goes on in a new file; what lies between is lost
 * under `none` and `async` only, and only to a loss of power.
 *
 * Positions are bytes since the channel's beginning. They are never used twice, so a position that was kept stays
 * right, whatever happened meanwhile.
 *
 * **Gotchas** The files have the byte order of nearly all machines, little endian, and none else.
 *
 * **Example** (Write, close, read)
 *
 * ```ts
 * import * as Channel from "@troupe/persistence/Channel"
 * import * as Format from "@troupe/persistence/Format"
 * import { Effect, Stream } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const writer = yield* Channel.writer("./audit", { format: Format.text, durability: "batch" })
 *   yield* writer.append("the first")
 *   yield* writer.appendAll(["and two", "at once"])
 *   yield* writer.close
 *   const reader = yield* Channel.reader("./audit", { format: Format.text })
 *   return yield* Stream.runCollect(Channel.stream(reader))
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as WaitStrategy from "@troupe/runtime/WaitStrategy"
import type * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type { ChannelError } from "./ChannelError.ts"
import type { Format } from "./Format.ts"
import * as internal from "./internal/channel.ts"

/**
 * What a channel says of itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Metadata {
  /** 64 random bits, the same in all of its files. */
  readonly id: bigint
  /** Bytes of records in each file. */
  readonly capacity: number
  /** Bytes of a record at most. */
  readonly maxLength: number
  /** How long readers wait for a record before they give the channel up: milliseconds, or Infinity. */
  readonly timeout: number
  /** When the present file was made: milliseconds since 1970. */
  readonly created: number
  /** The format's id. */
  readonly format: string
}

/**
 * What a writer found.
 *
 * - `New`: no channel.
 * - `Continued`: one whose writer had left it in order.
 * - `TakenOver`: one whose writer had died; sealed at `position`. `damage` says what was there when not simply the
 *   end: records that a loss of power had torn.
 *
 * @category models
 * @since 0.1.0
 */
export type Recovery =
  | { readonly _tag: "New" }
  | { readonly _tag: "Continued"; readonly position: number }
  | { readonly _tag: "TakenOver"; readonly position: number; readonly damage: string | undefined }

/**
 * How safe a record is, and when; see the table above.
 *
 * @category models
 * @since 0.1.0
 */
export type Durability = "none" | "async" | "batch" | "each"

/**
 * Appends records. For one thread.
 *
 * @category models
 * @since 0.1.0
 */
export interface Writer<in In> {
  readonly metadata: Metadata
  readonly recovery: Recovery
  /** Where the next record goes. */
  readonly position: number
  /** Appends a record and gives its position, when it is as safe as `durability` says. */
  readonly append: (value: In) => Effect.Effect<number, ChannelError>
  /**
   * Appends records which readers see all at once, and gives the position of the first. They are in one file: together
   * no longer than its capacity.
   */
  readonly appendAll: (values: ReadonlyArray<In>) => Effect.Effect<number, ChannelError>
  /**
   * The same as `append`, at once, and throws the `ChannelError`. Under `batch` it does not wait for the disk:
   * {@link Writer.flush} does.
   */
  readonly appendUnsafe: (value: In) => number
  /** The same as `appendAll`. */
  readonly appendAllUnsafe: (values: ReadonlyArray<In>) => number
  /** Waits until all that was appended is on the disk, whatever `durability` says. */
  readonly flush: Effect.Effect<void, ChannelError>
  /** Removes the full files in which nothing lies at this position or behind it. Who still reads there gets `Gone`. */
  readonly trim: (position: number) => Effect.Effect<void, ChannelError>
  /** Ends the channel, for good: readers end when they have read it, and no writer is accepted any more. */
  readonly close: Effect.Effect<void, ChannelError>
  /** Vanishes, as if the process were killed. The scope's end leaves the channel in order instead. */
  readonly abandon: Effect.Effect<void>
}

/**
 * Reads records, from where it stands. For one thread.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reader<out Out> extends Iterable<Out> {
  readonly metadata: Metadata
  /** Of the next record: keep it, and read on from it later. */
  readonly position: number
  /** Whether the channel is closed and all of it was read. */
  readonly ended: boolean
  /**
   * Reads what there is, at most `limit` records, and returns how many. When `f` throws, its record and the rest stay for the
   * next poll, and this throws. Throws a `ChannelError` where it can go no further.
   */
  readonly pollUnsafe: (f: (value: Out, position: number) => void, limit?: number) => number
  /** Waits until there is something to poll (true), or the channel is closed and all is read (false). */
  readonly ready: Effect.Effect<boolean, ChannelError>
  /** Waits for records and takes what there is, at most `limit`. Ends with the channel. */
  readonly take: (limit?: number) => Effect.Effect<Arr.NonEmptyReadonlyArray<Out>, ChannelError | Cause.Done>
  /** Passes over the next record without decoding it; false when there is none. */
  readonly skip: Effect.Effect<boolean, ChannelError>
  /** Goes to a position that was a reader's or a writer's. */
  readonly seek: (position: number) => Effect.Effect<void, ChannelError>
  /**
   * Keeps the position under the reader's `cursor`, so that the next reader of that name begins there. It survives the
   * process; a loss of power may take the last of them back, and records come again. Nothing without a cursor.
   */
  readonly commit: Effect.Effect<void, ChannelError>
  /** What there is now, as plain values; each is read as it is given out. */
  readonly [Symbol.iterator]: () => Iterator<Out>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface WriterOptions<in In, out Out> {
  readonly format: Format<In, Out>
  /** (Default: `none`) */
  readonly durability?: Durability | undefined
  /** Under `async`: how often what was appended goes to the disk. (Default: 100 ms) */
  readonly interval?: Duration.Input | undefined
  /** Bytes of records in each file that is made: 4 KiB to 1 GiB, rounded up to a multiple of 8. (Default: 16 MiB) */
  readonly capacity?: number | undefined
  /** Bytes of a record at most; no more than an eighth of the capacity. (Default: an eighth of the capacity) */
  readonly maxLength?: number | undefined
  /** How long readers wait for a record before they give up. (Default: for ever) */
  readonly timeout?: Duration.Input | undefined
  /** What a full file leads to: the next file, or the error `Full`. (Default: true) */
  readonly roll?: boolean | undefined
  /** How many full files are kept; older ones are removed when the channel rolls. (Default: all) */
  readonly keep?: number | undefined
  /**
   * What damage leads to in what was on the disk already: `fail` refuses to write, `seal` gives up what is behind it
   * and goes on. (Default: `fail`)
   */
  readonly onDamage?: "fail" | "seal" | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface ReaderOptions<in In, out Out> {
  readonly format: Format<In, Out>
  /** Where it begins, unless its cursor knows better. (Default: `start`) */
  readonly from?: "start" | "end" | number | undefined
  /** A name under which it keeps its position: see {@link Reader.commit}. One reader at a time has it. (Default: it keeps none) */
  readonly cursor?: string | undefined
  /** What it does while nothing comes. `block` is `park`: between processes nobody can wait on memory. (Default: `park`) */
  readonly wait?: WaitStrategy.WaitStrategy | undefined
}

/**
 * Opens a channel for writing, and makes it if it is not there. The end of the scope leaves it in order, to be continued.
 *
 * @category constructors
 * @since 0.1.0
 */
export const writer = Effect.fnUntraced(function*<In, Out>(
  path: string,
  options: WriterOptions<In, Out>
): Effect.fn.Return<Writer<In>, ChannelError, Scope.Scope> {
  const clock = yield* Clock.Clock
  const opened = yield* internal.openWriter(path, clock, {
    ...options,
    timeout: options.timeout === undefined
      ? Infinity
      : Duration.toMillis(Duration.fromInputUnsafe(options.timeout))
  })
  if (options.durability === "async") {
    const every = Duration.fromInputUnsafe(options.interval ?? "100 millis")
    yield* Effect.forkScoped(Effect.ignore(Effect.forever(Effect.andThen(Effect.sleep(every), opened.flush))))
  }
  return opened
})

/**
 * Opens a channel for reading, until the scope closes. Fails with `NotFound` while there is none: retry to wait for it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reader = Effect.fnUntraced(function*<In, Out>(
  path: string,
  options: ReaderOptions<In, Out>
): Effect.fn.Return<Reader<Out>, ChannelError, Scope.Scope> {
  const clock = yield* Clock.Clock
  return yield* internal.openReader(path, clock, { ...options, wait: options.wait ?? WaitStrategy.park })
})

/**
 * The records, in chunks of what there is, until the channel is closed. A reader with a cursor commits what was pulled
 * when more is pulled: a record counts as read when the next chunk is asked for.
 *
 * @category streams
 * @since 0.1.0
 */
export const stream = <Out>(self: Reader<Out>, options?: {
  /** The most records in a chunk. (Default: 1,024) */
  readonly chunkSize?: number | undefined
}): Stream.Stream<Out, ChannelError> => {
  const pull = Effect.andThen(self.commit, Effect.suspend(() => self.take(options?.chunkSize ?? 1024)))
  return Stream.fromPull(Effect.succeed(pull))
}

/**
 * Appends records as they come, a chunk at a time.
 *
 * @category streams
 * @since 0.1.0
 */
export const sink = <In>(self: Writer<In>): Sink.Sink<void, In, never, ChannelError> =>
  Sink.forEachArray((values: Arr.NonEmptyReadonlyArray<In>) => appendChunk(self, values))

/** A chunk that does not fit one file is two. */
const appendChunk = <In>(self: Writer<In>, values: ReadonlyArray<In>): Effect.Effect<void, ChannelError> => {
  const all = Effect.asVoid(self.appendAll(values))
  if (values.length === 1) return all
  return Effect.catchIf(all, (error) => error.reason._tag === "TooLong", () => {
    const half = values.length >> 1
    return Effect.andThen(appendChunk(self, values.slice(0, half)), appendChunk(self, values.slice(half)))
  })
}
