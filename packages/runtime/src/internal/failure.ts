/** A failure as text, for those who get no more of it. */
import * as Cause from "effect/Cause"

/** The first failure of a cause as text. */
export const ofCause = (cause: Cause.Cause<unknown>): string => {
  // What was thrown may be anything: an error whose message throws when it is read included.
  try {
    return Cause.prettyErrors(cause)[0]?.message ?? "interrupted"
  } catch {
    return "a failure without a text"
  }
}

/** What was thrown, as text. */
export const of = (thrown: unknown): string => ofCause(Cause.die(thrown))
