/** The service keys of a system, apart from its public module, so that a contract imports no worker pool. */
import * as Context from "effect/Context"
import type { Hosted } from "../Actor.ts"
import type { ActorSystem } from "../ActorSystem.ts"
import type { Hosted as SwarmHosted } from "../Swarm.ts"
import type { Host } from "./host.ts"

/** What marks a reference. */
export const refTypeId = "~@troupe/runtime/ActorRef"

export const broadcastTypeId = "~@troupe/runtime/Broadcast"

/** The key of the system itself: the same as the class `ActorSystem`. */
export const systemKey: Context.Service<ActorSystem, ActorSystem["Service"]> = Context.Service(
  "@troupe/runtime/ActorSystem"
)

/** The key under which a system offers an actor. */
export const hostedKey = <Name extends string>(name: Name): Context.Service<Hosted<Name>, Host> =>
  Context.Service<Hosted<Name>, Host>(`@troupe/runtime/Hosted/${name}`)

/** The key under which a system offers a swarm's population. */
export const swarmKey = <Name extends string>(name: Name): Context.Service<SwarmHosted<Name>, unknown> =>
  Context.Service<SwarmHosted<Name>, unknown>(`@troupe/runtime/Swarm/${name}`)
