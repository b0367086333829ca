/** Rings what is due: one sleeping fiber for all timers of a system, by its Clock. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { type Deadline, Deadlines } from "./hot/deadlines.ts"

/** What is rung at its time, if nobody takes it out before. */
export interface Bell extends Deadline {
  /** It is due; it may be added again. */
  ring(now: number): void
}

const nanosPerMilli = 1e6

export class Alarm {
  private readonly clock: Clock.Clock
  private readonly bells = new Deadlines<Bell>()
  private sleeper: Fiber.Fiber<void> | undefined = undefined
  /** When the sleeper wakes. */
  private wakes = Infinity
  private ringing = false
  /** Whether it is looked soon whether there is anything left to wake for. */
  private looks = false

  constructor(clock: Clock.Clock) {
    this.clock = clock
  }

  /** The time in milliseconds, from some moment on, which nobody sets. */
  get now(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / nanosPerMilli
  }

  add(bell: Bell): void {
    this.bells.add(bell)
    this.set()
  }

  remove(bell: Bell): void {
    if (!this.bells.remove(bell) || this.bells.first !== undefined || this.looks) return
    // Not now: who puts a deadline off takes one out and puts one in.
    this.looks = true
    queueMicrotask(() => {
      this.looks = false
      // A system without timers keeps no process alive.
      if (this.bells.first === undefined) this.wake(Infinity)
    })
  }

  /** Sleeps until the first is due, or less: to wake too early costs less than to be woken anew for each. */
  private set(): void {
    const due = this.bells.first?.due ?? Infinity
    if (!this.ringing && due < this.wakes) this.wake(due)
  }

  private wake(due: number): void {
    this.wakes = due
    const { sleeper } = this
    this.sleeper = undefined
    sleeper?.interruptUnsafe()
    if (due === Infinity) return
    // Rounded up: a clock that sleeps in whole milliseconds would wake too early.
    const fiber = Effect.runFork(this.clock.sleep(Duration.millis(Math.max(0, Math.ceil(due - this.now)))))
    this.sleeper = fiber
    fiber.addObserver(() => {
      if (this.sleeper === fiber) this.ring()
    })
  }

  private ring(): void {
    this.ringing = true
    this.sleeper = undefined
    this.wakes = Infinity
    const { now } = this
    while (this.bells.first !== undefined && this.bells.first.due <= now) {
      const bell = this.bells.first
      this.bells.remove(bell)
      bell.ring(now)
    }
    this.ringing = false
    this.set()
  }
}
