/** The Effect faces of writers and readers, over whatever core does the work. */
import type * as WaitStrategy from "@troupe/runtime/WaitStrategy"
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Platform from "#platform"
import type * as Channel from "../Channel.ts"
import type { ChannelError } from "../ChannelError.ts"
import type { Format } from "../Format.ts"
import { attempt } from "./attempt.ts"
import { ChannelSource } from "./channelSource.ts"
import { Cursor } from "./cursor.ts"
import { MAX_LENGTH, RECORD_HEADER } from "./hot/segment.ts"
import { ChannelReader, type Source } from "./reader.ts"
import { type Header, isFormat, MAX_CAPACITY, MIN_CAPACITY } from "./segmentFile.ts"
import { ChannelWriter, type Core } from "./writer.ts"

// -----------------------------------------------------------------------------
// writers
// -----------------------------------------------------------------------------

export const openWriter = <In, Out>(
  path: string,
  clock: Clock.Clock,
  options: Omit<Channel.WriterOptions<In, Out>, "timeout"> & { readonly timeout: number }
): Effect.Effect<Channel.Writer<In>, ChannelError, Scope.Scope> =>
  Effect.suspend(() => {
    const capacity = Math.ceil((options.capacity ?? 16 * 1024 * 1024) / 8) * 8
    const eighth = Math.floor(capacity / 8) - 2 * RECORD_HEADER
    const maxLength = Math.min(options.maxLength ?? eighth, eighth, MAX_LENGTH)
    if (!(capacity >= MIN_CAPACITY && capacity <= MAX_CAPACITY)) {
      return Effect.die(
        new RangeError(`A channel's file has from ${MIN_CAPACITY} to ${MAX_CAPACITY} bytes, not ${capacity}.`)
      )
    }
    if (!(maxLength >= 0)) return Effect.die(new RangeError(`A record has no ${options.maxLength} bytes.`))
    if (!isFormat(options.format.id)) {
      return Effect.die(new RangeError("The format's id has more than 1,024 bytes."))
    }
    const durability = options.durability ?? "none"
    const header = {
      channel: BigInt(Platform.random32()) << 32n | BigInt(Platform.random32()),
      capacity,
      maxLength,
      created: clock.currentTimeMillisUnsafe(),
      timeout: options.timeout,
      format: options.format.id
    }
    return writerOf(() => {
      const core = new ChannelWriter({
        directory: Platform.resolve(path),
        coder: options.format.coder({ now: () => clock.currentTimeNanosUnsafe() }),
        header,
        durability,
        roll: options.roll ?? true,
        keep: options.keep ?? Infinity,
        onDamage: options.onDamage ?? "fail"
      })
      return { core, metadata: () => metadataOf(core.header), waits: durability === "batch" }
    })
  })

/** A writer's faces. `waits`: an append waits for the disk. */
export const writerOf = <In>(
  open: () => { readonly core: Core<In>; readonly metadata: () => Channel.Metadata; readonly waits: boolean }
): Effect.Effect<Channel.Writer<In>, ChannelError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(attempt(open), ({ core }) => Effect.ignore(attempt(() => core.leave()))),
    ({ core, metadata, waits }) => {
      const flush = Effect.callback<void, ChannelError>((resume) => {
        core.syncAsync((error) => resume(error === undefined ? Effect.void : Effect.fail(error)))
      })
      const appended = waits
        ? (position: number) => Effect.as(flush, position)
        : (position: number) => Effect.succeed(position)
      return {
        get metadata() {
          return metadata()
        },
        recovery: core.recovery,
        get position() {
          return core.position
        },
        append: (value) => Effect.flatMap(attempt(() => core.append(value)), appended),
        appendAll: (values) => Effect.flatMap(attempt(() => core.appendAll(values)), appended),
        appendUnsafe: (value) => core.append(value),
        appendAllUnsafe: (values) => core.appendAll(values),
        flush,
        trim: (position) => attempt(() => core.trim(position)),
        close: attempt(() => core.close()),
        abandon: Effect.sync(() => core.abandon())
      } satisfies Channel.Writer<In>
    }
  )

const metadataOf = (
  { capacity, channel, created, format, maxLength, timeout }: Header
): Channel.Metadata => ({
  id: channel,
  capacity,
  maxLength,
  timeout,
  created,
  format
})

// -----------------------------------------------------------------------------
// readers
// -----------------------------------------------------------------------------

export const openReader = <In, Out>(
  path: string,
  clock: Clock.Clock,
  options: Channel.ReaderOptions<In, Out> & { readonly wait: WaitStrategy.WaitStrategy }
): Effect.Effect<Channel.Reader<Out>, ChannelError, Scope.Scope> =>
  readerOf(
    () => {
      const directory = Platform.resolve(path)
      Platform.assertSupported(directory)
      const { cursor: name, format, from = "start" } = options
      // The cursor is made only where there is a channel.
      const source = new ChannelSource(directory, { format: format.id, from })
      try {
        const cursor = name === undefined ? undefined : new Cursor(directory, name)
        try {
          if (cursor?.position !== undefined) source.seek(cursor.position)
          return { source, cursor, metadata: () => metadataOf(source.header) }
        } catch (cause) {
          cursor?.close()
          throw cause
        }
      } catch (cause) {
        source.close()
        throw cause
      }
    },
    clock,
    options
  )

/** A reader's faces. */
export const readerOf = <In, Out>(
  open: () => {
    readonly source: Source
    readonly cursor: Cursor | undefined
    readonly metadata: () => Channel.Metadata
  },
  clock: Clock.Clock,
  options: { readonly format: Format<In, Out>; readonly wait: WaitStrategy.WaitStrategy }
): Effect.Effect<Channel.Reader<Out>, ChannelError, Scope.Scope> => {
  const acquire = attempt(() => {
    const opened = open()
    const core = new ChannelReader<Out>(opened.source, {
      decode: options.format.coder({ now: () => clock.currentTimeNanosUnsafe() }).decode,
      now: () => clock.currentTimeMillisUnsafe(),
      wait: options.wait
    })
    return { ...opened, core }
  })
  const release = (
    { core, cursor }: { readonly core: ChannelReader<Out>; readonly cursor: Cursor | undefined }
  ) =>
    Effect.sync(() => {
      core.release()
      cursor?.close()
    })
  return Effect.map(Effect.acquireRelease(acquire, release), ({ core, cursor, metadata }) => {
    const take = (limit = Infinity): ReturnType<Channel.Reader<Out>["take"]> =>
      Effect.suspend(() => {
        const values: Array<Out> = []
        return Effect.flatMap(attempt(() => core.poll((value) => void values.push(value), limit)), () =>
          isNonEmpty(values)
            ? Effect.succeed(values)
            : Effect.flatMap(core.ready, (more) =>
              more ? take(limit) : Cause.done()))
      })
    return {
      get metadata() {
        return metadata()
      },
      get position() {
        return core.position
      },
      get ended() {
        return core.ended
      },
      pollUnsafe: (f, limit = Infinity) => core.poll(f, limit),
      ready: core.ready,
      take,
      skip: attempt(() => core.skip()),
      seek: (position) => attempt(() => core.seek(position)),
      commit: cursor === undefined ? Effect.void : attempt(() => cursor.commit(core.position)),
      [Symbol.iterator]: () => iterator(core)
    }
  })
}

const isNonEmpty = <A>(values: ReadonlyArray<A>): values is Arr.NonEmptyReadonlyArray<A> => values.length > 0

function* iterator<Out>(core: ChannelReader<Out>): Iterator<Out> {
  for (;;) {
    let value!: Out
    const give = (next: Out) => {
      value = next
    }
    if (core.poll(give, 1) === 0) return
    yield value
  }
}
