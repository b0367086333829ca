/** A supervisor as data: what it knows, what happens to it, and what is to be done about that. */
import type * as Cause from "effect/Cause"
import type { Directive } from "../RestartPolicy.ts"

export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one" | "simple_one_for_one"
export type RestartType = "permanent" | "transient" | "temporary"
export type AutoShutdown = "never" | "any_significant" | "all_significant"

export interface Config {
  readonly strategy: Strategy
  /** More restarts than this within the period, and the supervisor gives up; infinite for no bound. */
  readonly restarts: number
  /** The period, both ends included. */
  readonly withinMillis: number
  readonly autoShutdown: AutoShutdown
}

export interface Spec {
  readonly id: string
  readonly restart: RestartType
  readonly significant: boolean
}

/** What the interpreter makes of a failure, by the policy and its schedule. */
export interface Verdict {
  readonly directive: Directive
  /** How long a restart waits; undefined when the schedule is done. */
  readonly delayMillis: number | undefined
  /** What happens when the schedule is done. */
  readonly whenDone: "stop" | "escalate"
}

export type Event =
  /** A child has ended by itself; `cause` is undefined for a normal end. */
  | {
    readonly _tag: "Ended"
    readonly id: string
    readonly token: number
    readonly cause: Cause.Cause<unknown> | undefined
    readonly verdict: Verdict
  }
  | { readonly _tag: "Started"; readonly id: string }
  | {
    readonly _tag: "StartFailed"
    readonly id: string
    readonly cause: Cause.Cause<unknown>
    readonly verdict: Verdict
  }
  /** The delay of a `Retry` is over. */
  | { readonly _tag: "Due"; readonly id: string; readonly token: number }
  | Request
  | { readonly _tag: "Shutdown" }

/** What is asked of a supervisor; `request` names it in the `Reply`. */
type Request =
  | { readonly _tag: "StartChild"; readonly spec: Spec; readonly request: number }
  | { readonly _tag: "RestartChild"; readonly id: string; readonly request: number }
  | { readonly _tag: "TerminateChild"; readonly id: string; readonly request: number }
  | { readonly _tag: "DeleteChild"; readonly id: string; readonly request: number }

export type Command =
  /** Starts a child, in the place of what a `Stop` held. */
  | { readonly _tag: "Start"; readonly id: string; readonly token: number; readonly again: boolean }
  /** Ends what there is of a child, finalizers included; `hold` keeps its mailbox for the next start. */
  | { readonly _tag: "Stop"; readonly id: string; readonly hold: boolean }
  /** The same for many at once, under one timer, for good. */
  | { readonly _tag: "StopAll"; readonly ids: ReadonlyArray<string> }
  /** The failed child goes on with its state. */
  | { readonly _tag: "Resume"; readonly id: string }
  /** Feed back `Due` after the delay; behind all events that are there already. */
  | { readonly _tag: "Retry"; readonly id: string; readonly token: number; readonly delayMillis: number }
  /** The spec is no more. */
  | { readonly _tag: "Forget"; readonly id: string }
  /** For those who look on: a failure, and what is done about it; `restarts` are those within the period before it. */
  | {
    readonly _tag: "Failed"
    readonly id: string
    readonly cause: Cause.Cause<unknown>
    readonly verdict: Verdict
    readonly restarts: number
  }
  | { readonly _tag: "Reply"; readonly request: number; readonly error: Refusal | undefined }
  /** All children of the specs are up. */
  | { readonly _tag: "Ready" }
  /** The last one: the supervisor ends. */
  | { readonly _tag: "Finish"; readonly outcome: Outcome }

/** Why a request was refused. */
export type Refusal =
  | { readonly _tag: "NotFound" }
  | { readonly _tag: "AlreadyStarted" }
  | { readonly _tag: "AlreadyPresent" }
  | { readonly _tag: "Running" }
  | { readonly _tag: "Restarting" }
  | { readonly _tag: "DidNotStart"; readonly cause: Cause.Cause<unknown> }
  | { readonly _tag: "Ending" }

/** Why a supervisor ends. */
export type Outcome =
  | { readonly _tag: "Shutdown" }
  | { readonly _tag: "AutoShutdown"; readonly id: string }
  | { readonly _tag: "DidNotStart"; readonly id: string; readonly cause: Cause.Cause<unknown> }
  | { readonly _tag: "Escalated"; readonly id: string; readonly cause: Cause.Cause<unknown> }
  | {
    readonly _tag: "GaveUp"
    readonly id: string
    readonly cause: Cause.Cause<unknown> | undefined
    readonly reason: "intensity" | "schedule"
    /** Restarts within the period. */
    readonly restarts: number
  }

/**
 * `starting` is on its way up. `restarting` waits for the next try at a child: itself, or one of its group. `down` waits
 * for nothing.
 */
export type Status = "up" | "down" | "starting" | "restarting"

export interface Slot {
  readonly spec: Spec
  readonly status: Status
  /** Which incarnation or which try: what comes from an older one is void. */
  readonly token: number
  /** The child whose next try it waits for, while it is restarting. */
  readonly waitsFor: string | undefined
}

/** Starts that are under way: the first of `ids` now, then the others. */
export interface Plan {
  readonly why: { readonly _tag: "Init" } | { readonly _tag: "Restart" } | {
    readonly _tag: "Request"
    readonly request: number
    readonly fresh: boolean
  }
  readonly ids: ReadonlyArray<string>
}

export interface State {
  readonly config: Config
  /** In start order. */
  readonly slots: ReadonlyArray<Slot>
  /** When restarts were tried, within the period as of the last one. */
  readonly stamps: ReadonlyArray<number>
  readonly tokens: number
  readonly plan: Plan | undefined
  /** What came while a start was awaited. */
  readonly deferred: ReadonlyArray<Event>
  readonly ended: boolean
}

/** The next state, and what is to be done, in order. */
export interface Decision {
  readonly state: State
  readonly commands: ReadonlyArray<Command>
}
