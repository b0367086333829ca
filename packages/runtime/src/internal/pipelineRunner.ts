/** Drives one consumer in this thread: batches, failures, waiting, turns of the event loop. No Effect. */
import type { WaitStrategy } from "../WaitStrategy.ts"
import type { Consumer } from "./hot/barrier.ts"
import { nextTurn } from "./hot/wait.ts"

export interface Handlers {
  onEvent(event: unknown, sequence: number, last: boolean): void
  readonly onBatchStart: ((size: number, first: number) => void) | undefined
  readonly onBatchEnd: ((last: number) => void) | undefined
}

export type Policy =
  | { readonly _tag: "Skip" }
  | { readonly _tag: "Stop" }
  | { readonly _tag: "Retry"; readonly times: number; readonly finally: "skip" | "stop" }

/** What is done about a failure: decided as data, executed by {@link Runner}. */
export const decide = (policy: Policy, attempt: number): "skip" | "stop" | "retry" => {
  switch (policy._tag) {
    case "Skip":
      return "skip"
    case "Stop":
      return "stop"
    case "Retry":
      return attempt <= policy.times ? "retry" : policy.finally
  }
}

export interface Failed {
  readonly sequence: number
  readonly error: unknown
  /** From 1: how often this batch has failed, this time included. */
  readonly attempt: number
  readonly decision: "skip" | "stop" | "retry"
}

/** How a runner ended: the ring was closed and all is handled, it was told to, or a failure stopped it. */
export type End = "drained" | "halted" | "stopped"

/** Milliseconds after which the event loop gets a turn although there are events. */
const TURN = 2
/** How often a busy spin looks before the event loop gets a turn: about half a millisecond. */
const SPIN = 100_000
/** Milliseconds that a blocked thread sleeps at most before its event loop gets a turn. */
const BLOCK = 50

export class Runner {
  /** Events passed without a failure; those shared out to others are counted too. */
  handled = 0
  failures = 0
  end: End | undefined
  readonly #consumer: Consumer<any>
  readonly #handlers: Handlers
  readonly #onEvent: Handlers["onEvent"]
  readonly #wait: WaitStrategy
  readonly #policy: Policy
  readonly #limit: number
  readonly #report: (failed: Failed) => void
  readonly #done: (end: End) => void
  /** The size of a batch in hand that is to be tried again, or 0. */
  #batch = 0
  #attempt = 0
  #idleTurns = 0
  #halting = false
  /** When the event loop must have had a turn. It is kept across wake-ups, which may follow each other without one. */
  #turnEnds = 0

  constructor(
    consumer: Consumer<any>,
    options: Handlers & { readonly wait: WaitStrategy; readonly policy: Policy },
    limit: number,
    report: (failed: Failed) => void,
    done: (end: End) => void
  ) {
    this.#consumer = consumer
    this.#handlers = options
    this.#onEvent = (event, sequence, last) => options.onEvent(event, sequence, last)
    this.#wait = options.wait
    this.#policy = options.policy
    this.#limit = limit
    this.#report = report
    this.#done = done
  }

  start(): void {
    nextTurn(this.#turn)
  }

  /** Ends it after the batch in hand, without a word to the ring: its line stays, for another to take over. */
  halt(): void {
    this.#halting = true
    this.#consumer.ring.bells.ring(1 << this.#consumer.index)
  }

  readonly #turn = (): void => {
    this.#turnEnds = performance.now() + TURN
    this.#tick()
  }

  readonly #tick = (): void => {
    for (let sinceLook = 0;;) {
      const passed = this.#step()
      if (this.end !== undefined) return this.#done(this.end)
      if (passed < 0) return nextTurn(this.#turn)
      if (passed === 0) {
        if (!this.#idle()) return
        sinceLook = 256
      } else {
        sinceLook += passed
        this.#idleTurns = 0
      }
      if (sinceLook >= 256) {
        sinceLook = 0
        if (performance.now() >= this.#turnEnds) return nextTurn(this.#turn)
      }
    }
  }

  /** One batch: how many events it passed; -1 when it is to be tried again in the next turn. */
  #step(): number {
    const consumer = this.#consumer
    const ring = consumer.ring
    if (this.#halting || consumer.halted) return this.#ended("halted")
    const count = this.#batch || consumer.ready(this.#limit)
    if (count <= 0) {
      return consumer.finished ? this.#ended("drained") : 0
    }
    const first = (consumer.sequence + 1) | 0
    const { onBatchEnd, onBatchStart } = this.#handlers
    // Which of the three callbacks is next: a failure goes on from the one that failed.
    for (let phase = consumer.done > 0 ? 1 : 0;;) {
      try {
        if (phase === 0) onBatchStart?.(count, first >>> 0)
        phase = 1
        consumer.read(count, this.#onEvent)
        phase = 2
        onBatchEnd?.((first + count - 1) >>> 0)
        break
      } catch (error) {
        this.failures++
        const attempt = ++this.#attempt
        const decision = decide(this.#policy, attempt)
        const at = phase === 0 ? 0 : phase === 1 ? consumer.done : count - 1
        this.#report({ sequence: (first + at) >>> 0, error, attempt, decision })
        if (decision === "retry") {
          consumer.done = 0
          this.#batch = count
          return -1
        }
        if (decision === "stop") {
          // Never in silence: nobody waits for this consumer, and the producers are told that the ring is closed.
          consumer.advance(consumer.done)
          ring.close()
          return this.#ended("stopped")
        }
        this.#attempt = 0
        if (phase === 1) consumer.done++
        else phase++
        if (phase === 3) break
      }
    }
    this.#batch = 0
    this.#attempt = 0
    this.handled += count
    consumer.advance(count)
    return count
  }

  #ended(end: End): number {
    this.end = end
    if (!this.#halting) this.#consumer.ring.ended(this.#consumer.index)
    return 0
  }

  #look = (): boolean =>
    this.#consumer.ready(1) > 0 || this.#halting || this.#consumer.halted || this.#consumer.finished

  #spin(times: number): boolean {
    for (let i = 0; i < times; i++) if (this.#look()) return true
    return false
  }

  /** Nothing there: true when there is now; false when a later tick is on its way. */
  #idle(): boolean {
    const wait = this.#wait
    switch (wait._tag) {
      case "BusySpin":
        return this.#spin(SPIN) || this.#later()
      case "Yielding":
        return this.#spin(wait.spins) || this.#later()
      case "SpinThenPark":
        if (this.#spin(this.#idleTurns === 0 ? wait.spins : 100)) return true
        if (this.#idleTurns++ < wait.turns) return this.#later()
        this.#idleTurns = 0
        return this.#park()
      case "Park":
        return this.#park()
      case "Block": {
        if (this.#spin(wait.spins)) return true
        this.#consumer.ring.bells.block(this.#consumer.index, this.#look, BLOCK)
        return this.#look() || this.#later()
      }
    }
  }

  #later(): false {
    nextTurn(this.#turn)
    return false
  }

  /** Called in the publisher's stack when it is of this thread, so it only schedules. */
  readonly #wake = (): void =>
    performance.now() < this.#turnEnds ? queueMicrotask(this.#tick) : nextTurn(this.#turn)

  #park(): boolean {
    const { index, ring } = this.#consumer
    ring.bells.listen(index, this.#wake)
    // The second look, after the flag is up: what was published in between has rung no bell.
    if (!this.#look()) return false
    ring.bells.forget(index, this.#wake)
    return true
  }
}
