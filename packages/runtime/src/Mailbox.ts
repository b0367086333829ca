/**
 * Mailboxes: how many messages may wait for an actor, and what happens to those that are too many.
 *
 * @since 0.1.0
 */
import type { ActorRef } from "./ActorRef.ts"
import type { Target } from "./internal/ref.ts"

/**
 * What a full mailbox does with one more message.
 *
 * **Details**
 *
 * | a full mailbox | `tell` | `tellUnsafe`, `ctx.send` | `offer` | `ask` |
 * | --- | --- | --- | --- | --- |
 * | `suspend` | waits for room | false, dead letter | false | waits for room |
 * | `fail` | dead letter | false, dead letter | false | fails with `MailboxFull`, dead letter |
 * | `dropNewest` | dead letter | false, dead letter | false, dead letter | fails with `MailboxFull`, dead letter |
 * | `dropOldest` | accepted | true | true | accepted |
 *
 * - Who waits does so interruptibly, and senders on one thread get in in the order in which they began to wait; whoever
 *   comes later waits behind them. Threads that wait have no order among themselves.
 * - Under `dropOldest` the oldest that waits becomes a dead letter with the reason `MailboxFull`, and its asker fails
 *   with `MailboxFull`. Between threads it makes way when the newer one arrives; order is the order of arrival. A
 *   thread that is ahead of the actor by more than a thousand messages keeps the newest `capacity` of its own, and
 *   drops the oldest of those.
 * - A message that is refused to an `offer` was never the mailbox's, and is no dead letter: its sender knows.
 *   `dropNewest` takes it and throws it away.
 *
 * @category models
 * @since 0.1.0
 */
export type Overflow = "suspend" | "fail" | "dropNewest" | "dropOldest"

/**
 * A mailbox in which at most `capacity` messages wait. It is part of the actor's contract, so that senders know it on
 * every thread: they take a place before they send, and what is on its way between threads counts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bounded {
  /** How many messages may wait, the one in hand not counted: from 1 to 2^24. */
  readonly capacity: number
  readonly overflow: Overflow
}

/**
 * How many messages an actor's mailbox holds, and the most that it ever held.
 *
 * @category models
 * @since 0.1.0
 */
export interface Depth {
  /** Messages that wait now, those on their way between threads included if the mailbox is bounded. */
  readonly now: number
  /** The most that ever waited. */
  readonly high: number
}

/**
 * How full the mailbox behind a reference is, read without stopping anyone: undefined for an unbounded one on another
 * thread, which nobody counts. A key's bounded mailbox outlives its incarnations; of an unbounded one it is the
 * living incarnation's.
 *
 * @category inspecting
 * @since 0.1.0
 */
export const depth = (ref: ActorRef<never>): Depth | undefined => (ref as unknown as Target).depth
