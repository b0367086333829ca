/**
 * Where spawned actors live. A key's place is not a matter of choice: all senders find it by a hash.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * Where a spawned actor lives.
 *
 * **Details**
 *
 * | place | lives |
 * | --- | --- |
 * | `fewest` | on the worker on which this thread has spawned the fewest actors |
 * | `leastLoaded` | on the worker for which the fewest messages wait just now, wherever they wait |
 * | `here` | on the thread that spawns, which must host it too |
 * | a number | on that worker, from 1 |
 *
 * A worker spawns on itself only: there any other place is a `SpawnError`, and the first two mean `here`. With
 * `ActorSystem.layer` all is on one thread, and the place says nothing.
 *
 * @category models
 * @since 0.1.0
 */
export type Place = "fewest" | "leastLoaded" | "here" | number

/**
 * Where the actors live that an Effect spawns. (Default: `fewest`)
 *
 * **Example** (On the second worker)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Placement } from "@troupe/runtime"
 *
 * const Sink = Actor.make("Sink", { protocol: RpcGroup.make(Rpc.make("Put", { payload: { n: Schema.Int } })) })
 *
 * const second = Placement.on(Sink.spawn(), 2)
 * const wherever = Effect.provideService(Sink.spawn(), Placement.Placement, "leastLoaded")
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const Placement: Context.Reference<Place> = Context.Reference<Place>("@troupe/runtime/Placement", {
  defaultValue: () => "fewest"
})

/**
 * Spawns what an Effect spawns at this place.
 *
 * @category combinators
 * @since 0.1.0
 */
export const on = <A, E, R>(self: Effect.Effect<A, E, R>, place: Place): Effect.Effect<A, E, R> =>
  Effect.provideService(self, Placement, place)
