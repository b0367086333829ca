/**
 * Finding actors by name and by what they understand.
 *
 * **Details**
 *
 * What is registered on one thread of a system is found on all: at once on its own, on another one by whatever handles
 * a message that was sent after it was registered. Actors that end vanish by themselves, and so does what a thread had
 * registered that has ended. A name is not unique: under one there may be several.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ActorRef } from "./ActorRef.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import * as internal from "./internal/finding.ts"

/**
 * What somebody looks for: messages, or a contract, which stands for its messages. Actors of every kind that understand
 * all of them are found.
 *
 * @category models
 * @since 0.1.0
 */
export type Wanted<Rpcs extends Rpc.Any> = RpcGroup.RpcGroup<Rpcs> | {
  readonly protocol: RpcGroup.RpcGroup<Rpcs>
}

/**
 * Registers an actor under a name until the scope closes, or the actor ends.
 *
 * **Example** (A printer that is found by its name)
 *
 * ```ts
 * import { Effect, Option, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Registry } from "@troupe/runtime"
 *
 * const Printer = Actor.make("Printer", {
 *   protocol: RpcGroup.make(Rpc.make("Print", { payload: { text: Schema.String } }))
 * })
 *
 * const program = Effect.gen(function*() {
 *   yield* Registry.register(yield* Printer.spawn(), "second floor")
 *   const found = yield* Registry.lookup(Printer, "second floor")
 *   if (Option.isSome(found)) yield* found.value.tell("Print", { text: "hello" })
 * })
 * ```
 *
 * @category registration
 * @since 0.1.0
 */
export const register = (
  ref: ActorRef<never>,
  name: string
): Effect.Effect<void, never, ActorSystem | Scope.Scope> => internal.register(ref, internal.named(name).name)

/**
 * The actor that was first registered under a name, of those that are still, and understand what is wanted.
 *
 * @category finding
 * @since 0.1.0
 */
export const lookup = <Rpcs extends Rpc.Any>(
  wanted: Wanted<Rpcs>,
  name: string
): Effect.Effect<Option.Option<ActorRef<Rpcs>>, never, ActorSystem> =>
  Effect.map(internal.members<Rpcs>(wanted, internal.named(name)), (all) => Option.fromUndefinedOr(all[0]))

/**
 * All actors that are registered and understand what is wanted, under one name or under any, in the order in which this
 * thread heard of them.
 *
 * @category finding
 * @since 0.1.0
 */
export const all = <Rpcs extends Rpc.Any>(
  wanted: Wanted<Rpcs>,
  name?: string
): Effect.Effect<ReadonlyArray<ActorRef<Rpcs>>, never, ActorSystem> =>
  internal.members(wanted, internal.named(name))

/**
 * The same, now and whenever it has changed: each element is the whole of it. Who reads slowly misses what was between.
 *
 * **Example** (Whoever can print)
 *
 * ```ts
 * import { Console, Schema, Stream } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Registry } from "@troupe/runtime"
 *
 * const Prints = RpcGroup.make(Rpc.make("Print", { payload: { text: Schema.String } }))
 *
 * const report = Registry.changes(Prints).pipe(
 *   Stream.runForEach((printers) => Console.log(`${printers.length} can print`))
 * )
 * ```
 *
 * @category finding
 * @since 0.1.0
 */
export const changes = <Rpcs extends Rpc.Any>(
  wanted: Wanted<Rpcs>,
  name?: string
): Stream.Stream<ReadonlyArray<ActorRef<Rpcs>>, never, ActorSystem> =>
  internal.changes(wanted, internal.named(name))
