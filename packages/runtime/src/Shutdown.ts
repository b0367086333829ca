/**
 * Coordinated shutdown: tasks in named phases, one phase after the other, each with a time within which it must be over.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ActorSystem } from "./ActorSystem.ts"
import { systemKey } from "./internal/keys.ts"
import type * as internal from "./internal/shutdown.ts"
import type { System } from "./internal/system.ts"

/**
 * A phase of a shutdown.
 *
 * @category models
 * @since 0.1.0
 */
export interface Phase {
  readonly name: string
  /** How long its tasks may take together; those that take longer are interrupted, and named. */
  readonly timeout: Duration.Input
}

/**
 * The phases of a system's shutdown, in their order. What makes the system is provided with them. In the one called
 * `actors`, which there must be, all actors end, on all threads.
 *
 * (Default: `intake`, `drain`, `actors` and `resources`, 5 seconds each)
 *
 * **Details**
 *
 * | phase | by default it is for |
 * | --- | --- |
 * | `intake` | taking in nothing new: a server that closes its port |
 * | `drain` | finishing what was taken in |
 * | `actors` | the ends of the actors, with their finalizers |
 * | `resources` | what actors have used: connections, files |
 *
 * @category references
 * @since 0.1.0
 */
export const Phases: Context.Reference<ReadonlyArray<Phase>> = Context.Reference<ReadonlyArray<Phase>>(
  "@troupe/runtime/Shutdown/Phases",
  {
    defaultValue: () =>
      ["intake", "drain", "actors", "resources"].map((name) => ({ name, timeout: "5 seconds" }))
  }
)

/**
 * What came of a shutdown.
 *
 * @category models
 * @since 0.1.0
 */
export interface Report {
  readonly phases: ReadonlyArray<PhaseReport>
}

/**
 * What came of a phase; the names of tasks, and of actors, in no order.
 *
 * @category models
 * @since 0.1.0
 */
export interface PhaseReport {
  readonly name: string
  /** What was not over in time. */
  readonly late: ReadonlyArray<string>
  /** What failed. */
  readonly failed: ReadonlyArray<string>
}

/**
 * Has something done in a phase of the system's shutdown, unless the scope closes before. The tasks of a phase run at
 * the same time. A phase that the system does not have is a defect.
 *
 * **Example** (A port is closed before anything else ends)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Shutdown } from "@troupe/runtime"
 *
 * declare const close: Effect.Effect<void>
 *
 * const listening = Shutdown.task("intake", "http", close)
 * ```
 *
 * @category tasks
 * @since 0.1.0
 */
export const task = <E, R>(
  phase: string,
  name: string,
  effect: Effect.Effect<unknown, E, R>
): Effect.Effect<void, never, R | ActorSystem | Scope.Scope> =>
  Effect.flatMap(
    Effect.context<R>(),
    (context) =>
      Effect.flatMap(shutdown, (shutdown) =>
        shutdown.register(phase, name, Effect.provideContext(effect, context)))
  )

/**
 * Runs the phases; whoever calls it later gets the same report. It goes on when its caller is interrupted. What is late
 * or fails is logged too.
 *
 * @category running
 * @since 0.1.0
 */
export const run: Effect.Effect<Report, never, ActorSystem> = Effect.suspend(() =>
  Effect.flatMap(shutdown, (shutdown) => shutdown.run)
)

/**
 * Runs the phases when an Effect is over, however it ends, while all layers that it uses are there still. Without it
 * they run when the system's layer closes: after those that were built on it, and their tasks.
 *
 * **Details**
 *
 * Put it within the scope that the Effect spawns in: `Effect.scoped(Shutdown.after(program))`. A scope that closes before
 * waits for its actors as long as their finalizers take.
 *
 * @category running
 * @since 0.1.0
 */
export const after = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | ActorSystem> =>
  Effect.onExit(self, () => run)

const shutdown: Effect.Effect<internal.Shutdown, never, ActorSystem> = Effect.map(
  systemKey,
  (system) => (system as System).shutdown
)
