/** What stands behind `Hosted<Name>`: how a system makes the actors of one definition, wherever they live. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ActorRef } from "../ActorRef.ts"
import type { SpawnError } from "../SpawnError.ts"

export interface Host {
  /** Starts an actor that ends with the scope. */
  spawn(args: unknown, scope: Scope.Scope): Effect.Effect<ActorRef<never>, SpawnError>
  /** The actor with this key: the same reference for the same key. */
  keyed(key: string): ActorRef<never>
}
