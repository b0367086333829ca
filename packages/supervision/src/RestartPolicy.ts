/**
 * What becomes of a child that failed: a function from its Cause to a directive, as a value that composes.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import { hasProperty, isTagged } from "effect/Predicate"
import type * as Schedule from "effect/Schedule"
import { ThreadLost } from "@troupe/runtime/AskError"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/supervision/RestartPolicy"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * What a supervisor does about a failure.
 *
 * **Details**
 *
 * What happens, by how the child ended, its restart type and the directive. *Its group* is what the supervisor's
 * strategy says: the child, all children, or the child and those after it.
 *
 * | it ended | directive | permanent | transient | temporary |
 * | --- | --- | --- | --- | --- |
 * | normally | not asked | its group restarts | stays ended | is removed |
 * | by `Actor.crash(error)` | `resume` | goes on with its state | goes on with its state | goes on with its state |
 * | by anything else | `resume` | left open: the next policy is asked | the same | the same |
 * | by a failure | `restart` | its group restarts | its group restarts | is removed |
 * | by a failure | `stop` | its group stops | its group stops | its group stops, it is removed |
 * | by a failure | `escalate` | all children stop, the supervisor fails with the Cause | the same | the same |
 * | it failed to start again | `restart` | is tried again, which counts | the same | |
 * | it failed to start again | `stop`, `escalate` | as above | the same | |
 *
 * A normal end is that of an actor whose handler stopped it, of an Effect that succeeded. A child that was stopped
 * because of a sibling has not failed: nobody is asked.
 *
 * @category models
 * @since 0.1.0
 */
export type Directive = "resume" | "restart" | "stop" | "escalate"

/**
 * How long a restart waits, and when there are no more of them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Backoff {
  /** Gives the delay before each restart; its input is the Cause. When it is done, there is no restart. */
  readonly schedule: Schedule.Schedule<unknown, Cause.Cause<unknown>>
  /** A child that was up for so long without failing begins its schedule anew, in milliseconds. */
  readonly resetAfterMillis: number
  /** What happens when the schedule is done. */
  readonly whenDone: "stop" | "escalate"
}

/**
 * What a policy says about one Cause.
 *
 * @category models
 * @since 0.1.0
 */
export interface Verdict {
  readonly directive: Directive
  /** For restarts: how long to wait; undefined for not at all. */
  readonly backoff: Backoff | undefined
}

/**
 * From the Cause of a failure to a directive. What a policy leaves open falls to the next (`orElse`), the child's to
 * its supervisor's, and the last one is `restart`: so every failure has an answer.
 *
 * **Details**
 *
 * A Cause may have several reasons. A rule by tag, failure or defect holds if one of them fits; a rule for
 * interruption, if there is nothing else. A rule whose own function throws leaves the Cause open.
 *
 * **Example** (Different failures, different fates)
 *
 * ```ts
 * import { Schedule } from "effect"
 * import { RestartPolicy } from "@troupe/supervision"
 *
 * const policy = RestartPolicy.firstOf(
 *   RestartPolicy.tag("RateLimited", "resume"),
 *   RestartPolicy.tag(
 *     "ConnectionLost",
 *     RestartPolicy.restart.pipe(
 *       RestartPolicy.withSchedule(Schedule.exponential("100 millis").pipe(Schedule.jittered))
 *     )
 *   ),
 *   RestartPolicy.defect("escalate"),
 *   RestartPolicy.interrupt("stop")
 * )
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface RestartPolicy extends Pipeable {
  readonly [TypeId]: TypeId
  /** What it says about a Cause; undefined if it leaves that open. */
  readonly decide: (cause: Cause.Cause<unknown>) => Verdict | undefined
}

/**
 * What a rule says: a directive, or a policy to ask.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = Directive | RestartPolicy

/**
 * Whether a value is a policy.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRestartPolicy = (u: unknown): u is RestartPolicy => hasProperty(u, TypeId)

const policy = (decide: (cause: Cause.Cause<unknown>) => Verdict | undefined): RestartPolicy => ({
  [TypeId]: TypeId,
  decide,
  pipe() {
    return pipeArguments(this, arguments)
  }
})

/**
 * A policy from a function; undefined leaves a Cause open.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (f: (cause: Cause.Cause<unknown>) => Outcome | undefined): RestartPolicy =>
  policy((cause) => {
    let outcome: Outcome | undefined
    try {
      outcome = f(cause)
    } catch {
      return undefined
    }
    if (outcome === undefined) return undefined
    if (typeof outcome !== "string") return outcome.decide(cause)
    // After a defect nobody knows what the state is worth.
    if (outcome === "resume" && !isCrash(cause)) return undefined
    return { directive: outcome, backoff: undefined }
  })

/** Failed on purpose, with an error: the state is as its handler left it. That of a lost thread is gone. */
const isCrash = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.length > 0 &&
  cause.reasons.every((reason) => Cause.isFailReason(reason) && !(reason.error instanceof ThreadLost))

/**
 * Leaves everything open.
 *
 * @category constructors
 * @since 0.1.0
 */
export const open: RestartPolicy = policy(() => undefined)

/**
 * Keeps the child with its state and goes on with the next message, after a crash on purpose; leaves the rest open.
 *
 * @category constructors
 * @since 0.1.0
 */
export const resume: RestartPolicy = make(() => "resume")

/**
 * Starts the child anew. This is what happens where all policies leave a failure open.
 *
 * @category constructors
 * @since 0.1.0
 */
export const restart: RestartPolicy = make(() => "restart")

/**
 * Leaves the child ended, and under a group strategy stops its group.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stop: RestartPolicy = make(() => "stop")

/**
 * Stops all children and fails the supervisor with the child's Cause.
 *
 * @category constructors
 * @since 0.1.0
 */
export const escalate: RestartPolicy = make(() => "escalate")

/**
 * For crashes with an error of this tag.
 *
 * @category rules
 * @since 0.1.0
 */
export const tag = (tag: string, outcome: Outcome): RestartPolicy =>
  failure(outcome, (error) => isTagged(error, tag))

/**
 * For crashes with an error of one of these tags.
 *
 * @category rules
 * @since 0.1.0
 */
export const tags = (outcomes: { readonly [tag: string]: Outcome }): RestartPolicy =>
  firstOf(...Object.entries(outcomes).map(([name, outcome]) => tag(name, outcome)))

/**
 * For crashes on purpose, with an error: any, or those that a predicate holds for.
 *
 * @category rules
 * @since 0.1.0
 */
export const failure = (outcome: Outcome, predicate?: (error: unknown) => boolean): RestartPolicy =>
  make((cause) =>
    cause.reasons.some((reason) => Cause.isFailReason(reason) && predicate?.(reason.error) !== false)
      ? outcome
      : undefined
  )

/**
 * For defects, which is what a handler threw: any, or those that a predicate holds for.
 *
 * @category rules
 * @since 0.1.0
 */
export const defect = (outcome: Outcome, predicate?: (defect: unknown) => boolean): RestartPolicy =>
  make((cause) =>
    cause.reasons.some((reason) => Cause.isDieReason(reason) && predicate?.(reason.defect) !== false)
      ? outcome
      : undefined
  )

/**
 * For a child whose Effect was interrupted from outside, and that did not fail as well.
 *
 * @category rules
 * @since 0.1.0
 */
export const interrupt = (outcome: Outcome): RestartPolicy =>
  make((cause) => Cause.hasInterruptsOnly(cause) ? outcome : undefined)

/**
 * The first of these policies that does not leave a Cause open.
 *
 * @category combinators
 * @since 0.1.0
 */
export const firstOf = (...policies: ReadonlyArray<RestartPolicy>): RestartPolicy =>
  policy((cause) => {
    for (const { decide } of policies) {
      const verdict = decide(cause)
      if (verdict !== undefined) return verdict
    }
    return undefined
  })

/**
 * What the first policy leaves open, the second decides.
 *
 * @category combinators
 * @since 0.1.0
 */
export const orElse: {
  (that: Outcome): (self: RestartPolicy) => RestartPolicy
  (self: RestartPolicy, that: Outcome): RestartPolicy
} = dual(2, (self: RestartPolicy, that: Outcome): RestartPolicy => firstOf(self, make(() => that)))

/**
 * How a schedule is applied to restarts.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScheduleOptions {
  /** A child that was up for so long without failing begins the schedule anew. (Default: 1 minute) */
  readonly resetAfter?: Duration.Input | undefined
  /** What happens when the schedule is done: the group stops, or the supervisor gives up. (Default: `escalate`) */
  readonly whenDone?: "stop" | "escalate" | undefined
}

/**
 * Lets a schedule decide how long the restarts of a policy wait, and when there are no more of them. Whatever composes
 * as a `Schedule` composes here. A restart that has a schedule already keeps it.
 *
 * **Details**
 *
 * Each child has its own steps of it. Its input is the Cause of the failure. Siblings that restart with the child are
 * stopped at once and start when it does. The supervisor's intensity counts these restarts as any others: a schedule
 * that is to decide alone goes with `intensity: "unlimited"`.
 *
 * **Example** (Capped, jittered, ten times at most)
 *
 * ```ts
 * import { Schedule } from "effect"
 * import { RestartPolicy } from "@troupe/supervision"
 *
 * const policy = RestartPolicy.restart.pipe(
 *   RestartPolicy.withSchedule(
 *     Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("30 seconds")]).pipe(
 *       Schedule.jittered,
 *       Schedule.upTo({ times: 10 })
 *     ),
 *     { resetAfter: "5 minutes" }
 *   )
 * )
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withSchedule: {
  (
    schedule: Schedule.Schedule<unknown, Cause.Cause<unknown>>,
    options?: ScheduleOptions
  ): (self: RestartPolicy) => RestartPolicy
  (
    self: RestartPolicy,
    schedule: Schedule.Schedule<unknown, Cause.Cause<unknown>>,
    options?: ScheduleOptions
  ): RestartPolicy
} = dual((args) => isRestartPolicy(args[0]), (
  self: RestartPolicy,
  schedule: Schedule.Schedule<unknown, Cause.Cause<unknown>>,
  options?: ScheduleOptions
): RestartPolicy => {
  const backoff: Backoff = {
    schedule,
    resetAfterMillis: Duration.toMillis(options?.resetAfter ?? Duration.minutes(1)),
    whenDone: options?.whenDone ?? "escalate"
  }
  return policy((cause) => {
    const verdict = self.decide(cause)
    if (verdict === undefined || verdict.directive !== "restart" || verdict.backoff !== undefined) {
      return verdict
    }
    return { directive: "restart", backoff }
  })
})

/**
 * What happens after a failure with this Cause: what the policy says, or `restart`.
 *
 * @category destructors
 * @since 0.1.0
 */
export const decide: {
  (cause: Cause.Cause<unknown>): (self: RestartPolicy) => Verdict
  (self: RestartPolicy, cause: Cause.Cause<unknown>): Verdict
} = dual(2, (self: RestartPolicy, cause: Cause.Cause<unknown>): Verdict => self.decide(cause) ?? restarting)

const restarting: Verdict = { directive: "restart", backoff: undefined }
