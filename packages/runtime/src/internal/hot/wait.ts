/**
 * Bells: sleep until another thread has something, without a lost wake-up.
 *
 * **Contract** Any thread may sleep and any may wake. Sleepers are numbered: a consumer's bell is rung by what
 * it follows, the bell {@link ROOM} by every consumer that frees slots, and several producers may sleep on it.
 * The words lie in a SharedArrayBuffer of their own, because a ring may lie in memory that cannot be waited on.
 *
 * **Invariant** Whoever sleeps, sleeps after this: (1) read the bell, (2) raise the flag, (3) look again. Whoever
 * wakes does this: (a) publish, (b) read the flags, (c) lower them, (d) change the bell, (e) notify. If the look
 * at (3) missed the publication (a), then (2) came before (b), so the waker saw the flag; and (d) came after (1),
 * so the wait, which compares the bell with what (1) read, returns at once or is notified. Model: stress/models/sleep.pml.
 *
 * **Ordering** Every access is an Atomics operation, hence sequentially consistent: the argument above needs
 * store-load order between (a) and (b) and between (2) and (3), which release and acquire would not give.
 *
 * **Allocation** None to wake remote sleepers; a listener and, at most one outstanding for each bell, a promise to
 * sleep asynchronously.
 *
 * **Evidence** stress/ring.test.ts (mutant "no second look"), stress/models/sleep.pml, suites/ring.latency.
 */

/** The bell of the producers that wait for room. Bells 0 to 30 are the consumers'. */
export const ROOM = 31

const FLAGS = 0
/** One bell to a 64-byte line. */
const bell = (sleeper: number): number => 16 * (sleeper + 1)

/** Bytes of waitable memory that the bells of one ring take. */
export const BELL_BYTES = 64 * 33

export class Bells {
  readonly words: Int32Array
  /** Who sleeps in this thread: called directly, without the 25 us that a promise of `waitAsync` takes. */
  readonly #listeners: Array<Array<() => void>> = Array.from({ length: 32 }, () => [])
  /** Bells on which a `waitAsync` of this thread is outstanding. It is reused: it ends only when the bell is rung. */
  #armed = 0

  constructor(words: Int32Array) {
    this.words = words
  }

  /** Wakes those of `sleepers`, a bit mask, that sleep. Called after the publication it tells of. */
  ring(sleepers: number): void {
    const asleep = Atomics.load(this.words, FLAGS) & sleepers
    if (asleep !== 0) this.#wake(asleep)
  }

  /** Whether anybody sleeps: lets a publisher skip finding out whom it would wake. */
  get anyone(): boolean {
    return Atomics.load(this.words, FLAGS) !== 0
  }

  #wake(sleepers: number): void {
    // The flags are lowered before the bells change: a sleeper that raises its flag in between reads its bell
    // before that, so it sees the change and does not sleep.
    Atomics.and(this.words, FLAGS, ~sleepers)
    for (let rest = sleepers; rest !== 0; rest &= rest - 1) {
      const sleeper = 31 - Math.clz32(rest & -rest)
      const here = this.#deliver(sleeper)
      // A consumer is in one thread only; producers of several threads may wait for room.
      if (!here || sleeper === ROOM) {
        Atomics.add(this.words, bell(sleeper), 1)
        Atomics.notify(this.words, bell(sleeper))
      }
    }
  }

  #deliver(sleeper: number): boolean {
    const listeners = this.#listeners[sleeper]!
    if (listeners.length === 0) return false
    this.#listeners[sleeper] = []
    for (const listener of listeners) listener()
    return true
  }

  /**
   * Sleeps without blocking the thread: `wake` is called once, unless {@link forget} comes first. The caller must
   * look again for what it waits for after this returns, and forget when it is there. May wake for nothing.
   */
  listen(sleeper: number, wake: () => void): void {
    const seen = Atomics.load(this.words, bell(sleeper))
    this.#listeners[sleeper]!.push(wake)
    Atomics.or(this.words, FLAGS, 1 << sleeper)
    if ((this.#armed & (1 << sleeper)) !== 0) return
    this.#armed |= 1 << sleeper
    const rung = () => {
      this.#armed &= ~(1 << sleeper)
      this.#deliver(sleeper)
    }
    if (typeof Atomics.waitAsync !== "function") {
      setTimeout(rung, 1) // an engine without waitAsync looks every millisecond
      return
    }
    const wait = Atomics.waitAsync(this.words, bell(sleeper), seen)
    if (wait.async) void wait.value.then(rung)
    else queueMicrotask(rung)
  }

  /** Takes back a {@link listen}. The raised flag stays: it costs one ringing that nobody hears. */
  forget(sleeper: number, wake: () => void): void {
    this.#listeners[sleeper] = this.#listeners[sleeper]!.filter((listener) => listener !== wake)
  }

  /** Blocks the thread until `look()` is true, the bell rings, or `timeout` milliseconds pass. */
  block(sleeper: number, look: () => boolean, timeout: number): void {
    const seen = Atomics.load(this.words, bell(sleeper))
    Atomics.or(this.words, FLAGS, 1 << sleeper)
    if (look()) return
    Atomics.wait(this.words, bell(sleeper), seen, timeout)
  }

  /**
   * Rings every bell, whatever the flags say: after the death of a thread, which may have lowered flags and not lived
   * to ring; and at the end of a ring, so that no `waitAsync` stays outstanding.
   */
  ringAll(): void {
    for (let sleeper = 0; sleeper < 32; sleeper++) {
      this.#deliver(sleeper)
      Atomics.add(this.words, bell(sleeper), 1)
      Atomics.notify(this.words, bell(sleeper))
    }
  }
}

/** Whether this thread may block on `Atomics.wait`; a browser's main thread may not. */
export const canBlock = (): boolean => {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0)
    return true
  } catch {
    return false
  }
}

/** Runs `task` in the next turn of the event loop: timers and I/O come between. About 1 us in Node. */
export const nextTurn: (task: () => void) => void = (() => {
  const immediate = (globalThis as { setImmediate?: (task: () => void) => unknown }).setImmediate
  if (typeof immediate === "function") return (task) => void immediate(task)
  const channel = new MessageChannel()
  const tasks: Array<() => void> = []
  channel.port1.addEventListener("message", () => tasks.shift()!())
  channel.port1.start()
  return (task) => {
    tasks.push(task)
    channel.port2.postMessage(0)
  }
})()
