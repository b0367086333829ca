/**
 * Consumers: wait behind a barrier, read in place, move on.
 *
 * **Contract** One thread a consumer. It sees every event after the sequence at which it joined, in order, once
 * all that it follows have passed it: the producers, or other consumers.
 *
 * **Invariant** Its sequence is the last event it is done with. It moves after the batch, so no producer and no
 * follower touches a slot in hand.
 *
 * **Ordering** Load of the cursor or mark, or of the followed sequences: acquires the slots. Store of the own
 * sequence: releases the reads and the changes in place. Then the flags of sleepers are read: see wait.ts.
 *
 * **Allocation** None.
 *
 * **Evidence** test/RingBuffer.test.ts (a naive twin by property), stress/ring.test.ts (mutant "a late cursor").
 */
import type { Slots } from "./claim.ts"
import * as R from "./ring.ts"
import { distance, LINE, minimum } from "./sequence.ts"
import { ROOM } from "./wait.ts"

/** Reads, or changes, one event in place. The sequence is unsigned; `last` tells the end of the batch. */
export type Read<V> = (event: V, sequence: number, last: boolean) => void

export class Consumer<V> {
  readonly ring: R.Ring
  /** Its number in the ring: its line, its bell. */
  readonly index: number
  readonly #slots: Slots<V>
  readonly #line: number
  /** Of events shared out among several, this one handles those whose sequence modulo `of` is `part`. */
  readonly #part: number
  readonly #of: number
  /** The last sequence done with. */
  sequence: number
  /** How many of the batch in hand {@link read} has done: says which one threw. */
  done = 0

  constructor(ring: R.Ring, slots: Slots<V>, index: number, part = 0, of = 1) {
    this.ring = ring
    this.index = index
    this.#slots = slots
    this.#line = R.CONSUMERS + index * LINE
    this.#part = part
    this.#of = of
    this.sequence = ring.sequenceOf(index)
  }

  /** How many events may be read now; at most `limit`. */
  ready(limit: number): number {
    const ring = this.ring
    const follows = Atomics.load(ring.words, this.#line + R.FOLLOWS)
    const next = (this.sequence + 1) | 0
    // What it follows is itself behind the cursor, so any first value ahead of them all will do.
    const to = follows === 0
      ? ring.published(next, limit)
      : minimum(ring.words, R.CONSUMERS, follows, (this.sequence + limit) | 0)
    const count = distance(to, this.sequence)
    return count > limit ? limit : count
  }

  /** Reads events `done` to `count` of the batch that begins after {@link sequence}. */
  read(count: number, f: Read<V>): void {
    const { multi, mask, words } = this.ring
    while (this.done < count) {
      const sequence = (this.sequence + 1 + this.done) | 0
      // A plain load: the mark was acquired with the slot and stays until this consumer has moved on.
      if (
        !(multi && (words[R.MARKS + (sequence & mask)]! & 1) === 1) &&
        (this.#of === 1 || (sequence >>> 0) % this.#of === this.#part)
      ) {
        f(this.#slots.at(sequence), sequence >>> 0, this.done === count - 1)
      }
      this.done++
    }
  }

  /** Done with `count` events: gives their slots to whoever waits for them. */
  advance(count: number): void {
    const { bells, words } = this.ring
    this.done = 0
    if (count === 0) return
    this.sequence = (this.sequence + count) | 0
    Atomics.store(words, this.#line, this.sequence)
    if (bells.anyone) bells.ring(Atomics.load(words, this.#line + R.FOLLOWERS) | 1 << ROOM)
  }

  /** Reads up to `limit` events in one batch; how many it passed. When `f` throws, its event is not passed. */
  poll(f: Read<V>, limit: number): number {
    const count = this.ready(limit)
    if (count <= 0) return 0
    let done = 0
    try {
      this.read(count, f)
    } finally {
      done = this.done
      this.advance(done)
    }
    return done
  }

  /** Whether nothing more can come: the ring is closed, and all is done that is published, or that was let through. */
  get finished(): boolean {
    const ring = this.ring
    if (!ring.closed) return false
    // The cursor is read after the closed mark, so what was published before the ring closed is not overlooked.
    if (this.sequence === ring.cursor) return true
    for (let rest = Atomics.load(ring.words, this.#line + R.FOLLOWS); rest !== 0; rest &= rest - 1) {
      const followed = 31 - Math.clz32(rest & -rest)
      // Role first: one that has ended moves no more.
      if (ring.roleOf(followed) === R.ENDED && ring.sequenceOf(followed) === this.sequence) return true
    }
    return false
  }

  /** Whether it was asked to halt, or was taken out. */
  get halted(): boolean {
    return this.ring.roleOf(this.index) !== R.LIVE
  }
}
