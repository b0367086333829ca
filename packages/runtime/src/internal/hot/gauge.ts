/**
 * How many messages a bounded mailbox holds: the places that senders took before they sent, and that were given back
 * when a message was taken out. Alone on a thread that is two numbers, between threads it is a slot of shared memory.
 *
 * ```
 * slot, 64 bytes: | identity or version (8) | held | high | waiting | home | unused ... |
 * ```
 *
 * **Contract**: `PlainGauge`: one thread. `SharedGauge`: any thread reserves and announces; a place is given back by
 * the thread that takes the message, or by a sender that did not send after all.
 * **Invariant**: `held` is the number of places taken; a reservation never takes it past its limit. `high` is the most
 * it ever was.
 * **Ordering**: all sequentially consistent. Who finds no room announces itself and looks once more; who gives a place
 * back does so first and then looks whether somebody is announced: one of the two sees the other.
 * **Allocation**: none.
 * **Evidence**: `test/hot/slots.test.ts`, `test/Mailbox.threads.test.ts`, `stress/gauge.test.ts` with its mutants, `mailbox.*`.
 */

/** 32-bit words of a slot: a cache line, so that neighbours do not slow each other down. */
export const SLOT_WORDS = 16
/** The generation of a spawned actor that has the slot, 0 when none has: where a key's slot has its identity. */
export const VERSION = 0
const HELD = 2
const HIGH = 3
/** Threads that wait for room: thread n has bit n modulo 32. */
const WAITING = 4
/** The thread, plus 1, where a key's actor lives. */
const HOME = 5

export interface Gauge {
  /** Takes a place if fewer than `limit` are taken. */
  reserve(limit: number): boolean
  /** Gives a place back. */
  release(): void
  /** Says that this thread waits for a place. It must look once more. */
  announce(): void
  /** Whether a thread waits for a place. */
  readonly awaited: boolean
  /** The places taken. */
  readonly held: number
  readonly high: number
  /** Whether whoever it belongs to has ended. */
  readonly closed: boolean
}

export class PlainGauge implements Gauge {
  held = 0
  high = 0
  awaited = false
  closed = false

  reserve(limit: number): boolean {
    if (this.held >= limit) return false
    const held = ++this.held
    if (held > this.high) this.high = held
    return true
  }

  release(): void {
    this.held--
  }

  announce(): void {
    this.awaited = true
  }
}

export class SharedGauge implements Gauge {
  private readonly words: Int32Array
  private readonly at: number
  /** The generation that it belongs to; 0 for a key, which does not end. */
  private readonly version: number
  private readonly bit: number

  constructor(words: Int32Array, slot: number, version: number, thread: number) {
    this.words = words
    this.at = slot * SLOT_WORDS
    this.version = version
    this.bit = 1 << (thread & 31)
  }

  get closed(): boolean {
    return this.version !== 0 && Atomics.load(this.words, this.at + VERSION) !== this.version
  }

  get held(): number {
    return Atomics.load(this.words, this.at + HELD)
  }

  get high(): number {
    return Atomics.load(this.words, this.at + HIGH)
  }

  get awaited(): boolean {
    return Atomics.load(this.words, this.at + WAITING) !== 0
  }

  reserve(limit: number): boolean {
    const { words } = this
    const at = this.at + HELD
    let held = Atomics.load(words, at)
    while (held < limit) {
      const seen = Atomics.compareExchange(words, at, held, held + 1)
      if (seen === held) {
        this.raise(held + 1)
        return true
      }
      held = seen
    }
    return false
  }

  release(): void {
    Atomics.sub(this.words, this.at + HELD, 1)
  }

  announce(): void {
    Atomics.or(this.words, this.at + WAITING, this.bit)
  }

  /** Brings in what was held before the mailbox was shared. */
  adopt(gauge: Gauge): void {
    Atomics.add(this.words, this.at + HELD, gauge.held)
    this.raise(gauge.high)
  }

  private raise(held: number): void {
    const at = this.at + HIGH
    let high = Atomics.load(this.words, at)
    while (held > high) {
      const seen = Atomics.compareExchange(this.words, at, high, held)
      if (seen === high) return
      high = seen
    }
  }
}

/** Takes the threads that wait for room in a slot: who takes them tells them. */
export const takeWaiting = (words: Int32Array, slot: number): number => {
  const at = slot * SLOT_WORDS + WAITING
  // Looked at first: an exchange takes the line away from all who read it.
  return Atomics.load(words, at) === 0 ? 0 : Atomics.exchange(words, at, 0)
}

/** Says where a key's actor lives: the same, whoever says it. */
export const settle = (words: Int32Array, slot: number, thread: number): void => {
  words[slot * SLOT_WORDS + HOME] = thread + 1
}

/** Where a key's actor lives; -1 while nobody has said so. */
export const homeOf = (words: Int32Array, slot: number): number => words[slot * SLOT_WORDS + HOME]! - 1

/** Gives back places whose messages have died. */
export const giveBack = (words: Int32Array, slot: number, places: number): void => {
  Atomics.sub(words, slot * SLOT_WORDS + HELD, places)
}

/** Forgets the mark of whoever had the slot before. What it held is given back by whoever takes it. */
export const resetHigh = (words: Int32Array, slot: number): void => {
  Atomics.store(words, slot * SLOT_WORDS + HIGH, 0)
}
