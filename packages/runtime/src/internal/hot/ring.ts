/**
 * The shared words of a ring, and who takes part in it.
 *
 * **Contract** Any thread may open the words, and enter or take out consumers that neither follow nor are followed:
 * every word they share with others is changed by one atomic operation. Chains of consumers are changed by one thread
 * at a time ({@link Ring.join}, {@link Ring.leave}). Everything else is for the roles in claim.ts and barrier.ts.
 *
 * ```text
 * line 0          magic, capacity, stride, multi, state, skipped, repaired
 * line 1          cursor     single producer: the last published; several: the last claimed
 * line 2          gate       several producers: the minimum of the gating consumers that one of them saw last
 * line 3          gating, first     bit masks: the consumers that producers wait for; those that follow nobody
 * line 4 + c      consumer c: sequence, follows (bit mask), followers (bit mask), state
 * line 35 + p     producer p: intended first sequence, intended count, state
 * line 67         marks, one word a slot, only for several producers
 * then            slots, each `stride` bytes, from a multiple of 64 bytes
 * ```
 *
 * **Invariant** cursor - capacity <= sequence of every gating consumer: no slot is claimed that somebody has still
 * to read. A consumer gates unless another follows it, so a follower is gated before what it follows is not.
 *
 * **Ordering** All words are read and written by Atomics. The slots are plain memory: the store of the cursor
 * (single) or of the mark (several) publishes them, the load of it acquires them; the store of a consumer's
 * sequence gives them on to its followers and back to the producers.
 *
 * **Allocation** None after construction.
 *
 * **Evidence** test/RingBuffer.test.ts, stress/ring.test.ts, stress/models/claim.pml.
 */
import { distance, LINE, minimum } from "./sequence.ts"
import { type Bells, ROOM } from "./wait.ts"

/** "Trp" and the version of the format above. */
export const MAGIC = 0x54727001
export const MAX_CONSUMERS = 31
export const MAX_PRODUCERS = 32

export const STATE = 4
export const SKIPPED = 5
export const REPAIRED = 6
export const CURSOR = LINE
export const GATE = 2 * LINE
export const GATING = 3 * LINE
export const FIRST = GATING + 1
export const CONSUMERS = 4 * LINE
export const FOLLOWS = 1
export const FOLLOWERS = 2
export const ROLE = 3
export const PRODUCERS = CONSUMERS + MAX_CONSUMERS * LINE
export const INTENT_COUNT = 1
export const PRODUCER_ROLE = 2
export const MARKS = PRODUCERS + MAX_PRODUCERS * LINE

/** States of a consumer's or producer's line. */
export const FREE = 0
export const LIVE = 1
/** A consumer that was asked to halt; a producer that is known to be dead. */
export const ENDING = 2
/** A consumer that has halted: it touches no slot any more. */
export const ENDED = 3

export interface Shape {
  /** Slots: a power of two from 2 to 2^30. */
  readonly capacity: number
  /** Bytes a slot. */
  readonly stride: number
  readonly multi: boolean
}

/** Byte offset of the first slot. */
export const slotsOffset = (shape: Shape): number =>
  (4 * (MARKS + (shape.multi ? shape.capacity : 0)) + 63) & ~63

export const byteLength = (shape: Shape): number => slotsOffset(shape) + shape.capacity * shape.stride

/** The mark of a published sequence: its lap, and a free lowest bit, which is set when it is to be skipped. */
export const markOf = (sequence: number, shift: number): number => (sequence >>> shift) << 1

export class Ring {
  readonly words: Int32Array
  readonly bells: Bells
  readonly capacity: number
  readonly mask: number
  readonly shift: number
  readonly multi: boolean

  /** Opens words that {@link format} has written, in this or another thread. */
  constructor(words: Int32Array, bells: Bells) {
    this.words = words
    this.bells = bells
    this.capacity = words[1]!
    this.mask = this.capacity - 1
    this.shift = 31 - Math.clz32(this.capacity)
    this.multi = words[3] === 1
  }

  /** Writes a new ring whose first event will be `start + 1`, before any other thread sees it: plain stores. */
  static format(words: Int32Array, shape: Shape, start: number): void {
    words.fill(0, 0, MARKS)
    words[1] = shape.capacity
    words[2] = shape.stride
    words[3] = shape.multi ? 1 : 0
    words[CURSOR] = words[GATE] = start
    if (shape.multi) {
      const shift = 31 - Math.clz32(shape.capacity)
      for (let i = 1; i <= shape.capacity; i++) {
        const previous = (start + i - shape.capacity) | 0
        words[MARKS + (previous & (shape.capacity - 1))] = markOf(previous, shift)
      }
    }
    // Last, and atomic: whoever finds the magic finds the rest.
    Atomics.store(words, 0, MAGIC)
  }

  get closed(): boolean {
    return Atomics.load(this.words, STATE) !== 0
  }

  /** Nothing more is accepted. Everybody is woken to notice. */
  close(): void {
    Atomics.store(this.words, STATE, 1)
    this.bells.ringAll()
  }

  /** The last published (single) or claimed (several) sequence. */
  get cursor(): number {
    return Atomics.load(this.words, CURSOR)
  }

  /** The last sequence, not before `from - 1`, up to which all is published; looks at most `limit` ahead. */
  published(from: number, limit: number): number {
    const words = this.words
    const cursor = Atomics.load(words, CURSOR)
    if (!this.multi) return cursor
    const ahead = distance(cursor, from) + 1
    const end = (from + (ahead < limit ? ahead : limit)) | 0
    let at = from
    // The mark is the publication, so each is loaded atomically: an acquire of its slot.
    while (at !== end && Atomics.load(words, MARKS + (at & this.mask)) >>> 1 === at >>> this.shift) {
      at = (at + 1) | 0
    }
    return (at - 1) | 0
  }

  /** The slowest gating consumer, or `otherwise` when nobody gates. */
  slowest(otherwise: number): number {
    return minimum(this.words, CONSUMERS, Atomics.load(this.words, GATING), otherwise)
  }

  sequenceOf(consumer: number): number {
    return Atomics.load(this.words, CONSUMERS + consumer * LINE)
  }

  roleOf(consumer: number): number {
    return Atomics.load(this.words, CONSUMERS + consumer * LINE + ROLE)
  }

  /**
   * Enters a consumer that follows `follows` (a bit mask; 0: the producers) and returns its number, or -1 when all
   * are taken. It sees what is published (or passed by all it follows) from now on.
   */
  join(follows: number): number {
    const words = this.words
    let consumer = 0
    const role = () => CONSUMERS + consumer * LINE + ROLE
    // Taken by compare-and-swap: threads may enter consumers at once.
    while (consumer < MAX_CONSUMERS && Atomics.compareExchange(words, role(), FREE, LIVE) !== FREE) consumer++
    if (consumer === MAX_CONSUMERS) return -1
    const line = CONSUMERS + consumer * LINE
    const now = () => follows === 0 ? this.cursor : minimum(words, CONSUMERS, follows, this.cursor)
    Atomics.store(words, line, now())
    Atomics.store(words, line + FOLLOWS, follows)
    Atomics.store(words, line + FOLLOWERS, 0)
    Atomics.or(words, GATING, 1 << consumer)
    // Looked up again, now that producers see it: one that used an older minimum claimed only slots of sequences
    // up to that minimum, which is not after this. It gates from the earlier sequence meanwhile.
    Atomics.store(words, line, now())
    if (follows === 0) Atomics.or(words, FIRST, 1 << consumer)
    for (let rest = follows; rest !== 0; rest &= rest - 1) {
      const followed = 31 - Math.clz32(rest & -rest)
      Atomics.or(words, CONSUMERS + followed * LINE + FOLLOWERS, 1 << consumer)
      // Only now: the follower gates already, so at no time does nobody of the two.
      Atomics.and(words, GATING, ~(1 << followed))
    }
    return consumer
  }

  /**
   * Takes a consumer out. Its followers then follow what it followed; producers no longer wait for it. Its line is
   * used again only if it is `gone`: if not, it may still store its sequence.
   */
  leave(consumer: number, gone = true): void {
    const words = this.words
    const bit = 1 << consumer
    const line = CONSUMERS + consumer * LINE
    const follows = Atomics.load(words, line + FOLLOWS)
    const followers = Atomics.load(words, line + FOLLOWERS)
    for (let rest = followers; rest !== 0; rest &= rest - 1) {
      const follower = CONSUMERS + (31 - Math.clz32(rest & -rest)) * LINE
      Atomics.store(words, follower + FOLLOWS, Atomics.load(words, follower + FOLLOWS) & ~bit | follows)
      if (Atomics.load(words, follower + FOLLOWS) === 0) {
        Atomics.or(words, FIRST, 1 << ((follower - CONSUMERS) / LINE))
      }
    }
    for (let rest = follows; rest !== 0; rest &= rest - 1) {
      const followed = 31 - Math.clz32(rest & -rest)
      const line = CONSUMERS + followed * LINE + FOLLOWERS
      Atomics.store(words, line, Atomics.load(words, line) & ~bit | followers)
      // Before this consumer stops gating: what it followed may now be the last of its line.
      if (Atomics.load(words, line) === 0) Atomics.or(words, GATING, 1 << followed)
    }
    Atomics.and(words, GATING, ~bit)
    Atomics.and(words, FIRST, ~bit)
    Atomics.store(words, line + ROLE, gone ? FREE : ENDING)
    // Every bell, whatever the flags say: if its thread died, it may have lowered them and not lived to ring.
    this.bells.ringAll()
  }

  /** The consumer itself says that it reads no more. Whoever waits for it listens for room. */
  ended(consumer: number): void {
    const role = CONSUMERS + consumer * LINE + ROLE
    // Not when it was taken out meanwhile: the line may be another's.
    if (Atomics.compareExchange(this.words, role, LIVE, ENDED) !== LIVE) {
      Atomics.compareExchange(this.words, role, ENDING, ENDED)
    }
    this.bells.ring(1 << ROOM)
  }

  /** Asks a consumer, in whichever thread it runs, to halt after the batch in hand. */
  halt(consumer: number): void {
    const role = CONSUMERS + consumer * LINE + ROLE
    Atomics.compareExchange(this.words, role, LIVE, ENDING)
    this.bells.ring(1 << consumer)
  }
}
