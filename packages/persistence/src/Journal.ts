/**
 * Events, in order, for each of many actors: what event-sourced actors are made of.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type * as Channel from "./Channel.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * What a write has survived once it is `stored`: a channel's durability, or `memory`, which survives nothing.
 *
 * | durability | survives the end of the process, `kill -9` included | survives a loss of power |
 * | --- | --- | --- |
 * | `memory` | no | no |
 * | `none`, `async` | yes | no |
 * | `batch`, `each` | yes | yes |
 *
 * @category models
 * @since 0.1.0
 */
export type Durability = Channel.Durability | "memory"

/**
 * An event as it is stored.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stored {
  /** Its place among the events of its actor: 1, 2, 3 and so on, without a gap. */
  readonly sequence: number
  /** When it was written, in milliseconds since 1970. */
  readonly at: number
  readonly bytes: Uint8Array
}

/**
 * Events that a journal has accepted: they have their places, and nobody else gets these.
 *
 * @category models
 * @since 0.1.0
 */
export interface Accepted {
  /** The sequence of the last one. */
  readonly last: number
  /** Succeeds when they are as safe as the journal's {@link Durability} promises. */
  readonly stored: Effect.Effect<void, StoreError>
}

/**
 * Which events to read. (Default: all that are there)
 *
 * @category models
 * @since 0.1.0
 */
export interface Range {
  /** Begin after this sequence. (Default: 0) */
  readonly after?: number | undefined
  /** End with this sequence. (Default: the last when reading begins) */
  readonly upTo?: number | undefined
}

/**
 * A journal: for each id a sequence of events that only grows at its end, and shrinks at its beginning when a snapshot
 * has taken the place of what was there.
 *
 * **Details**
 *
 * An id has one writer at a time, and the journal holds it to that: a write says after which sequence it belongs, and
 * one that comes late fails with a `Conflict` and leaves nothing. So two incarnations of an actor that do not know of
 * each other, in two processes even, cannot both go on.
 *
 * A write is all or nothing: either all of its events are there, one after the other, or none.
 *
 * @category services
 * @since 0.1.0
 */
export class Journal extends Context.Service<Journal, {
  /** What `stored` means. */
  readonly durability: Durability
  /**
   * Writes events after the one with the sequence `expected`, 0 for the first: at once where it can, and not when the
   * Effect runs. What it gives is an `Exit` already where nothing has to be waited for, so that an actor's turn can go
   * on without a fiber. {@link write} is its Effect.
   */
  readonly writeUnsafe: (
    id: string,
    expected: number,
    events: ReadonlyArray<Uint8Array>
  ) => Effect.Effect<Accepted, StoreError>
  /**
   * Waits until all that was written is on the device, whatever `durability` says; nothing where there is none, or where
   * it is there already.
   */
  readonly sync: Effect.Effect<void, StoreError>
  /** The events of an id, in order. */
  readonly read: (id: string, range?: Range) => Stream.Stream<Stored, StoreError>
  /** The sequence of the last event ever written, discarded ones included; 0 when there was none. */
  readonly last: (id: string) => Effect.Effect<number, StoreError>
  /** Gives up the events up to this sequence. Those that follow keep theirs. */
  readonly discard: (id: string, upTo: number) => Effect.Effect<void, StoreError>
  /** The ids that have ever had an event, in no particular order. */
  readonly ids: Stream.Stream<string, StoreError>
}>()("@troupe/persistence/Journal") {}

/**
 * Writes events after the one with the sequence `expected`, 0 for the first, and goes on when they have their places.
 *
 * @category combinators
 * @since 0.1.0
 */
export const write = (
  id: string,
  expected: number,
  events: ReadonlyArray<Uint8Array>
): Effect.Effect<Accepted, StoreError, Journal> =>
  Effect.flatMap(Journal, (journal) => journal.writeUnsafe(id, expected, events))

/**
 * Writes events and waits until they are stored; the sequence of the last one.
 *
 * @category combinators
 * @since 0.1.0
 */
export const append = (
  id: string,
  expected: number,
  events: ReadonlyArray<Uint8Array>
): Effect.Effect<number, StoreError, Journal> =>
  Effect.flatMap(write(id, expected, events), ({ last, stored }) => Effect.as(stored, last))
