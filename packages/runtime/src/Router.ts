/**
 * One reference to several actors: what it is sent goes to one of them, or to all, as a strategy says.
 *
 * **Details**
 *
 * | strategy | a message goes to | an ask gets | |
 * | --- | --- | --- | --- |
 * | `idle` | a member that has nothing in hand, or waits, first come first served, until one has | its answer | the default: work without a home |
 * | `leastLoaded` | the member that has the fewest in hand | its answer | |
 * | `roundRobin` | each in turn | its answer | |
 * | `random` | any, by Effect's `Random` | its answer | |
 * | `consistentHash` | the one for the message's key; few keys move when members come or go | its answer | order per key |
 * | `broadcast` | all | the first one | |
 *
 * In hand is what a member was given by this router and has not answered; a message that is told counts as answered when
 * its handler is done. So the first two know of each message when it is done, and cost an answer for each; from another
 * thread that takes as long as an ask does.
 *
 * A router is a reference as any other: it can be sent to other threads, and to another router. What it is sent passes
 * the thread that made it. It ends with its scope; messages to a router that has ended, or has no members, are dead
 * letters. What a member's bounded mailbox has no room for waits, or is dropped, as that mailbox says.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Types from "effect/Types"
import type { Actor, Hosted } from "./Actor.ts"
import type { ActorRef } from "./ActorRef.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import type { Group } from "./Group.ts"
import * as internal from "./internal/router.ts"
import type { SpawnError } from "./SpawnError.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/runtime/Router"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * Which members a message goes to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Strategy<in Rpcs extends Rpc.Any> {
  readonly [TypeId]: { readonly _Rpcs: Types.Contravariant<Rpcs> }
  readonly _tag: "Idle" | "LeastLoaded" | "RoundRobin" | "Random" | "ConsistentHash" | "Broadcast"
}

/**
 * A message of a protocol, as a strategy sees it.
 *
 * @category models
 * @since 0.1.0
 */
export type Message<Rpcs extends Rpc.Any> = {
  readonly [R in Rpcs as R["_tag"]]: { readonly tag: R["_tag"]; readonly payload: Rpc.Payload<R> }
}[Rpcs["_tag"]]

const strategy = (_tag: Strategy<Rpc.Any>["_tag"]): Strategy<Rpc.Any> => ({
  [TypeId]: { _Rpcs: (rpcs) => rpcs as never },
  _tag
})

/**
 * Whoever has nothing in hand; what finds nobody waits.
 *
 * @category strategies
 * @since 0.1.0
 */
export const idle: Strategy<Rpc.Any> = strategy("Idle")

/**
 * Whoever has the fewest in hand.
 *
 * @category strategies
 * @since 0.1.0
 */
export const leastLoaded: Strategy<Rpc.Any> = strategy("LeastLoaded")

/**
 * Each in turn.
 *
 * @category strategies
 * @since 0.1.0
 */
export const roundRobin: Strategy<Rpc.Any> = strategy("RoundRobin")

/**
 * Any of them, by the `Random` of whoever makes the router.
 *
 * @category strategies
 * @since 0.1.0
 */
export const random: Strategy<Rpc.Any> = strategy("Random")

/**
 * All of them. An ask gets the first answer, and fails when none can come any more.
 *
 * @category strategies
 * @since 0.1.0
 */
export const broadcast: Strategy<Rpc.Any> = strategy("Broadcast")

/**
 * The same member for messages with the same key, as long as it is a member.
 *
 * **Example** (A user's messages in order)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Router } from "@troupe/runtime"
 *
 * const Writer = Actor.make("Writer", {
 *   protocol: RpcGroup.make(Rpc.make("Write", { payload: { user: Schema.String, line: Schema.String } }))
 * })
 *
 * const writers = Router.pool(Writer, {
 *   members: 4,
 *   strategy: Router.consistentHash(({ payload }) => payload.user)
 * })
 * ```
 *
 * @category strategies
 * @since 0.1.0
 */
export const consistentHash = <Rpcs extends Rpc.Any>(
  key: (message: Message<Rpcs>) => string
): Strategy<Rpcs> => ({ ...strategy("ConsistentHash"), key }) as never

/**
 * How a pool of actors is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolOptions<Rpcs extends Rpc.Any, Args extends Schema.Top> {
  /** Which members a message goes to. (Default: `idle`) */
  readonly strategy?: Strategy<Rpcs> | undefined
  /** What each member is spawned with. (Default: nothing, for actors that take nothing) */
  readonly args?: Args["~type.make.in"] | undefined
  /** How many members, spread over the workers in turn. (Default: one for each worker, at least one) */
  readonly members?: number | undefined
}

/**
 * Spawns several actors of a kind, which end with the scope, and gives one reference to them all. A member that ends is
 * replaced; what it had in hand fails as any ask does, and is not tried again.
 *
 * **Gotchas**
 *
 * With `idle` and `leastLoaded`, messages of one sender may be handled at the same time and in any order. For jobs that
 * take less than an answer from another thread takes, the other strategies, keyed actors, or references of one's own are
 * faster.
 *
 * **Example** (Jobs for whoever is idle)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Router } from "@troupe/runtime"
 *
 * const Resizer = Actor.make("Resizer", {
 *   protocol: RpcGroup.make(Rpc.make("Resize", { payload: { file: Schema.String }, success: Schema.Int }))
 * })
 *
 * const resizeAll = (files: ReadonlyArray<string>) =>
 *   Effect.gen(function*() {
 *     const resizers = yield* Router.pool(Resizer)
 *     return yield* Effect.forEach(files, (file) => resizers.ask("Resize", { file }), { concurrency: "unbounded" })
 *   })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const pool: <Name extends string, Rpcs extends Rpc.Any, Args extends Schema.Top>(
  actor: Actor<Name, Rpcs, Args>,
  options?: PoolOptions<Rpcs, Args>
) => Effect.Effect<ActorRef<Rpcs>, SpawnError, Hosted<Name> | Scope.Scope> = internal.pool as never

/**
 * One reference to the members of a group, whoever they are when a message comes.
 *
 * **Example** (Any of those who have joined)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Group, Router } from "@troupe/runtime"
 *
 * const Printing = RpcGroup.make(Rpc.make("Print", { payload: { text: Schema.String } }))
 * const Printers = Group.make("printers", Printing)
 *
 * const program = Effect.gen(function*() {
 *   const printer = yield* Router.group(Printers, { strategy: Router.roundRobin })
 *   yield* printer.tell("Print", { text: "hello" })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const group: <Rpcs extends Rpc.Any>(
  group: Group<Rpcs>,
  options?: { readonly strategy?: Strategy<Rpcs> | undefined }
) => Effect.Effect<ActorRef<Rpcs>, never, ActorSystem | Scope.Scope> = internal.group as never
