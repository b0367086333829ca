/**
 * Why a supervisor did not start, why it failed, and why it refused.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const textOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

/**
 * A supervisor did not start, since a child did not. Those that had started before it are stopped.
 *
 * @category errors
 * @since 0.1.0
 */
export class StartError extends Schema.TaggedError<StartError>()("StartError", {
  /** The supervisor's place in its tree. */
  supervisor: Schema.String,
  child: Schema.String,
  /** What the child's start failed with. */
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.supervisor} did not start, since ${this.child} did not: ${textOf(this.cause)}`
  }
}

/**
 * A supervisor gave up: it fails with this to its own supervisor.
 *
 * @category errors
 * @since 0.1.0
 */
export class GaveUp extends Schema.TaggedError<GaveUp>()("GaveUp", {
  supervisor: Schema.String,
  /** Whose failure was one too many. */
  child: Schema.String,
  /** Too many restarts within the period, or the child's schedule is done. */
  reason: Schema.Literals(["intensity", "schedule"]),
  /** Restarts within the period, the one that was one too many included. */
  restarts: Schema.Int,
  /** What the child failed with; undefined when it ended normally. */
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const last = this.cause === undefined ? "" : `: ${textOf(this.cause)}`
    return this.reason === "intensity"
      ? `${this.supervisor} gave up after ${this.restarts - 1} restarts, at ${this.child}${last}`
      : `${this.supervisor} gave up since the schedule of ${this.child} is done${last}`
  }
}

/**
 * A supervisor does not do what it was asked.
 *
 * **Details**
 *
 * | reason | the child |
 * | --- | --- |
 * | `NotFound` | has no such id, or its spec is gone |
 * | `AlreadyStarted` | is there, and up |
 * | `AlreadyPresent` | is there, and down |
 * | `Running` | is up, and has to be terminated before |
 * | `Restarting` | waits for its next try, or for that of a sibling |
 * | `DidNotStart` | failed to start; `cause` is what it failed with |
 * | `Invalid` | is specified so that the supervisor cannot have it |
 * | `Ending` | is of a supervisor that is ending or has ended |
 *
 * @category errors
 * @since 0.1.0
 */
export class ChildError extends Schema.TaggedError<ChildError>()("ChildError", {
  supervisor: Schema.String,
  child: Schema.String,
  reason: Schema.Literals([
    "NotFound",
    "AlreadyStarted",
    "AlreadyPresent",
    "Running",
    "Restarting",
    "DidNotStart",
    "Invalid",
    "Ending"
  ]),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const why = this.cause === undefined ? "" : `: ${textOf(this.cause)}`
    return `${this.supervisor}, ${this.child}: ${this.reason}${why}`
  }
}
