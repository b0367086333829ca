/** Records from threads of their own to this one, by one of the designs: nanoseconds a record. */
import * as Effect from "effect/Effect"
import { Worker } from "node:worker_threads"
import * as Scenario from "../../src/Scenario.ts"
import { bytesFor, consumer, type Design } from "./designs.ts"
import type { Task } from "./thread.ts"

/** Fixed: a thread that loses its core for a time slice would mislead any calibration. */
const operations = 960_000

export const through = (design: Design, producers: number): Scenario.Scenario =>
  Scenario.duration({
    operations,
    baseline: design === "pairs",
    params: { design, producers, content: "16 B", both: "look all the time" },
    setup: Effect.gen(function*() {
      const memory = new SharedArrayBuffer(bytesFor(design, producers))
      const orders = new Int32Array(new SharedArrayBuffer(12))
      for (let me = 0; me < producers; me++) {
        const task: Task = { tag: "produce", design, memory, me, producers, orders: orders.buffer }
        yield* Effect.acquireRelease(
          Effect.sync(() => new Worker(new URL("./thread.ts", import.meta.url), { workerData: task })),
          (worker) => Effect.promise(() => worker.terminate())
        )
      }
      for (let there = 0; there < producers; there = Atomics.load(orders, 2)) Atomics.wait(orders, 2, there)
      const records = consumer(design, memory, producers)
      return {
        run: (count: number) =>
          Effect.sync(() => {
            records.sum = 0
            orders[1] = count / producers
            Atomics.add(orders, 0, 1)
            Atomics.notify(orders, 0)
            for (let read = 0; read < count;) read += records.poll()
            return records.sum
          }),
        check: (sum: number, count: number) => {
          const each = count / producers
          return Scenario.expect("sum of the records", sum, producers * each * (each - 1) / 2)
        }
      }
    })
  })
