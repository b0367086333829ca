/** When nothing happens any more, on any thread of a system. */
import * as Effect from "effect/Effect"
import type { ThreadStats } from "../ActorSystem.ts"
import type { System } from "./system.ts"

/** Rounds in which nothing happens before it is believed: in each of them the event loop of every thread turns. */
const ROUNDS = 8

const sum = (stats: ReadonlyArray<ThreadStats>, of: (thread: ThreadStats) => number): number =>
  stats.reduce((sum, thread) => sum + of(thread), 0)

/** Waits until nothing happens; how many messages wait then all the same. */
export const settle = (system: System): Effect.Effect<{ readonly waiting: number }> =>
  Effect.gen(function*() {
    let last = -1
    let still = 0
    while (true) {
      yield* Effect.yieldNow
      // Each thread answers when it has taken in what it was told before: a handler that takes its time is waited for.
      const stats = yield* system.stats
      const sent = sum(stats, ({ sent }) => sent)
      const over = sum(stats, ({ deadLettered, handled, lost }) => deadLettered + handled + lost)
      const happened = sent + over
      still = happened === last && system.dispatcher.waiting === 0 ? still + 1 : 0
      if (still === ROUNDS) return { waiting: sent - over }
      last = happened
    }
  })
