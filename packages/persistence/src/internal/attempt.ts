/** Where what is thrown becomes a `ChannelError`. */
import * as Effect from "effect/Effect"
import { ChannelError, type Reason } from "../ChannelError.ts"
import { FileError } from "../FileError.ts"

/** What was thrown as an error of the channel; a defect is thrown on. */
export const toChannelError = (cause: unknown): ChannelError => {
  if (cause instanceof ChannelError) return cause
  if (cause instanceof FileError) return new ChannelError({ path: cause.file, reason: cause.reason })
  throw cause
}

/** Runs what throws errors of files as what throws errors of channels. */
export const convert = <A>(f: () => A): A => {
  try {
    return f()
  } catch (cause) {
    throw toChannelError(cause)
  }
}

/** The same as an Effect. */
export const attempt = <A>(f: () => A): Effect.Effect<A, ChannelError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (cause) {
      return Effect.fail(toChannelError(cause))
    }
  })

/** Whatever a coder threw, as text. */
export const issueOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

/** A thrower of one reason. */
export const refuse = (path: string, reason: Reason): never => {
  throw new ChannelError({ path, reason })
}
