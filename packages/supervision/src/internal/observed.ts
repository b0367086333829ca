/** What supervisors do, for those who read logs and metrics. */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { SupervisorEvent } from "../SupervisorEvent.ts"

const counter = (name: string, description: string): Metric.Counter<number> =>
  Metric.counter(`troupe_supervision_${name}`, { description, incremental: true })

const failures = counter("failures", "Failures of supervised children, failing restarts included")
const restarts = counter("restarts", "Restarts of supervised children")
const gaveUp = counter("gave_up", "Supervisors that gave up or escalated")

/** The first failure of a Cause as text. */
export const textOf = (cause: Cause.Cause<unknown>): string => {
  // What was thrown may be anything: an error whose message throws when it is read included.
  try {
    return Cause.prettyErrors(cause)[0]?.message ?? "interrupted"
  } catch {
    return "a failure without a text"
  }
}

/** Counters with their attributes, kept since to make one costs more than to count; by child. */
export type Counters = Map<string, Map<Metric.Counter<number>, Metric.Metric<number, unknown>>>

/** Counts and logs an event. */
export const observe = (
  event: SupervisorEvent,
  context: Context.Context<never>,
  counters: Counters
): void => {
  const { child, supervisor } = event
  const count = (metric: Metric.Counter<number>): void => {
    let own = counters.get(child)
    if (own === undefined) counters.set(child, own = new Map())
    let counter = own.get(metric)
    if (counter === undefined) own.set(metric, counter = Metric.withAttributes(metric, { supervisor, child }))
    counter.updateUnsafe(1, context)
  }
  const log = (line: Effect.Effect<void>): void => {
    Effect.runForkWith(context)(Effect.annotateLogs(line, { supervisor, child }))
  }
  switch (event._tag) {
    case "ChildFailed": {
      count(failures)
      const { directive, failures: times, restartsInPeriod } = event
      const next = directive !== "restart"
        ? directive
        : event.delayMillis === undefined
        ? "no restart, its schedule is done"
        : `restart in ${event.delayMillis} ms`
      const so = `failure ${times}, ${restartsInPeriod} restarts in the period`
      return log(Effect.logWarning(`${supervisor}/${child} failed: ${next} (${so})`, event.cause))
    }
    case "ChildStarted":
      if (event.restarts > 0) {
        count(restarts)
        log(Effect.logInfo(`${supervisor}/${child} restarted (${event.restarts})`))
      }
      return
    case "GaveUp":
      count(gaveUp)
      return log(
        Effect.logError(
          `${supervisor} gave up at ${child}: ${
            event.reason === "intensity"
              ? `${event.restartsInPeriod} restarts in its period`
              : "its schedule is done"
          }`
        )
      )
    case "Escalated":
      count(gaveUp)
      return log(Effect.logError(`${supervisor} escalates the failure of ${child}`))
    case "AutoShutdown":
      return log(Effect.logInfo(`${supervisor} ends, since ${child} has ended`))
    case "ChildRemoved":
      counters.delete(child)
      return
    default:
      return
  }
}
