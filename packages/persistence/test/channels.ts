/** What the tests of channels share. */
import * as Channel from "@troupe/persistence/Channel"
import type { ChannelError, Reason } from "@troupe/persistence/ChannelError"
import * as Effect from "effect/Effect"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { temporary } from "./temporary.ts"

/** Runs with the path of a channel that is not there yet. */
export const inChannel = <A, E>(f: (path: string) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  temporary((directory) => f(join(directory, "channel")))

/** The files with records, in their order. */
export const files = (path: string): ReadonlyArray<string> =>
  readdirSync(path).filter((name) => name.endsWith(".channel")).sort().map((name) => join(path, name))

export const reasonOf = <A, R>(effect: Effect.Effect<A, ChannelError, R>): Effect.Effect<Reason, A, R> =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

export const writeAll = <In, Out>(
  path: string,
  options: Channel.WriterOptions<In, Out>,
  values: ReadonlyArray<In>
): Effect.Effect<void, ChannelError> =>
  Effect.scoped(Effect.gen(function*() {
    const writer = yield* Channel.writer(path, options)
    for (const value of values) yield* writer.append(value)
  }))

export const readAll = <In, Out>(
  path: string,
  options: Channel.ReaderOptions<In, Out>
): Effect.Effect<ReadonlyArray<Out>, ChannelError> =>
  Effect.scoped(Effect.map(Channel.reader(path, options), (reader) => Array.from(reader)))

/** All that can be read, and why there is not more: undefined at the end. */
export const readUntil = <In, Out>(path: string, options: Channel.ReaderOptions<In, Out>): Effect.Effect<{
  readonly values: ReadonlyArray<Out>
  readonly stopped: ChannelError | undefined
}> =>
  Effect.suspend(() => {
    const values: Array<Out> = []
    const all = Effect.gen(function*() {
      const reader = yield* Channel.reader(path, options)
      let passed: number
      do {
        passed = yield* Effect.try({
          try: () => reader.pollUnsafe((value) => void values.push(value)),
          catch: (cause) => cause as ChannelError
        })
      } while (passed > 0)
    })
    return Effect.match(Effect.scoped(all), {
      onSuccess: () => ({ values, stopped: undefined }),
      onFailure: (stopped) => ({ values, stopped })
    })
  })
