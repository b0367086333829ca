/**
 * Work without a home: one reference to several actors of a kind, of which whoever is idle takes the next message.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Actor, Hosted } from "./Actor.ts"
import type { ActorRef } from "./ActorRef.ts"
import * as internal from "./internal/pooled.ts"
import type { SpawnError } from "./SpawnError.ts"

/**
 * How a pool of actors is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<Args extends Schema.Top> {
  /** What each member is spawned with. (Default: nothing, for actors that take nothing) */
  readonly args?: Args["~type.make.in"] | undefined
  /** How many members, spread over the workers in turn. (Default: one for each worker, at least one) */
  readonly members?: number | undefined
}

/**
 * Spawns several actors of a kind, which end with the scope, and gives one reference to them all: a message goes to a
 * member that is idle, or waits, first come first served, until one is.
 *
 * **Details**
 *
 * A member is idle when all that it was given is answered: a message that is told counts as answered when its handler
 * is done. So a long job keeps no short one waiting while another member is idle. Messages of one sender may be handled
 * at the same time and in any order. A member that ends is replaced; an ask in its hands fails as any ask does, and is
 * not tried again.
 *
 * **Gotchas**
 *
 * What waits, waits with the thread that made the pool, and a member gets its next message when that thread has heard of
 * the last one: for jobs that take less than that takes, keyed actors or references of one's own are faster.
 *
 * **Example** (Jobs for whoever is idle)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Pooled } from "@troupe/runtime"
 *
 * const Resizer = Actor.make("Resizer", {
 *   protocol: RpcGroup.make(Rpc.make("Resize", { payload: { file: Schema.String }, success: Schema.Int }))
 * })
 *
 * const resizeAll = (files: ReadonlyArray<string>) =>
 *   Effect.gen(function*() {
 *     const resizers = yield* Pooled.make(Resizer)
 *     return yield* Effect.forEach(files, (file) => resizers.ask("Resize", { file }), { concurrency: "unbounded" })
 *   })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <Name extends string, Rpcs extends Rpc.Any, Args extends Schema.Top>(
  actor: Actor<Name, Rpcs, Args>,
  options?: Options<Args>
) => Effect.Effect<ActorRef<Rpcs>, SpawnError, Hosted<Name> | Scope.Scope> = internal.make as never
