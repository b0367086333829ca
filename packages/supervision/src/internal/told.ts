/** Decisions as events, for those who look on. */
import type { SupervisorEvent } from "../SupervisorEvent.ts"
import type { Command, Outcome } from "./decision.ts"

/** An event without what all events of a supervisor have. */
export type Untold = SupervisorEvent extends infer E
  ? E extends SupervisorEvent ? Omit<E, "at" | "supervisor"> : never
  : never

/** A child's failure, its `failures`-th, and what is done about it. */
export const failed = (
  { cause, id, restarts, verdict }: Extract<Command, { readonly _tag: "Failed" }>,
  failures: number
): Untold => ({
  _tag: "ChildFailed",
  child: id,
  cause,
  directive: verdict.directive,
  delayMillis: verdict.directive === "restart" ? verdict.delayMillis : undefined,
  restartsInPeriod: restarts,
  failures
})

/** The end of the supervisor. */
export const ended = (outcome: Outcome): Untold => {
  switch (outcome._tag) {
    case "Shutdown":
      return { _tag: "Shutdown", child: "" }
    case "AutoShutdown":
      return { _tag: "AutoShutdown", child: outcome.id }
    case "GaveUp":
      return {
        _tag: "GaveUp",
        child: outcome.id,
        reason: outcome.reason,
        restartsInPeriod: outcome.restarts
      }
    default:
      return { _tag: outcome._tag, child: outcome.id, cause: outcome.cause }
  }
}
