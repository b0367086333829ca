/**
 * Groups of actors that understand the same messages: joined for as long as a scope is open, from any thread.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ActorRef } from "./ActorRef.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import * as internal from "./internal/finding.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/runtime/Group"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * A group, by its name, of actors that understand the messages `Rpcs`. Groups of one name are one group.
 *
 * @category models
 * @since 0.1.0
 */
export interface Group<in out Rpcs extends Rpc.Any> {
  readonly [TypeId]: typeof TypeId
  readonly name: string
  readonly protocol: RpcGroup.RpcGroup<Rpcs>
}

/**
 * Names a group. It is nowhere, and holds no code: whoever knows it joins it, or tells its members something.
 *
 * **Example** (Listeners)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Broadcast, Group } from "@troupe/runtime"
 *
 * const Listening = RpcGroup.make(Rpc.make("Heard", { payload: { line: Schema.String } }))
 * const Listeners = Group.make("listeners", Listening)
 *
 * const Ear = Actor.make("Ear", { protocol: Listening })
 *
 * const program = Effect.gen(function*() {
 *   yield* Group.join(Listeners, yield* Ear.spawn())
 *   const everyone = yield* Broadcast.toGroup(Listeners)
 *   yield* everyone.tell("Heard", { line: "good evening" })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Rpcs extends Rpc.Any>(name: string, protocol: RpcGroup.RpcGroup<Rpcs>): Group<Rpcs> => ({
  [TypeId]: TypeId,
  name,
  protocol
})

/**
 * Has an actor be a member until the scope closes, or the actor ends. Whoever joins twice is a member once, until both
 * are over.
 *
 * @category membership
 * @since 0.1.0
 */
export const join = <Rpcs extends Rpc.Any>(
  group: Group<Rpcs>,
  ref: ActorRef<Rpcs>
): Effect.Effect<void, never, ActorSystem | Scope.Scope> =>
  internal.register(ref as ActorRef<never>, internal.group(group.name))

/**
 * The members, in the order in which this thread heard of them.
 *
 * @category membership
 * @since 0.1.0
 */
export const members = <Rpcs extends Rpc.Any>(
  group: Group<Rpcs>
): Effect.Effect<ReadonlyArray<ActorRef<Rpcs>>, never, ActorSystem> =>
  internal.members(group, { name: internal.group(group.name), prefix: false })

/**
 * The members, now and whenever there are others: each element is all of them.
 *
 * @category membership
 * @since 0.1.0
 */
export const changes = <Rpcs extends Rpc.Any>(
  group: Group<Rpcs>
): Stream.Stream<ReadonlyArray<ActorRef<Rpcs>>, never, ActorSystem> =>
  internal.changes(group, { name: internal.group(group.name), prefix: false })
