/**
 * Who sleeps, in a few words that writer and readers share: 31 places, and one word with a bit for each that sleeps.
 *
 * ```text
 *   sleeper: raise its bit --- look --- sleep        writer: publish --- load the bits --- take them, ring
 * ```
 *
 * **Contract** Any number of threads and processes. A place belongs to whoever put its token there.
 * **Invariant** Whoever sleeps has looked after it raised its bit, so either it saw what was published, or the writer
 * sees the bit. A bit that is taken is rung for.
 * **Ordering** All by Atomics, sequentially consistent among themselves and with the words of records.
 * **Allocation** None.
 * **Evidence** test/hot/sleepers.test.ts, stress/feed.ts.
 */

/** Places; a 32nd bit would be the sign. */
export const PLACES = 31
/** Words: the bits, then a token for each place. */
export const WORDS = 1 + PLACES

export class Sleepers {
  readonly #words: Int32Array

  /** Over words that are zero at first. */
  constructor(words: Int32Array) {
    this.#words = words
  }

  /** Takes a place for a token, which is not 0; -1 when there is none. */
  enter(token: number): number {
    for (let place = 0; place < PLACES; place++) {
      if (Atomics.compareExchange(this.#words, 1 + place, 0, token) === 0) return place
    }
    return -1
  }

  /** Gives a place back, unless another has it by now. */
  leave(place: number, token: number): void {
    this.wake(place)
    Atomics.compareExchange(this.#words, 1 + place, token, 0)
  }

  /** The token at a place; 0 for none. */
  tokenAt(place: number): number {
    return Atomics.load(this.#words, 1 + place)
  }

  /** Raises the bit of a place: its owner looks once more, and sleeps if there is nothing. */
  sleep(place: number): void {
    Atomics.or(this.#words, 0, 1 << place)
  }

  /** Lowers it: its owner does not sleep. */
  wake(place: number): void {
    Atomics.and(this.#words, 0, ~(1 << place))
  }

  /** Whether anybody sleeps: what the writer asks after each record. */
  get any(): boolean {
    return Atomics.load(this.#words, 0) !== 0
  }

  /** Takes all bits that are raised; who takes them rings for them. */
  take(): number {
    return Atomics.exchange(this.#words, 0, 0)
  }
}
