/**
 * Which threads there are, and which workers the keys live on: in shared memory, so that a thread's successor knows it
 * too. The workers that keys live on, the members, change by epochs, one after the other: the next begins when all
 * threads have done what the last one asked of them. Only the thread that made the system writes.
 *
 * ```
 * | epoch | settled | millis | spare | members of even epochs, a bit each | of odd ones | present | gone |
 * ```
 */

const EPOCH = 0
/** The last epoch that is done with. */
const SETTLED = 1
/** How long actors may take in the epoch for the message in hand, in milliseconds. */
const MILLIS = 2
const SETS = 4
/** The sets beside those of the members: threads that take part, and those that have ended for good. */
const PRESENT = 2
const GONE = 3
/** A cache line. */
const LINE = 64

const setWords = (threads: number): number => (threads + 31) >> 5
const words = (threads: number): number => SETS + 4 * setWords(threads)

export const membershipBytes = (threads: number): number => Math.ceil(words(threads) * 4 / LINE) * LINE

export class Membership {
  private readonly words: Int32Array
  private readonly threads: number

  constructor(memory: SharedArrayBuffer, byteOffset: number, threads: number) {
    this.words = new Int32Array(memory, byteOffset, words(threads))
    this.threads = threads
  }

  get epoch(): number {
    return Atomics.load(this.words, EPOCH)
  }

  get settled(): number {
    return Atomics.load(this.words, SETTLED)
  }

  get millis(): number {
    return Atomics.load(this.words, MILLIS)
  }

  /** The workers of an epoch, which is the current one or the one before. */
  members(epoch: number): ReadonlyArray<number> {
    return this.threadsIn(epoch & 1)
  }

  /** The threads that take part: at least the members of the current epoch, those aside that are gone. */
  get present(): ReadonlyArray<number> {
    return this.threadsIn(PRESENT)
  }

  /** The threads that have ended for good. */
  get gone(): ReadonlyArray<number> {
    return this.threadsIn(GONE)
  }

  /** A thread takes part from now on. */
  admit(thread: number): void {
    this.put(GONE, thread, false)
    this.put(PRESENT, thread, true)
  }

  /** A thread has ended for good. */
  lose(thread: number): void {
    this.put(PRESENT, thread, false)
    this.put(GONE, thread, true)
  }

  /** Begins an epoch; the one before must be settled. */
  begin(members: ReadonlyArray<number>, millis: number): number {
    const epoch = this.epoch + 1
    for (let thread = 0; thread < this.threads; thread++) {
      this.put(epoch & 1, thread, members.includes(thread))
    }
    Atomics.store(this.words, MILLIS, millis)
    // Last: whoever sees the epoch sees its members.
    Atomics.store(this.words, EPOCH, epoch)
    return epoch
  }

  settle(epoch: number): void {
    Atomics.store(this.words, SETTLED, epoch)
  }

  private threadsIn(set: number): ReadonlyArray<number> {
    const threads: Array<number> = []
    for (let thread = 0; thread < this.threads; thread++) {
      const word = Atomics.load(this.words, this.word(set, thread))
      if ((word & (1 << (thread & 31))) !== 0) threads.push(thread)
    }
    return threads
  }

  private put(set: number, thread: number, is: boolean): void {
    const bit = 1 << (thread & 31)
    if (is) Atomics.or(this.words, this.word(set, thread), bit)
    else Atomics.and(this.words, this.word(set, thread), ~bit)
  }

  private word(set: number, thread: number): number {
    return SETS + set * setWords(this.threads) + (thread >> 5)
  }
}
