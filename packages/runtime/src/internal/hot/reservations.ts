/**
 * Who took the places in bounded mailboxes that threads share: so that those can be given back whose messages died with
 * their sender's thread.
 *
 * ```
 * for each thread: | sent: a word for each slot | mark: the same | received: the same |
 * ```
 *
 * **Contract**: `sent` is written by the thread that sends (`gauge.ts`), `received` by the one where the mailbox is
 * (`link.ts`), or by two while its key moves. `mark` by a
 * sender's successor before it sends anything: what those before it had sent.
 * **Invariant**: `received <= sent`, as 32-bit numbers that wrap; the difference is on its way, or died.
 * **Ordering**: plain stores. A message is counted as sent before it is written, as received after it is read, and the
 * mark is set before the successor's first word is written: the links order them.
 * **Allocation**: none.
 * **Evidence**: `test/Pool.bounded.threads.test.ts`, `stress/gauge.test.ts` with its mutants.
 */

/** Bytes for `threads` threads and `slots` slots. */
export const reservationsBytes = (slots: number, threads: number): number => slots * threads * 12

/** Where it is written down what a thread sent to a slot, and what of that came. */
export interface Ledger {
  readonly words: Int32Array
  /** The word that says how many places a thread has taken in a slot. */
  sent(thread: number, slot: number): number
  /** The word that says how many of them belong to messages that have come, and give them back when they are taken. */
  came(thread: number, slot: number): number
}

export class Reservations implements Ledger {
  readonly words: Int32Array
  private readonly slots: number

  constructor(memory: SharedArrayBuffer, byteOffset: number, slots: number, threads: number) {
    this.words = new Int32Array(memory, byteOffset, reservationsBytes(slots, threads) >> 2)
    this.slots = slots
  }

  sent(thread: number, slot: number): number {
    return thread * 3 * this.slots + slot
  }

  came(thread: number, slot: number): number {
    return (thread * 3 + 2) * this.slots + slot
  }

  /** A thread has a successor: whatever was sent, those before it have sent. */
  mark(thread: number): void {
    const { slots, words } = this
    const sent = thread * 3 * slots
    words.copyWithin(sent + slots, sent, sent + slots)
  }

  /** Calls back with each slot in which those before a thread's successor took places that nobody gives back. */
  settle(
    thread: number,
    mine: (slot: number) => boolean,
    lost: (slot: number, places: number) => void
  ): void {
    const { slots, words } = this
    const mark = (thread * 3 + 1) * slots
    for (let slot = 0; slot < slots; slot++) {
      const places = (words[mark + slot]! - words[mark + slots + slot]!) | 0
      if (places === 0 || !mine(slot)) continue
      words[mark + slots + slot] = words[mark + slot]!
      lost(slot, places)
    }
  }
}
