/** A ring of keyed actors on two worker threads, one of which ends every second. */
import { ActorSystem } from "@troupe/runtime"
import { Faults } from "@troupe/supervision"
import { Duration, Effect, Fiber, Layer, References } from "effect"
import { NODES, RingNode } from "./RingNode.ts"
import { check, hits, type Scenario } from "./Scenario.ts"

export const ring: Scenario = {
  description:
    "a ring over two worker threads that loses one every second: every message is accounted for (real time)",
  run: ({ seconds, seed }) =>
    Effect.gen(function*() {
      const faults = yield* Faults.make({ seed, rates: {}, threadEvery: "1 second" })
      let whole = 0
      let lost = 0
      let over = false
      const program = Effect.gen(function*() {
        const first = yield* RingNode.keyed("node-0")
        const lap = first.ask("Pass", { left: NODES, at: 0 }, { timeout: "20 seconds" }).pipe(
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
            ))
        )
        const laps = yield* Effect.forkChild(
          Effect.whileLoop({ while: () => !over, body: () => lap, step: () => {} })
        )
        for (let second = 0; second < Math.max(2, seconds); second++) {
          const before = whole
          yield* Effect.sleep("1 second")
          // A successor takes its time; a ring that stands still for longer than that is broken.
          if (second > 0 && whole === before) {
            yield* Effect.sleep("10 seconds")
            yield* check(whole > before, "the ring stood still for 11 seconds")
          }
        }
        yield* faults.pause
        over = true
        yield* Fiber.join(laps)
        const before = whole
        yield* lap.pipe(Effect.retry({ times: 20 }))
        yield* check(whole > before || lost > 0, "the ring did not come back")
        const system = yield* ActorSystem.ActorSystem
        const sums = Effect.map(system.stats, (threads) =>
          threads.reduce(
            (sum, { deadLettered, handled, lost, sent }) => ({
              sent: sum.sent + sent,
              handled: sum.handled + handled,
              deadLettered: sum.deadLettered + deadLettered,
              lost: sum.lost + lost
            }),
            { sent: 0, handled: 0, deadLettered: 0, lost: 0 }
          ))
        const balanced = yield* Effect.repeat(Effect.delay(sums, "50 millis"), {
          until: ({ deadLettered, handled, lost, sent }) => sent === handled + deadLettered + lost,
          times: 200
        })
        const { deadLettered, handled, lost: gone, sent } = balanced
        yield* check(
          sent === handled + deadLettered + gone,
          `${sent} sent, but ${handled} handled, ${deadLettered} dead letters and ${gone} lost with their threads`
        )
        return [
          ["laps", whole],
          ["laps lost with a thread", lost],
          ["faults", yield* hits(faults)],
          ["messages sent", sent],
          ["handled", handled],
          ["dead letters", deadLettered],
          ["lost with their threads", gone]
        ] as const
      })
      const pool = ActorSystem.layerWorkers({
        entry: new URL("./ringWorker.ts", import.meta.url),
        hosts: [RingNode],
        workers: 2,
        restarts: { times: 1_000_000, within: "1 minute" }
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
}
