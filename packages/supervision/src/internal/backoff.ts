/** One child's steps through the schedules of its policies. */
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { Backoff } from "../RestartPolicy.ts"

type Step = (
  now: number,
  cause: Cause.Cause<unknown>
) => Pull.Pull<[unknown, Duration.Duration], never, unknown>

export class Steps {
  private readonly steps = new Map<Backoff, Step>()

  /**
   * How many milliseconds the next restart waits; undefined when the schedule is done. `goodMillis` is how long the
   * child has been without a failure.
   */
  next(
    backoff: Backoff,
    cause: Cause.Cause<unknown>,
    now: number,
    goodMillis: number
  ): Effect.Effect<number | undefined> {
    const known = goodMillis >= backoff.resetAfterMillis ? undefined : this.steps.get(backoff)
    const step: Effect.Effect<Step> = known === undefined
      ? Effect.tap(Schedule.toStep(backoff.schedule), (fresh) =>
        Effect.sync(() => {
          this.steps.set(backoff, fresh)
        }))
      : Effect.succeed(known)
    return Effect.flatMap(step, (step) =>
      Pull.matchEffect(step(now, cause), {
        onSuccess: ([, delay]) => Effect.succeed(Duration.toMillis(delay)),
        onFailure: (failure) => Effect.failCause(failure),
        onDone: () => Effect.undefined
      })).pipe(
        // A schedule that dies has no more to say: its child's failure is not left without an answer.
        Effect.catchCause((failure) =>
          Effect.as(
            Effect.logError("the schedule of a restart failed, and counts as done", failure),
            undefined
          )
        )
      )
  }
}
