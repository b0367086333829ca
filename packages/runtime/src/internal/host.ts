/** What stands behind `Hosted<Name>`: how a system makes the actors of one definition, wherever they live. */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ActorRef } from "../ActorRef.ts"
import type { Child, Overseer } from "../Overseer.ts"
import type { SpawnError } from "../SpawnError.ts"
import type { LocalRef } from "./localRef.ts"
import type { System } from "./system.ts"

/** What a handler's context spawns with. */
export interface Spawner {
  readonly host: Host
  readonly overseer: Overseer | undefined
}

export interface Host {
  readonly system: System
  /** The workers that actors may be spawned on from here; none where all are spawned on this thread. */
  readonly workers: ReadonlyArray<number>
  /** Calls back with each worker that is to leave, before it does; a function that ends that. */
  onLeave(leaver: (worker: number) => void): () => void
  /** Starts an actor that ends with the scope, where the context says. */
  spawn(
    args: unknown,
    scope: Scope.Scope,
    context: Context.Context<never>
  ): Effect.Effect<ActorRef<never>, SpawnError>
  /** The same, under an overseer. */
  oversee(
    args: unknown,
    scope: Scope.Scope,
    context: Context.Context<never>,
    overseer: Overseer
  ): Effect.Effect<Child<never>, SpawnError>
  /** Makes a child of an actor, which starts when its turn comes: its messages wait until then. */
  spawnUnder(parent: LocalRef, args: unknown, overseer: Overseer | undefined): ActorRef<never>
  /** The actor with this key: the same reference for the same key. */
  keyed(key: string): ActorRef<never>
}
