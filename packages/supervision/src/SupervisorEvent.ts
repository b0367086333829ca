/**
 * What a supervisor decides and does, as it happens: for streams, log lines and metrics.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type { Directive } from "./RestartPolicy.ts"

/**
 * What all events have.
 *
 * @category models
 * @since 0.1.0
 */
export interface Base {
  /** When, in milliseconds of the Clock. */
  readonly at: number
  /** The supervisor's place in its tree: the names from the root, with slashes in between. */
  readonly supervisor: string
  /** The child that it is about; for a supervisor's own end, the child that brought it about. */
  readonly child: string
}

/**
 * A child is up.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChildStarted extends Base {
  readonly _tag: "ChildStarted"
  /** How often it had started before. */
  readonly restarts: number
}

/**
 * A child failed, or failed to start again, and what is done about it.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChildFailed extends Base {
  readonly _tag: "ChildFailed"
  readonly cause: Cause.Cause<unknown>
  readonly directive: Directive
  /** How long its restart waits, in milliseconds; undefined where there is none, or its schedule is done. */
  readonly delayMillis: number | undefined
  /** Restarts of the supervisor within its period, before this one. */
  readonly restartsInPeriod: number
  /** Failures of this child so far, this one included. */
  readonly failures: number
}

/**
 * A child was stopped: because of a sibling, on request, or since it failed and another incarnation is to take its
 * place (`held`).
 *
 * @category models
 * @since 0.1.0
 */
export interface ChildStopped extends Base {
  readonly _tag: "ChildStopped"
  /** Whether it keeps its mailbox, to start again. */
  readonly held: boolean
}

/**
 * A child ended normally, goes on with its state after a crash, or its spec is no more.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChildChanged extends Base {
  readonly _tag: "ChildEnded" | "ChildResumed" | "ChildRemoved"
}

/**
 * The supervisor fails: there were too many restarts within its period (`intensity`), or the child's schedule is done.
 *
 * @category models
 * @since 0.1.0
 */
export interface GaveUp extends Base {
  readonly _tag: "GaveUp"
  readonly reason: "intensity" | "schedule"
  readonly restartsInPeriod: number
}

/**
 * The supervisor fails with a child's Cause, or its first start failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Escalated extends Base {
  readonly _tag: "Escalated" | "DidNotStart"
  readonly cause: Cause.Cause<unknown>
}

/**
 * The supervisor ends normally: on request, or since significant children ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface SupervisorEnded extends Base {
  readonly _tag: "Shutdown" | "AutoShutdown"
}

/**
 * What a supervisor decided or did.
 *
 * @category models
 * @since 0.1.0
 */
export type SupervisorEvent =
  | ChildStarted
  | ChildFailed
  | ChildStopped
  | ChildChanged
  | GaveUp
  | Escalated
  | SupervisorEnded
