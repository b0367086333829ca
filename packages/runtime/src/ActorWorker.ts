/**
 * A worker thread's side of a pool.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as platform from "#platform"
import type { ActorSystem } from "./ActorSystem.ts"
import * as worker from "./internal/entry/worker.ts"

/**
 * Makes this module the entry of a pool's workers, hosting what the layer hosts. Call it at the top level of the
 * module that `ActorSystem.layerWorkers` names; it takes over the thread until the pool is closed.
 *
 * **Example** (An entry module)
 *
 * ```ts
 * import { ActorWorker } from "@troupe/runtime"
 * import { AccountLive } from "./account.ts"
 *
 * ActorWorker.run(AccountLive)
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A, E>(
  layer: Layer.Layer<A, E, ActorSystem>,
  options?: {
    /** What this thread's system is made with: a `Clock`, loggers, an `Injector`. (Default: nothing) */
    readonly context?: Context.Context<never> | undefined
  }
): void => {
  const serving = worker.serve(layer as Layer.Layer<never, E, ActorSystem>, platform.pin)
  const context = options?.context ?? Context.empty()
  platform.run(
    Effect.provide(Effect.provideContext(serving, context as Context.Context<never>), platform.runner)
  )
}
