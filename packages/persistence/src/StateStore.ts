/**
 * Latest states, each with a revision: what actors with a durable state are made of.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { StoreError } from "./StoreError.ts"

/**
 * A state as it is stored.
 *
 * @category models
 * @since 0.1.0
 */
export interface Revised {
  /** 1 for the first, and one more for each that took its place. */
  readonly revision: number
  /** When it was written, in milliseconds since 1970. */
  readonly at: number
  readonly bytes: Uint8Array
}

/**
 * Keeps the latest state of each id. A write says which revision it replaces, and fails with a `Conflict` when that is
 * no longer the latest.
 *
 * @category services
 * @since 0.1.0
 */
export class StateStore extends Context.Service<StateStore, {
  readonly load: (id: string) => Effect.Effect<Option.Option<Revised>, StoreError>
  /** Replaces the revision `expected`, 0 where there is none; the new revision. */
  readonly save: (id: string, expected: number, bytes: Uint8Array) => Effect.Effect<number, StoreError>
  /** Removes the state if its revision is `expected`. Its revisions begin anew. */
  readonly remove: (id: string, expected: number) => Effect.Effect<void, StoreError>
}>()("@troupe/persistence/StateStore") {}
