/**
 * Telling all of a kind the same: all actors of a contract, all that understand certain messages, all members of a
 * group; on this thread, or on every one.
 *
 * **Details**
 *
 * Each of these is a reference, which can be sent around as any other. What it is told goes once to every thread, and
 * there, by reference, to each who is there when it comes: whoever is spawned later, or a key that nobody has
 * addressed, does not hear it. From one sender it keeps its place among what else he sends to the same actor. A message
 * that nobody hears is no dead letter. A broadcast itself has no answer: `audience` gives those who would hear it, and
 * `Ask` asks each of them.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import type { Actor } from "./Actor.ts"
import type { ActorRef } from "./ActorRef.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import type { Group } from "./Group.ts"
import * as audience_ from "./internal/audience.ts"
import * as internal from "./internal/finding.ts"
import { broadcastTypeId } from "./internal/keys.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = broadcastTypeId

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * A reference to all of a kind.
 *
 * @category models
 * @since 0.1.0
 */
export interface Broadcast<in Rpcs extends Rpc.Any> extends ActorRef<Rpcs> {
  readonly [TypeId]: { readonly _Rpcs: Types.Contravariant<Rpcs> }
}

/**
 * How far a broadcast goes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** On this thread alone, or on all of the system's. (Default: `everywhere`) */
  readonly reach?: "here" | "everywhere" | undefined
}

/**
 * All living actors of a contract, spawned and keyed.
 *
 * **Example** (Good night to all)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Broadcast } from "@troupe/runtime"
 *
 * const Lamp = Actor.make("Lamp", { protocol: RpcGroup.make(Rpc.make("TurnOff")) })
 *
 * const night = Effect.flatMap(Broadcast.toActors(Lamp), (lamps) => lamps.tell("TurnOff"))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const toActors = <Name extends string, Rpcs extends Rpc.Any, Args extends Schema.Top>(
  actor: Actor<Name, Rpcs, Args>,
  options?: Options
): Effect.Effect<Broadcast<Rpcs>, never, ActorSystem> =>
  internal.broadcast(audience_.KIND, actor.name, actor.protocol, options)

/**
 * All living actors that understand all of these messages, of whatever kind they are.
 *
 * @category constructors
 * @since 0.1.0
 */
export const toProtocol = <Rpcs extends Rpc.Any>(
  protocol: RpcGroup.RpcGroup<Rpcs>,
  options?: Options
): Effect.Effect<Broadcast<Rpcs>, never, ActorSystem> =>
  internal.broadcast(audience_.PROTOCOL, "everyone", protocol, options)

/**
 * All members of a group.
 *
 * @category constructors
 * @since 0.1.0
 */
export const toGroup = <Rpcs extends Rpc.Any>(
  group: Group<Rpcs>,
  options?: Options
): Effect.Effect<Broadcast<Rpcs>, never, ActorSystem> =>
  internal.broadcast(audience_.GROUP, internal.group(group.name), group.protocol, options)

/**
 * Those who would hear a broadcast now, on whichever thread they are, in no order: each by its own reference, so that
 * it can be asked. Instances of swarms are not among them; `MapReduce` is for those.
 *
 * **Example** (What all shelves hold together)
 *
 * ```ts
 * import { Effect, Number, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Ask, Broadcast } from "@troupe/runtime"
 *
 * const Shelf = Actor.make("Shelf", {
 *   protocol: RpcGroup.make(Rpc.make("Count", { success: Schema.Int }))
 * })
 *
 * const total = Effect.gen(function*() {
 *   const shelves = yield* Broadcast.toActors(Shelf)
 *   return yield* Ask.reduce(yield* Broadcast.audience(shelves), (shelf) => shelf.ask("Count"), Number.ReducerSum)
 * })
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const audience = <Rpcs extends Rpc.Any>(
  self: Broadcast<Rpcs>
): Effect.Effect<ReadonlyArray<ActorRef<Rpcs>>> =>
  (self as unknown as audience_.AudienceRef).audience as Effect.Effect<ReadonlyArray<never>>
