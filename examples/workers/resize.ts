/** A pool that grows for the day and shrinks for the night: baskets move, and nothing in them is lost. */
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import { WorkerPool } from "@troupe/runtime/WorkerPool"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Basket } from "./Basket.ts"

const customers = Array.from({ length: 1000 }, (_, i) => `customer ${i}`)

const put = (item: string) =>
  Effect.forEach(
    customers,
    (customer) => Effect.flatMap(Basket.keyed(customer), (basket) => basket.tell("Put", { item }))
  )

const program = Effect.gen(function*() {
  const pool = yield* WorkerPool
  yield* put("bread")
  yield* pool.resize(3)
  yield* Console.log("by day:", yield* pool.workers) // => by day: [ 1, 2, 3 ]
  yield* put("milk")
  yield* pool.drain(1)
  yield* Console.log("by night:", yield* pool.workers) // => by night: [ 2, 3 ]
  yield* put("wine")
  const baskets = yield* Effect.forEach(
    customers,
    (customer) => Effect.flatMap(Basket.keyed(customer), (basket) => basket.ask("Items"))
  )
  const whole = baskets.filter((items) => items.join() === "bread,milk,wine")
  yield* Console.log(`${whole.length} of ${baskets.length} baskets are whole`) // => 1000 of 1000 baskets are whole
})

await Effect.runPromise(Effect.provide(
  program,
  ActorSystem.layerWorkers({
    entry: new URL("./worker.ts", import.meta.url),
    hosts: [Basket],
    workers: 1,
    maxWorkers: 3
  })
))
