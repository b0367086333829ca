/**
 * Strategies by the names that other actor systems give them: each is a part of a supervisor's options.
 *
 * **Example** (ZActor's `restart_all`)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Child, Strategy, Supervisor } from "@troupe/supervision"
 *
 * const supervisor = Supervisor.make("Pair", {
 *   ...Strategy.restart_all,
 *   children: [Child.effect("left", Effect.never), Child.effect("right", Effect.never)]
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as RestartPolicy from "./RestartPolicy.ts"

/**
 * The child that failed restarts.
 *
 * @category ZActor
 * @since 0.1.0
 */
export const restart = { strategy: "one_for_one", policy: RestartPolicy.restart } as const

/**
 * The child that failed stays ended.
 *
 * @category ZActor
 * @since 0.1.0
 */
export const stop = { strategy: "one_for_one", policy: RestartPolicy.stop } as const

/**
 * All children restart.
 *
 * @category ZActor
 * @since 0.1.0
 */
export const restart_all = { strategy: "one_for_all", policy: RestartPolicy.restart } as const

/**
 * All children stop.
 *
 * @category ZActor
 * @since 0.1.0
 */
export const stop_all = { strategy: "one_for_all", policy: RestartPolicy.stop } as const

/**
 * The supervisor fails with the Cause.
 *
 * @category ZActor
 * @since 0.1.0
 */
export const escalate = { strategy: "one_for_one", policy: RestartPolicy.escalate } as const
