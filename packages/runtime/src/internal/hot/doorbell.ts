/**
 * A thread's doorbell: how others wake it when it sleeps, without a lost wake-up and without a cost while it is awake.
 *
 * **Contract**: one thread sleeps on a doorbell, any thread may ring it.
 * **Invariant**: the word is ASLEEP from before the owner's last look until somebody rings; whoever turns it back
 * to AWAKE, and only he, notifies.
 * **Ordering**: the owner stores ASLEEP and then looks for work; a ringer publishes work and then loads the word.
 * Both are sequentially consistent, so at least one of the two sees the other: no wake-up is lost.
 * **Allocation**: a message, or a promise, for each sleep.
 * **Evidence**: `stress/link.test.ts` (with a mutant that does not look again), `threads.one-way.park`.
 */
const AWAKE = 0
const ASLEEP = 1

/** The ringer's end of a channel to the owner: a `MessagePort`. */
export interface Bell {
  postMessage(message: null): void
}

export class Doorbell {
  private readonly words: Int32Array
  private readonly index: number
  /** Undefined where the owner sleeps on the word itself, by `sleep`. */
  private readonly bell: Bell | undefined
  /** Whether the owner has a wait outstanding. */
  private waiting = false

  constructor(words: Int32Array, index: number, bell?: Bell) {
    this.words = words
    this.index = index
    this.bell = bell
  }

  /** Wakes the owner if it sleeps. What it is to see must have been published before. */
  ring(): void {
    if (
      Atomics.load(this.words, this.index) === ASLEEP &&
      Atomics.compareExchange(this.words, this.index, ASLEEP, AWAKE) === ASLEEP
    ) {
      if (this.bell === undefined) Atomics.notify(this.words, this.index)
      else this.bell.postMessage(null)
    }
  }

  /** Says that the owner will sleep. It must look for work once more, and then sleep or stay awake. */
  announce(): void {
    Atomics.store(this.words, this.index, ASLEEP)
  }

  /** There was work after all. */
  stay(): void {
    Atomics.store(this.words, this.index, AWAKE)
  }

  /**
   * Sleeps on the word without blocking the thread; `wake` is called when somebody has rung. An owner that listens
   * to bells sleeps sounder: V8's `notify` wakes a thread of its own first, which takes 5 us more than a message.
   */
  sleep(wake: () => void): void {
    if (this.waiting) return
    const result = Atomics.waitAsync(this.words, this.index, ASLEEP)
    if (!result.async) {
      queueMicrotask(wake)
      return
    }
    this.waiting = true
    void result.value.then(() => {
      this.waiting = false
      wake()
    })
  }
}
