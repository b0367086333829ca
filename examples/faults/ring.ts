/** A ring of keyed actors on two worker threads, one of which ends every second. */
import { ActorSystem } from "@troupe/runtime"
import { Faults } from "@troupe/supervision"
import { Duration, Effect, Fiber, Layer, References } from "effect"
import { NODES, RingNode } from "./RingNode.ts"
import {
  check,
  hits,
  type Options,
  type Scenario,
  settings,
  type Summary,
  type Violation
} from "./Scenario.ts"

/** What all threads have done together. */
export interface Totals {
  readonly sent: number
  readonly handled: number
  readonly deadLettered: number
  readonly lost: number
}

const none: Totals = { sent: 0, handled: 0, deadLettered: 0, lost: 0 }

const accounted = ({ deadLettered, handled, lost, sent }: Totals): boolean =>
  sent === handled + deadLettered + lost

/** That nothing is lost that nobody counts. */
export const account = (totals: Totals): Effect.Effect<void, Violation> => {
  const { deadLettered, handled, lost, sent } = totals
  return check(
    accounted(totals),
    `${sent} sent, but ${handled} handled, ${deadLettered} dead letters and ${lost} lost with their threads`
  )
}

/** How long things take, in milliseconds. */
export interface Pace {
  /** A thread ends as often as this. */
  readonly every: number
  /** A successor takes its time; a ring that stands still for longer than this is broken. */
  readonly patience: number
}

export const run = (options: Options, { every, patience }: Pace): Effect.Effect<Summary, Violation> =>
  Effect.gen(function*() {
    const { seconds, seed } = options
    const { decided, mistaken, stopped } = settings(options)
    const faults = yield* Faults.make({ seed, rates: {}, threadEvery: Duration.millis(every) })
    let whole = 0
    let lost = 0
    let over = false
    const program = Effect.gen(function*() {
      const first = yield* RingNode.keyed("node-0")
      const left = mistaken("skips") ? NODES - 1 : NODES
      const lap = first.ask("Pass", { left, at: 0 }, { timeout: "20 seconds" }).pipe(
        Effect.flatMap((passed) =>
          Effect.andThen(
            check(passed === NODES || passed === 0, `a lap passed ${passed} of ${NODES} nodes`),
            Effect.sync(() => {
              if (passed === NODES) whole++
              else lost++
            })
          )
        ),
        Effect.catchTag("AskError", ({ message, reason }) =>
          Effect.andThen(
            check(reason._tag !== "AskTimeout", `nobody said what became of a lap: ${message}`),
            Effect.sync(() => {
              lost++
            })
          )),
        // Where a thread is gone for good an answer takes no time.
        Effect.andThen(Effect.suspend(() => lost > 1000 ? Effect.sleep(1) : Effect.void))
      )
      const laps = yield* Effect.forkChild(
        Effect.whileLoop({ while: () => !over, body: () => lap, step: () => {} })
      )
      /** Waits until the ring has gone round since; a lap that is wrong ends that. */
      const goesRound = (since: number, problem: string): Effect.Effect<void, Violation> =>
        Effect.raceFirst(
          Effect.whileLoop({ while: () => whole === since, body: () => Effect.sleep(20), step: () => {} }),
          Effect.andThen(Fiber.join(laps), Effect.never)
        ).pipe(
          Effect.timeoutOrElse({ duration: patience, orElse: () => check(false, problem) })
        )
      const rounds = Math.max(2, Math.round(seconds * 1000 / every))
      let round = 0
      for (; round < rounds && !stopped(); round++) {
        yield* faults.resume
        yield* Effect.sleep(every)
        // Else a machine that is busy would lose threads faster than it starts them.
        yield* faults.pause
        decided(yield* hits(faults))
        yield* goesRound(whole, `the ring stood still for ${patience / 1000} seconds`)
      }
      yield* goesRound(whole, "the ring did not come back")
      over = true
      yield* Fiber.join(laps)
      const system = yield* ActorSystem.ActorSystem
      const sums = Effect.map(system.stats, (threads) =>
        threads.reduce(
          (sum, thread): Totals => ({
            sent: sum.sent + thread.sent,
            handled: sum.handled + thread.handled,
            deadLettered: sum.deadLettered + thread.deadLettered,
            lost: sum.lost + thread.lost
          }),
          none
        ))
      const totals = yield* Effect.repeat(Effect.delay(sums, "50 millis"), { until: accounted, times: 200 })
      yield* account(totals)
      return [
        ["laps", whole],
        ["laps lost with a thread", lost],
        ["faults", yield* hits(faults)],
        ["messages sent", totals.sent],
        ["handled", totals.handled],
        ["dead letters", totals.deadLettered],
        ["lost with their threads", totals.lost]
      ] as const
    })
    const pool = ActorSystem.layerWorkers({
      entry: new URL("./ringWorker.ts", import.meta.url),
      hosts: [RingNode],
      workers: 2,
      restarts: { times: mistaken("no-successors") ? 0 : 1_000_000, within: "1 minute" }
    })
    return yield* program.pipe(
      Effect.provide(Layer.provide(pool, Faults.layer(faults))),
      Effect.catchTag("PoolError", Effect.die),
      Effect.provideService(References.MinimumLogLevel, "None"),
      Effect.timeoutOrElse({
        duration: Duration.seconds(seconds * 3 + 120),
        orElse: () => check(false, "it hangs").pipe(Effect.as([]))
      })
    )
  })

export const ring: Scenario = {
  description:
    "a ring over two worker threads that loses one every second: every message is accounted for (real time)",
  kinds: [],
  mistakes: {
    skips: "laps pass by a node",
    "no-successors": "threads that end are not started again: the ring stands still"
  },
  run: (options) => run(options, { every: 1000, patience: 11_000 })
}
