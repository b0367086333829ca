/**
 * When an event-sourced actor takes a snapshot, and what it keeps of what came before.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"

/**
 * What a policy looks at, after events were stored.
 *
 * @category models
 * @since 0.1.0
 */
export interface Moment<out S, out Event> {
  readonly state: S
  /** The last of the events. */
  readonly event: Event
  readonly sequence: number
  /** Events since the last snapshot, or since the actor started without one. */
  readonly events: number
  /** Milliseconds since the last snapshot, or since the actor started. */
  readonly millis: number
}

/**
 * When to take snapshots, how many to keep, and whether the events before them are kept.
 *
 * @category models
 * @since 0.1.0
 */
export interface SnapshotPolicy<in S, in Event> extends Pipeable {
  readonly due: (moment: Moment<S, Event>) => boolean
  /** How many snapshots are kept, the newest. (Default: 2) */
  readonly keep: number
  /** Whether events are given up that come before the oldest snapshot that is kept. (Default: false) */
  readonly discardEvents: boolean
}

/**
 * Takes a snapshot when a predicate says so.
 *
 * @category constructors
 * @since 0.1.0
 */
export const when = <S = unknown, Event = unknown>(
  due: (moment: Moment<S, Event>) => boolean
): SnapshotPolicy<S, Event> => make(due, 2, false)

/**
 * Takes a snapshot after so many events.
 *
 * @category constructors
 * @since 0.1.0
 */
export const every = (events: number): SnapshotPolicy<unknown, unknown> => {
  if (!(events >= 1)) throw new RangeError(`a snapshot after every ${events} events: at least 1`)
  return when((moment) => moment.events >= events)
}

/**
 * Takes a snapshot with the first events that come this long after the last one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const spaced = (duration: Duration.Input): SnapshotPolicy<unknown, unknown> => {
  const millis = Duration.toMillis(duration)
  return when((moment) => moment.millis >= millis)
}

/**
 * Takes a snapshot when either policy says so; keeps what `self` keeps.
 *
 * @category combinators
 * @since 0.1.0
 */
export const or: {
  <S, Event>(that: SnapshotPolicy<S, Event>): (self: SnapshotPolicy<S, Event>) => SnapshotPolicy<S, Event>
  <S, Event>(self: SnapshotPolicy<S, Event>, that: SnapshotPolicy<S, Event>): SnapshotPolicy<S, Event>
} = dual(
  2,
  <S, Event>(self: SnapshotPolicy<S, Event>, that: SnapshotPolicy<S, Event>): SnapshotPolicy<S, Event> =>
    make((moment: Moment<S, Event>) => self.due(moment) || that.due(moment), self.keep, self.discardEvents)
)

/**
 * Keeps so many snapshots and gives up the older ones; with `discardEvents` the events that come before the oldest of
 * those that are kept, too.
 *
 * @category combinators
 * @since 0.1.0
 */
export const keeping: {
  (keep: number, options?: { readonly discardEvents?: boolean | undefined }): <S, Event>(
    self: SnapshotPolicy<S, Event>
  ) => SnapshotPolicy<S, Event>
  <S, Event>(
    self: SnapshotPolicy<S, Event>,
    keep: number,
    options?: { readonly discardEvents?: boolean | undefined }
  ): SnapshotPolicy<S, Event>
} = dual(
  (args) => typeof args[0] !== "number",
  <S, Event>(
    self: SnapshotPolicy<S, Event>,
    keep: number,
    options?: { readonly discardEvents?: boolean | undefined }
  ): SnapshotPolicy<S, Event> => {
    if (!Number.isInteger(keep) || keep < 1) throw new RangeError(`to keep ${keep} snapshots: at least 1`)
    return make(self.due, keep, options?.discardEvents === true)
  }
)

const make = <S, Event>(
  due: (moment: Moment<S, Event>) => boolean,
  keep: number,
  discardEvents: boolean
): SnapshotPolicy<S, Event> => ({
  due,
  keep,
  discardEvents,
  pipe() {
    return pipeArguments(this, arguments)
  }
})
