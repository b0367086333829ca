/**
 * What a system does when the supervisor at the root of a tree fails.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { ActorSystem } from "@troupe/runtime/ActorSystem"
import * as Shutdown from "@troupe/runtime/Shutdown"

/**
 * Is told the root's name and what it failed with. Its children have ended by then; it ends when this is done.
 *
 * @category models
 * @since 0.1.0
 */
export type Escalation = (
  supervisor: string,
  cause: Cause.Cause<unknown>
) => Effect.Effect<void, never, ActorSystem>

/**
 * Says so in the log; the rest of the program goes on.
 *
 * @category escalations
 * @since 0.1.0
 */
export const report: Escalation = (supervisor, cause) =>
  Effect.logError(`${supervisor} failed, and nobody is above it`, cause)

/**
 * Says so in the log, and runs the phases of the system's shutdown: the other actors end too.
 *
 * @category escalations
 * @since 0.1.0
 */
export const stop: Escalation = (supervisor, cause) => Effect.andThen(report(supervisor, cause), Shutdown.run)
