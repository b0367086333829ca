/**
 * Channels in the files of Rust's kekbit, byte for byte: read what it wrote, write what it reads.
 *
 * **When to use** To talk to programs that use kekbit. For everything else `Channel`, whose files have checksums, roll
 * on, have one writer after another, and wake who waits.
 *
 * **Details** One file for a channel, made by one writer, of fixed size, under a path made of its id. The end of a
 * writer's scope closes it. Formats and their handlers are those of channels: `Format.timestamped` and
 * `Format.sequenced` add what kekbit's handlers add.
 *
 * **Gotchas** kekbit makes a file shorter than the channel's capacity and writes behind its end. Here a channel is full
 * when its file is, and where a kekbit's writer went further, readers fail with `Damaged` at what is missing. A record
 * without a byte is a heartbeat. Changed bytes within a record are not noticed, unless `Format.checksummed` is used on
 * both sides.
 *
 * **Example** (What a program in Rust wrote)
 *
 * ```ts
 * import * as Channel from "@troupe/persistence/Channel"
 * import * as Format from "@troupe/persistence/Format"
 * import * as Kekbit from "@troupe/persistence/Kekbit"
 * import { Effect, Stream } from "effect"
 *
 * const messages = Effect.gen(function*() {
 *   const reader = yield* Kekbit.reader("/var/feeds", { channelId: 42n, format: Format.text })
 *   return yield* Stream.runCollect(Channel.stream(reader))
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as WaitStrategy from "@troupe/runtime/WaitStrategy"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Platform from "#platform"
import type * as Channel from "./Channel.ts"
import type { ChannelError } from "./ChannelError.ts"
import type { Format } from "./Format.ts"
import { attempt } from "./internal/attempt.ts"
import { readerOf, writerOf } from "./internal/channel.ts"
import * as internal from "./internal/kekbit.ts"

/**
 * What a channel counts time in.
 *
 * @category models
 * @since 0.1.0
 */
export type TickUnit = "nanos" | "micros" | "millis" | "seconds"

/**
 * What a file's header says.
 *
 * @category models
 * @since 0.1.0
 */
export interface Metadata {
  readonly writerId: bigint
  readonly channelId: bigint
  /** Bytes, of which the file has 864 less for records. */
  readonly capacity: number
  /** Bytes of a record at most, of what the handlers add too. */
  readonly maxLength: number
  /** How long readers wait for a record before they give up: ticks. */
  readonly timeout: bigint
  /** When it was made: ticks since 1970. */
  readonly created: bigint
  readonly tickUnit: TickUnit
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Writer<in In> extends Channel.Writer<In> {
  readonly kekbit: Metadata
  /** Writes a sign of life: readers start their timeouts over. */
  readonly heartbeat: Effect.Effect<void, ChannelError>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Reader<out Out> extends Channel.Reader<Out> {
  readonly kekbit: Metadata
}

const metadataOf = (metadata: Metadata, format: string): Channel.Metadata => {
  const millis = Number(internal.nanosOf(metadata.tickUnit)) / 1e6
  return {
    id: metadata.channelId,
    capacity: metadata.capacity,
    maxLength: metadata.maxLength,
    timeout: Number(metadata.timeout) * millis,
    created: Number(metadata.created) * millis,
    format
  }
}

/**
 * Makes a channel and opens it for writing, until the scope closes, which closes the channel. Fails with
 * `AlreadyExists` where there is one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const writer = Effect.fnUntraced(function*<In, Out>(root: string, options: {
  readonly channelId: bigint
  readonly writerId: bigint
  readonly format: Format<In, Out>
  /** Bytes: rounded up to a multiple of 8, and to 16,384 at least. */
  readonly capacity: number
  /** Bytes of a record. kekbit adds 8, takes at most a 128th of the capacity less 8, and rounds up to a multiple of 8. */
  readonly maxLength: number
  /** Ticks. */
  readonly timeout: bigint
  readonly tickUnit: TickUnit
}): Effect.fn.Return<Writer<In>, ChannelError, Scope.Scope> {
  const clock = yield* Clock.Clock
  const capacity = internal.capacityOf(options.capacity)
  const metadata: Metadata = {
    writerId: options.writerId,
    channelId: options.channelId,
    capacity,
    maxLength: internal.maxLengthOf(options.maxLength, capacity),
    timeout: options.timeout,
    created: clock.currentTimeNanosUnsafe() / internal.nanosOf(options.tickUnit),
    tickUnit: options.tickUnit
  }
  const opened: { core?: internal.KekbitWriter<In> } = {}
  const writer = yield* writerOf<In>(() => {
    const coder = options.format.coder({
      now: () => clock.currentTimeNanosUnsafe() / internal.nanosOf(options.tickUnit)
    })
    const core = opened.core = new internal.KekbitWriter(Platform.resolve(root), metadata, coder)
    return { core, metadata: () => metadataOf(metadata, options.format.id), waits: false }
  })
  return Object.assign(writer, { kekbit: metadata, heartbeat: attempt(() => opened.core!.beat()) })
})

/**
 * Opens a channel for reading, until the scope closes. Fails with `NotFound` while there is none, and with `NotReady`
 * while its writer makes it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reader = Effect.fnUntraced(function*<In, Out>(root: string, options: {
  readonly channelId: bigint
  readonly format: Format<In, Out>
  /** Where it begins: a position that was a reader's or a writer's. (Default: `start`) */
  readonly from?: "start" | "end" | number | undefined
  /** What it does while nothing comes. Asleep it looks every 5 ms: kekbit wakes nobody. (Default: `park`) */
  readonly wait?: WaitStrategy.WaitStrategy | undefined
}): Effect.fn.Return<Reader<Out>, ChannelError, Scope.Scope> {
  const clock = yield* Clock.Clock
  const opened: { source?: internal.KekbitSource } = {}
  const reader = yield* readerOf<In, Out>(
    () => {
      const source = opened.source = new internal.KekbitSource(Platform.resolve(root), options.channelId)
      const { from = "start" } = options
      if (from === "end") source.seekEnd()
      else if (from !== "start") source.seek(from)
      return { source, cursor: undefined, metadata: () => metadataOf(source.kekbit, options.format.id) }
    },
    clock,
    { format: options.format, wait: options.wait ?? WaitStrategy.park }
  )
  return Object.assign(reader, { kekbit: opened.source!.kekbit })
})
