/** A clock that is moved: the tests' time of one thread. */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type Deadline, Deadlines } from "./hot/deadlines.ts"

interface Sleeper extends Deadline {
  readonly wake: () => void
}

const nanosPerMilli = 1e6

export class VirtualClock implements Clock.Clock {
  private readonly sleepers = new Deadlines<Sleeper>()
  /** Milliseconds since it was made. */
  now = 0

  currentTimeMillisUnsafe(): number {
    return this.now
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.now * nanosPerMilli))
  }

  monotonicTimeNanosUnsafe(): bigint {
    return this.currentTimeNanosUnsafe()
  }

  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const due = this.now + Duration.toMillis(duration)
      if (due <= this.now) return resume(Effect.void)
      const sleeper: Sleeper = { due, place: -1, serial: 0, wake: () => resume(Effect.void) }
      this.sleepers.add(sleeper)
      return Effect.sync(() => {
        this.sleepers.remove(sleeper)
      })
    })
  }

  /** When the next one wakes; Infinity where nobody sleeps. */
  get next(): number {
    return this.sleepers.first?.due ?? Infinity
  }

  /** Moves on to a time; nobody wakes yet. */
  set(to: number): void {
    this.now = Math.max(this.now, to)
  }

  /** Wakes those who slept until now. */
  wake(): void {
    for (;;) {
      const { first } = this.sleepers
      if (first === undefined || first.due > this.now) return
      this.sleepers.remove(first)
      first.wake()
    }
  }
}
