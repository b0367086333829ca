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
 * back does so first and then looks whether somebody is announced: one of the two sees the other. A place and what the
 * ledger says of it change side by side, without a call or a loop between: V8 ends a thread nowhere else, so that its
 * successor finds both or neither.
 * **Allocation**: none.
 * **Evidence**: `test/hot/slots.test.ts`, `test/Mailbox.threads.test.ts`, `stress/gauge.test.ts` with its mutants, `mailbox.*`.
 */

import type { Ledger } from "./reservations.ts"

/** 32-bit words of a slot: a cache line, so that neighbours do not slow each other down. */
export const SLOT_WORDS = 16
/** The generation of a spawned actor that has the slot, 0 when none has: where a key's slot has its identity. */
export const VERSION = 0
export const HELD = 2
const HIGH = 3
/** Threads that wait for room: thread n has bit n modulo 32. */
const WAITING = 4
/** The thread, plus 1, where a key's actor lives. */
const HOME = 5

export interface Gauge {
  /** Takes a place if fewer than `limit` are taken. */
  reserve(limit: number): boolean
  /** Gives back a place that was taken for a message that was not sent. */
  cancel(): void
  /** Gives back the place of a message that this thread sent itself. */
  returned(): void
  /** Gives back the place of a message that came from another thread, or that is accounted for elsewhere. */
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

  cancel(): void {
    this.held--
  }

  returned(): void {
    this.held--
  }

  release(): void {
    this.held--
  }

  announce(): void {
    this.awaited = true
  }
}

export class SharedGauge implements Gauge {
  readonly words: Int32Array
  readonly at: number
  /** What this thread sent there, and what of that has come: the words, and the places of the two in them. */
  private readonly ledger: Int32Array
  private readonly sent: number
  private readonly came: number
  /** The generation that it belongs to; 0 for a key, which does not end. */
  private readonly version: number
  private readonly bit: number

  constructor(words: Int32Array, ledger: Ledger, slot: number, version: number, thread: number) {
    this.words = words
    this.at = slot * SLOT_WORDS
    this.ledger = ledger.words
    this.sent = ledger.sent(thread, slot)
    this.came = ledger.came(thread, slot)
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
    const { ledger, sent, words } = this
    const at = this.at + HELD
    let held = Atomics.load(words, at)
    while (held < limit) {
      const seen = Atomics.compareExchange(words, at, held, held + 1)
      if (seen === held) {
        ledger[sent]!++
        this.raise(held + 1)
        return true
      }
      held = seen
    }
    return false
  }

  cancel(): void {
    const { at, ledger, sent, words } = this
    ledger[sent]!--
    Atomics.sub(words, at + HELD, 1)
  }

  returned(): void {
    const { at, came, ledger, words } = this
    // While its key moves, both of its homes count.
    Atomics.add(ledger, came, 1)
    Atomics.sub(words, at + HELD, 1)
  }

  release(): void {
    Atomics.sub(this.words, this.at + HELD, 1)
  }

  /** A message that waits here goes to another thread, with its place; it was this thread's own, or not. */
  passed(own: boolean): void {
    const { came, ledger, sent } = this
    if (own) Atomics.add(ledger, came, 1)
    ledger[sent]!++
  }

  announce(): void {
    Atomics.or(this.words, this.at + WAITING, this.bit)
  }

  /** Brings in what was held before the mailbox was shared. */
  adopt(gauge: Gauge): void {
    const { at, ledger, sent, words } = this
    const { held, high } = gauge
    ledger[sent]! += held
    Atomics.add(words, at + HELD, held)
    this.raise(high)
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
