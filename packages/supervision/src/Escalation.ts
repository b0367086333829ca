/**
 * What a system does when the supervisor at the root of a tree fails.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import type { ActorSystem } from "@troupe/runtime/ActorSystem"
import * as Inspect from "@troupe/runtime/Inspect"
import * as Shutdown from "@troupe/runtime/Shutdown"

/**
 * Is told the root's name and what it failed with. Its children have ended by then; it ends when this is done.
 *
 * **Details**
 *
 * | | the tree | the rest of the system |
 * | --- | --- | --- |
 * | `report` | has ended | goes on |
 * | `stop` | has ended | is shut down |
 * | `postMortem` | stays as it was | stays as it was |
 *
 * @category models
 * @since 0.1.0
 */
export interface Escalation {
  (supervisor: string, cause: Cause.Cause<unknown>): Effect.Effect<void, never, ActorSystem>

  /**
   * Is asked before, once, as soon as a failure is going to reach the root and no child has ended of it: true has all
   * children stay as they are until the supervisor that failed handles messages again, or its layer closes. (Default:
   * nobody is asked)
   */
  readonly beforehand?: ((failure: Failure) => Effect.Effect<boolean, never, ActorSystem>) | undefined
}

/**
 * A failure that is going to reach the root of a tree.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure {
  /** The supervisor that could not deal with it: its place in its tree. */
  readonly supervisor: string
  /** Its child that failed. */
  readonly child: string
  /** The child, if it is an actor. */
  readonly ref: ActorRef<never> | undefined
  /** What the supervisor is going to fail with. */
  readonly cause: Cause.Cause<unknown>
}

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

/**
 * Says so in the log, and puts the whole system into post-mortem: all actors stay as they were, the one that failed too,
 * can be inspected, and answer essential messages only. When the post-mortem is over (`leaveAll`), or the supervisor's
 * layer closes, the tree ends as it would have, and that is reported.
 *
 * **Gotchas**
 *
 * It takes a system that is made with `ActorSystem.Inspection`; in another one it is a `report`. That a failure reaches
 * the root is known beforehand as far as directives and intensities say so: if it is a supervisor's schedule above that
 * gives up, the actors below that supervisor have ended.
 *
 * **Example** (Looking at what failed)
 *
 * ```ts
 * import { ActorSystem, Inspect } from "@troupe/runtime"
 * import { Child, Escalation, Supervisor } from "@troupe/supervision"
 * import { Effect, Layer } from "effect"
 *
 * const Root = Supervisor.make("Root", { children: [Child.effect("pump", Effect.never)] })
 *
 * const RootLive = Layer.mergeAll(
 *   Supervisor.layer(Root, { onEscalation: Escalation.postMortem }),
 *   Inspect.layer
 * ).pipe(
 *   Layer.provide(ActorSystem.layer),
 *   Layer.provide(Layer.succeed(ActorSystem.Inspection, {}))
 * )
 * ```
 *
 * @category escalations
 * @since 0.1.0
 */
export const postMortem: Escalation = Object.assign(
  (supervisor: string, cause: Cause.Cause<unknown>) => report(supervisor, cause),
  {
    beforehand: ({ cause, child, ref, supervisor }: Failure) =>
      Effect.gen(function*() {
        const { postMortem } = yield* Inspect.Inspect
        yield* postMortem.enterAll
        // It is held: this has it handle essential messages. One that did not start has no state to look at.
        if (ref !== undefined) yield* Effect.ignore(postMortem.enter(ref))
        const what = `${supervisor} failed at ${child}, and nobody is above it: the system is in post-mortem`
        yield* Effect.logError(what, cause)
        return true
      }).pipe(
        Effect.provide(Inspect.layer),
        Effect.catch(({ message }) =>
          Effect.as(Effect.logWarning(`there is no post-mortem: ${message}`), false)
        )
      )
  }
)
