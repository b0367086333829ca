/** How a sleeping thread is woken: half of the way there and back, both asleep in between. */
import * as Effect from "effect/Effect"
import { MessageChannel, Worker } from "node:worker_threads"
import { now } from "../../src/baselines/MessagePort.ts"
import * as Scenario from "../../src/Scenario.ts"
import * as Statistics from "../../src/Statistics.ts"
import type { Task } from "./thread.ts"

const rounds = 500

export const waking = (by: "message" | "waitAsync"): Scenario.Scenario =>
  Scenario.measured({
    unit: "ns",
    better: "lower",
    baseline: by === "message",
    params: { by: by === "message" ? "postMessage of null" : "Atomics.notify and waitAsync", rounds },
    setup: Effect.gen(function*() {
      const words = new Int32Array(new SharedArrayBuffer(8))
      const { port1, port2 } = new MessageChannel()
      const task: Task = { tag: "wake", by, words: words.buffer, port: port2 }
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          new Worker(new URL("./thread.ts", import.meta.url), { workerData: task, transferList: [port2] })
        ),
        (worker) => Effect.promise(() => worker.terminate())
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => port1.close()))
      const there = (round: number): Promise<void> =>
        by === "message"
          ? new Promise((resolve) => {
            port1.once("message", () => resolve())
            port1.postMessage(null)
          })
          : (async () => {
            const waits = Atomics.waitAsync(words, 1, round)
            Atomics.add(words, 0, 1)
            Atomics.notify(words, 0)
            if (waits.async) await waits.value
          })()
      yield* Effect.promise(() => new Promise((resolve) => port1.once("message", resolve)))
      let done = 0
      return {
        sample: Effect.promise(async () => {
          const taken: Array<number> = []
          for (let round = 0; round < rounds; round++) {
            const began = now()
            await there(done++)
            taken.push((now() - began) / 2)
          }
          return Statistics.median(taken)
        }),
        params: Effect.succeed({})
      }
    })
  })
