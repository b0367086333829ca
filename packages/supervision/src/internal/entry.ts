/** What a supervisor knows of a child, and what the policies make of its failures. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Child from "../Child.ts"
import type { RestartPolicy } from "../RestartPolicy.ts"
import type { Steps } from "./backoff.ts"
import type { Verdict } from "./decision.ts"
import type { Runner } from "./runner.ts"

/** A child as it runs, and what became of it so far. */
export interface Entry {
  readonly child: Child.Any
  readonly runner: Runner
  readonly steps: Steps
  /** Whether an incarnation lives, and has not failed. */
  live: boolean
  starts: number
  failures: number
  lastFailure: Cause.Cause<unknown> | undefined
  /** Since when it is without a failure, in milliseconds. */
  goodSince: number
  /** When it is tried again, while it waits for that. */
  dueAt: number | undefined
  timer: Fiber.Fiber<void> | undefined
}

/** A verdict where nobody is asked. */
export const restartNow: Verdict = { directive: "restart", delayMillis: 0, whenDone: "escalate" }

/** What the policies say, the child's before the supervisor's; `ran` is whether an incarnation was there. */
export const saidOf = (
  { child, runner }: Entry,
  supervisors: RestartPolicy | undefined,
  cause: Cause.Cause<unknown> | undefined,
  ran: boolean
): ReturnType<RestartPolicy["decide"]> => {
  for (const policy of [child.policy, supervisors]) {
    const said = policy?.decide(cause ?? Cause.empty)
    // After a normal end nobody is asked for more than how long a restart waits.
    if (said?.directive === "resume" && (cause === undefined || !ran || !runner.resumable)) continue
    if (said !== undefined) return said
  }
  return undefined
}

/** The end of a child: what the policies say about it, and how long their schedule has a restart wait. */
export const judge = (
  entry: Entry,
  supervisors: RestartPolicy | undefined,
  cause: Cause.Cause<unknown> | undefined,
  ran: boolean,
  now: number
): Effect.Effect<Verdict> => {
  const { child, goodSince, steps } = entry
  const said = saidOf(entry, supervisors, cause, ran)
  entry.live = false
  if (cause !== undefined) {
    entry.failures++
    entry.lastFailure = cause
  }
  const goodMillis = ran ? now - goodSince : 0
  entry.goodSince = now
  const directive = said?.directive ?? "restart"
  if (directive !== "restart" || said?.backoff === undefined || child.restart === "temporary") {
    return Effect.succeed({ ...restartNow, directive })
  }
  if (cause === undefined && child.restart === "transient") return Effect.succeed(restartNow)
  const { whenDone } = said.backoff
  return Effect.map(
    steps.next(said.backoff, cause ?? Cause.empty, now, goodMillis),
    (delayMillis): Verdict => ({ directive, delayMillis, whenDone })
  )
}
