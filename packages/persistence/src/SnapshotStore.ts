/**
 * Snapshots: states as they were after an event, so that recovery need not begin with the first one.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { StoreError } from "./StoreError.ts"

/**
 * A state, as it was after the event with this sequence.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  readonly sequence: number
  /** When it was taken, in milliseconds since 1970. */
  readonly at: number
  readonly bytes: Uint8Array
}

/**
 * Keeps snapshots, several for each id if so wished.
 *
 * @category services
 * @since 0.1.0
 */
export class SnapshotStore extends Context.Service<SnapshotStore, {
  /** Keeps a snapshot; one with the same sequence is replaced. It is as safe as the store can make it when this is done. */
  readonly save: (id: string, sequence: number, bytes: Uint8Array) => Effect.Effect<void, StoreError>
  /** The snapshot with the highest sequence, if there is one. */
  readonly latest: (id: string) => Effect.Effect<Option.Option<Snapshot>, StoreError>
  /** The sequences of the snapshots that are kept, in ascending order. */
  readonly sequences: (id: string) => Effect.Effect<ReadonlyArray<number>, StoreError>
  /** Gives up the snapshots up to this sequence. */
  readonly discard: (id: string, upTo: number) => Effect.Effect<void, StoreError>
}>()("@troupe/persistence/SnapshotStore") {}
