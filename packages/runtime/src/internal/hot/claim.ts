/**
 * Producers: claim slots, write them in place, publish.
 *
 * **Contract** One thread a producer. A ring made for one producer has one at a time; one made for several has up
 * to 32, in any threads. {@link repair} may run in any thread, once the death of a producer is certain.
 *
 * **Invariant** A claim cannot be forgotten: slots are written by a callback within `publish`, and when it throws
 * they are given back (single: the cursor never moved) or published as skipped (several: the claim is everybody's).
 * A producer of several says which sequences it is about to claim before it claims them, and says so until they
 * are published. So when a producer has died, every claimed, unpublished sequence that no live producer names is a
 * dead one's, and can be marked skipped. Claims are made by compare-and-swap after the look for room, not by
 * fetch-and-add: a producer that waits for room holds nothing, can be interrupted, and can be named exactly.
 *
 * **Ordering** Single: slots (plain) -> cursor (store). Several: intent (store) -> cursor (compare-and-swap) ->
 * slots (plain) -> marks (store). Then, in both, the flags of sleepers are read: see wait.ts.
 *
 * **Allocation** None.
 *
 * **Evidence** stress/ring.test.ts (producers terminated at random; mutants), stress/models/claim.pml,
 * suites/ring.1p1c, ring.1p1c.batch, ring.3p1c.
 */
import * as R from "./ring.ts"
import { distance, LINE } from "./sequence.ts"

/** The slots of a ring as one thread sees them: a flyweight that is moved, not made. */
export interface Slots<V> {
  /** The flyweight, standing on the slot of `sequence`. */
  at(sequence: number): V
}

/** Writes one slot in place. `index` counts from 0 within a batch. */
export type Write<V, A> = (event: V, argument: A, index: number) => void

const nested = () => new Error("A slot is being written: publish after the write callback has returned.")

/** Claims sequences and publishes them. {@link first} is the first claimed sequence. */
interface Claims {
  first: number
  tryClaim(count: number): boolean
  publish(count: number): void
  /** The callback threw at `index` of `count`: what was written counts, the rest must not stall the ring. */
  abandon(index: number, count: number): void
}

/** The only producer: what it has not published, nobody has seen, so a claim is just a number of its own. */
class SingleClaims implements Claims {
  first = 0
  readonly #ring: R.Ring
  #cursor: number
  #gate: number

  constructor(ring: R.Ring) {
    this.#ring = ring
    this.#cursor = ring.cursor
    this.#gate = ring.slowest(this.#cursor)
  }

  tryClaim(count: number): boolean {
    const wrap = (this.#cursor + count - this.#ring.capacity) | 0
    // The cached minimum is behind the true one, never ahead: it can only refuse too early.
    if (distance(wrap, this.#gate) > 0) {
      this.#gate = this.#ring.slowest(this.#cursor)
      if (distance(wrap, this.#gate) > 0) return false
    }
    this.first = (this.#cursor + 1) | 0
    return true
  }

  publish(count: number): void {
    const ring = this.#ring
    this.#cursor = (this.#cursor + count) | 0
    // One store for the batch: it publishes every plain write to its slots.
    Atomics.store(ring.words, R.CURSOR, this.#cursor)
    if (ring.bells.anyone) ring.bells.ring(Atomics.load(ring.words, R.FIRST))
  }

  abandon(index: number): void {
    if (index > 0) this.publish(index)
  }
}

/** One of several producers. */
class SharedClaims implements Claims {
  first = 0
  readonly #ring: R.Ring
  readonly #intent: number
  #count = 0

  constructor(ring: R.Ring, producer: number) {
    this.#ring = ring
    this.#intent = R.PRODUCERS + producer * LINE
    Atomics.store(ring.words, this.#intent + R.INTENT_COUNT, 0)
  }

  #intend(count: number): void {
    if (this.#count === count) return
    this.#count = count
    Atomics.store(this.#ring.words, this.#intent + R.INTENT_COUNT, count)
  }

  #room(cursor: number, count: number): boolean {
    const ring = this.#ring
    const wrap = (cursor + count - ring.capacity) | 0
    // The cached minimum is shared: a producer that was idle for 2^31 events must not trust one of its own.
    const gate = Atomics.load(ring.words, R.GATE)
    // Unsigned: a gate that is in force lies in [wrap, cursor], at most a capacity after wrap.
    if (distance(gate, wrap) >>> 0 <= ring.capacity) return true
    const slowest = ring.slowest(cursor)
    // Compare-and-swap: a minimum computed before a long pause must not replace a newer one.
    Atomics.compareExchange(ring.words, R.GATE, gate, slowest)
    return distance(slowest, wrap) >>> 0 <= ring.capacity
  }

  tryClaim(count: number): boolean {
    const words = this.#ring.words
    for (;;) {
      const cursor = Atomics.load(words, R.CURSOR)
      const room = this.#room(cursor, count)
      if (!room) {
        // A consumer may have passed the cursor that was read: then this was no look at all.
        if (Atomics.load(words, R.CURSOR) !== cursor) continue
        this.#intend(0) // holds no claim: must not protect what a dead producer claimed
        return false
      }
      // Count before first: whoever reads this first sequence reads this count or a later one.
      this.#intend(count)
      Atomics.store(words, this.#intent, (cursor + 1) | 0)
      if (Atomics.compareExchange(words, R.CURSOR, cursor, (cursor + count) | 0) === cursor) {
        this.first = (cursor + 1) | 0
        return true
      }
    }
  }

  publish(count: number): void {
    this.#mark(0, count, 0)
    const ring = this.#ring
    if (ring.bells.anyone) ring.bells.ring(Atomics.load(ring.words, R.FIRST))
  }

  /** Each mark publishes its slot by itself; the intent stays, and covers only what is published. */
  #mark(from: number, to: number, skip: 0 | 1): void {
    const { words, mask, shift } = this.#ring
    for (let i = from; i < to; i++) {
      const sequence = (this.first + i) | 0
      Atomics.store(words, R.MARKS + (sequence & mask), R.markOf(sequence, shift) | skip)
    }
  }

  abandon(index: number, count: number): void {
    Atomics.add(this.#ring.words, R.SKIPPED, count - index)
    this.#mark(index, count, 1)
    this.publish(index)
  }
}

/** A producer: claims, lets a callback write in place, publishes. */
export class Producer<V> {
  readonly ring: R.Ring
  /** Its line in the ring's table of producers. */
  readonly index: number
  readonly #slots: Slots<V>
  readonly #claims: Claims
  #writing = false

  constructor(ring: R.Ring, slots: Slots<V>, index: number) {
    this.ring = ring
    this.index = index
    this.#slots = slots
    this.#claims = ring.multi ? new SharedClaims(ring, index) : new SingleClaims(ring)
  }

  /** Publishes one event, written by `write(event, argument, 0)`; false when the ring is full or closed. */
  tryPublish<A>(write: Write<V, A>, argument: A): boolean {
    if (this.#writing) throw nested()
    if (this.ring.closed || !this.#claims.tryClaim(1)) return false
    this.#writing = true
    try {
      write(this.#slots.at(this.#claims.first), argument, 0)
    } catch (error) {
      this.#claims.abandon(0, 1)
      throw error
    } finally {
      this.#writing = false
    }
    this.#claims.publish(1)
    return true
  }

  /** Publishes `count` events at once or none; when `write` throws, those it had written are published. */
  tryPublishBatch<A>(count: number, write: Write<V, A>, argument: A): boolean {
    if (this.#writing) throw nested()
    if (!(count >= 1 && count <= this.ring.capacity && Number.isInteger(count))) {
      throw new RangeError(`A batch of ${count} does not fit a ring of ${this.ring.capacity} slots.`)
    }
    if (this.ring.closed || !this.#claims.tryClaim(count)) return false
    this.#writing = true
    const first = this.#claims.first
    let i = 0
    try {
      for (; i < count; i++) write(this.#slots.at((first + i) | 0), argument, i)
    } catch (error) {
      this.#claims.abandon(i, count)
      throw error
    } finally {
      this.#writing = false
    }
    this.#claims.publish(count)
    return true
  }
}

/** Takes a free line of the producers' table, in any thread; -1 when none is free. */
export const enter = (ring: R.Ring): number => {
  const lines = ring.multi ? R.MAX_PRODUCERS : 1
  for (let producer = 0; producer < lines; producer++) {
    const role = R.PRODUCERS + producer * LINE + R.PRODUCER_ROLE
    if (Atomics.compareExchange(ring.words, role, R.FREE, R.LIVE) === R.FREE) return producer
  }
  return -1
}

/** Gives a producer's line back. It publishes no more. */
export const exit = (ring: R.Ring, producer: number): void => {
  Atomics.store(ring.words, R.PRODUCERS + producer * LINE + R.PRODUCER_ROLE, R.FREE)
}

/**
 * A producer has died: frees its line, and marks skipped what it claimed and did not publish. Returns how many
 * sequences could not be told from a live producer's: call again until it is 0. (A live producer names what it is
 * about to claim for some nanoseconds, also when the dead one was faster; then it moves on.)
 */
export const repair = (ring: R.Ring, producer: number): number => {
  const { capacity, mask, shift, words } = ring
  const role = R.PRODUCERS + producer * LINE + R.PRODUCER_ROLE
  Atomics.store(words, role, R.ENDING)
  let unsure = 0
  if (ring.multi) {
    // The cursor first: every claim up to it was named before it was made, and is still named or published.
    const cursor = ring.cursor
    const oldest = (cursor - capacity) | 0
    const slowest = ring.slowest(cursor)
    // With nobody gating there is no lower bound but the ring's length.
    const from = distance(slowest, oldest) > 0 && Atomics.load(words, R.GATING) !== 0 ? slowest : oldest
    for (let sequence = (from + 1) | 0; distance(sequence, cursor) <= 0; sequence = (sequence + 1) | 0) {
      const at = R.MARKS + (sequence & mask)
      const mark = Atomics.load(words, at)
      // Unpublished is: still marked by the lap before. Published, or (when consumers and producers have moved on since
      // the bounds were read) of a later lap, is none of our business.
      if (mark >>> 1 !== ((sequence - capacity) | 0) >>> shift) continue
      if (named(ring, sequence)) unsure++
      // Compare-and-swap: a live producer that published it since the mark was read wins.
      else if (Atomics.compareExchange(words, at, mark, R.markOf(sequence, shift) | 1) === mark) {
        Atomics.add(words, R.REPAIRED, 1)
      }
    }
  }
  // Every bell, whatever the flags say: the dead one may have lowered them and not lived to ring.
  ring.bells.ringAll()
  if (unsure === 0) Atomics.store(words, role, R.FREE)
  return unsure
}

/** Whether a live producer names `sequence` as its own. */
const named = (ring: R.Ring, sequence: number): boolean => {
  for (let producer = 0; producer < R.MAX_PRODUCERS; producer++) {
    const line = R.PRODUCERS + producer * LINE
    if (Atomics.load(ring.words, line + R.PRODUCER_ROLE) !== R.LIVE) continue
    const first = Atomics.load(ring.words, line)
    if (distance(sequence, first) >>> 0 < Atomics.load(ring.words, line + R.INTENT_COUNT)) return true
  }
  return false
}
