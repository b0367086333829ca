/**
 * A chunk of memory for records that wait outside of a ring, and a slot in it.
 *
 * ```
 * chunk: | used, serial | 64: slots ... |
 * slot:  | size | state | from | filled | record: its header, payload ... | padding to 8 |
 * ```
 *
 * **Contract**: one thread at a time. When its thread has ended another may go on from what `used` covers.
 * **Invariant**: slots lie one after the other from FIRST to `used`; a slot's state goes from PARTIAL over WAITING to
 * TAKEN, at times over MOVING, or is KEPT. `live` counts the slots of this chunk that are not TAKEN.
 * **Ordering**: none: a successor sees everything, since it starts after its predecessor's thread has ended.
 * **Allocation**: none but the object that stands for a slot.
 * **Evidence**: `test/hot/parking.test.ts`, `test/Pool.death.threads.test.ts`.
 */
import { Bytes } from "./bytes.ts"

export const USED = 0
export const SERIAL = 1
/** Where the first slot begins, in bytes. */
export const FIRST = 64

/** Bytes of a slot's header: four 32-bit words. */
export const SLOT = 16
export const STATE = 1
const FROM = 2
/** How many bytes of a PARTIAL record are there. */
export const FILLED = 3

/** Waits to be taken. */
export const WAITING = 0
/** Its handler was called, or it became a dead letter. */
export const TAKEN = 1
/** A record that comes in parts. */
export const PARTIAL = 2
/** Holds for as long as its thread's number. */
export const KEPT = 3
/** Is written for another thread: in the upper bits which. Taken when that is published as far as `filled` says. */
export const MOVING = 4

/** Who is told when a chunk holds nothing any more. */
export interface Keeper {
  empty(chunk: Chunk): void
}

export class Chunk {
  readonly id: number
  readonly keeper: Keeper | undefined
  readonly words: Int32Array
  readonly bytes: Bytes
  /** In bytes. */
  readonly capacity: number
  /** Where the last slot ends, in bytes. */
  used: number
  /** Slots that are not TAKEN. */
  live = 0

  constructor(id: number, memory: ArrayBufferLike, keeper: Keeper | undefined) {
    this.id = id
    this.keeper = keeper
    this.words = new Int32Array(memory)
    this.bytes = new Bytes(memory)
    this.capacity = memory.byteLength
    const used = this.words[USED]!
    this.used = used === 0 ? FIRST : used
  }

  /** Writes a slot's header where the next one goes; its first word. It is there when `used` covers it. */
  lay(size: number, state: number, from: number): number {
    const word = this.used >> 2
    const { words } = this
    words[word] = size
    words[word + STATE] = state
    words[word + FROM] = from
    words[word + FILLED] = 0
    this.used += size
    this.live++
    return word
  }

  /** All of its slots, the oldest first. */
  slots(): Array<Slot> {
    const slots: Array<Slot> = []
    for (let at = FIRST; at < this.used; at += this.words[at >> 2]!) slots.push(new Slot(this, at >> 2))
    return slots
  }
}

/** A record's place in a chunk. */
export class Slot {
  readonly chunk: Chunk
  /** Where it begins, in 32-bit words. */
  readonly word: number

  constructor(chunk: Chunk, word: number) {
    this.chunk = chunk
    this.word = word
  }

  get state(): number {
    return this.chunk.words[this.word + STATE]! & 0xff
  }

  /** The thread that a MOVING record is written for. */
  get to(): number {
    return this.chunk.words[this.word + STATE]! >> 8
  }

  /** The thread that the record came from. */
  get from(): number {
    return this.chunk.words[this.word + FROM]!
  }

  get filled(): number {
    return this.chunk.words[this.word + FILLED]!
  }

  /** Bytes that it has for its record: that one's length, rounded up to 8. */
  get length(): number {
    return this.chunk.words[this.word]! - SLOT
  }

  /** Where the record begins, in 32-bit words. */
  get record(): number {
    return this.word + (SLOT >> 2)
  }

  /** The record is whole, and waits. */
  wait(): void {
    this.chunk.words[this.word + STATE] = WAITING
  }

  /** The record is written for another thread, up to this position of the link, and not published yet. */
  move(to: number, position: number): void {
    const { words } = this.chunk
    // Side by side: there is no death between the two.
    words[this.word + FILLED] = position
    words[this.word + STATE] = MOVING | (to << 8)
  }

  /** The record holds for good. */
  keep(): void {
    this.chunk.words[this.word + STATE] = KEPT
  }

  /** The record's handler is called next, or nobody will have it. */
  take(): void {
    const { chunk } = this
    chunk.words[this.word + STATE] = TAKEN
    if (--chunk.live === 0) chunk.keeper?.empty(chunk)
  }
}
