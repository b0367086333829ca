/** What the public modules for finding actors share: the registry of the system that a fiber runs in, as Effects. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ActorRef } from "../ActorRef.ts"
import type { ActorSystem } from "../ActorSystem.ts"
import type { Broadcast } from "../Broadcast.ts"
import { AudienceRef } from "./audience.ts"
import { systemKey } from "./keys.ts"
import { compile, type Group } from "./protocol.ts"
import { format, type Ref } from "./ref.ts"
import type { System } from "./system.ts"

type Wanted<Rpcs extends Rpc.Any> = RpcGroup.RpcGroup<Rpcs> | {
  readonly protocol: RpcGroup.RpcGroup<Rpcs>
}

const groupOf = <Rpcs extends Rpc.Any>(wanted: Wanted<Rpcs>): Group =>
  "protocol" in wanted ? wanted.protocol : wanted

/** Where something is looked for: under a name, or under all names that begin so. */
export interface Place {
  readonly name: string
  readonly prefix: boolean
}

// Names and groups do not meet.

export const named = (name: string | undefined): Place => ({
  name: `name ${name ?? ""}`,
  prefix: name === undefined
})

export const group = (name: string): string => `group ${name}`

const inSystem = <A, R>(
  use: (system: System, context: Context.Context<never>) => Effect.Effect<A, never, R>
): Effect.Effect<A, never, ActorSystem | R> =>
  Effect.withFiber((fiber) => use(Context.getUnsafe(fiber.context, systemKey) as System, fiber.context))

export const register = (
  ref: ActorRef<never>,
  name: string
): Effect.Effect<void, never, ActorSystem | Scope.Scope> =>
  inSystem(({ registry }, context) =>
    registry.register(ref as unknown as Ref, name, Context.getUnsafe(context, Scope.Scope))
  )

export const members = <Rpcs extends Rpc.Any>(
  wanted: Wanted<Rpcs>,
  { name, prefix }: Place
): Effect.Effect<ReadonlyArray<ActorRef<Rpcs>>, never, ActorSystem> =>
  inSystem((system) => Effect.succeed(system.registry.members(groupOf(wanted), name, prefix) as never))

export const changes = <Rpcs extends Rpc.Any>(
  wanted: Wanted<Rpcs>,
  { name, prefix }: Place
): Stream.Stream<ReadonlyArray<ActorRef<Rpcs>>, never, ActorSystem> =>
  Stream.callback<ReadonlyArray<ActorRef<Rpcs>>, never, ActorSystem>(
    (queue) =>
      inSystem(({ registry }) => {
        let last: string | undefined
        const look = (): void => {
          const members = registry.members(groupOf(wanted), name, prefix)
          const text = JSON.stringify(members.map(format))
          if (text === last) return
          last = text
          Queue.offerUnsafe(queue, members as never)
        }
        look()
        const stop = registry.listen(look)
        return Effect.addFinalizer(() => Effect.sync(stop))
      }),
    { bufferSize: 1, strategy: "sliding" }
  )

export const broadcast = <Rpcs extends Rpc.Any>(
  what: number,
  name: string,
  protocol: RpcGroup.RpcGroup<Rpcs>,
  options: { readonly reach?: "here" | "everywhere" | undefined } | undefined
): Effect.Effect<Broadcast<Rpcs>, never, ActorSystem> =>
  inSystem((system) => {
    const everywhere = options?.reach !== "here"
    const ref = new AudienceRef(system, what, name, compile(protocol, system.validate), everywhere)
    return Effect.succeed(ref as never)
  })
