import { assert, describe, it } from "@effect/vitest"
import * as Pipeline from "@troupe/runtime/Pipeline"
import * as RingBuffer from "@troupe/runtime/RingBuffer"
import * as WaitStrategy from "@troupe/runtime/WaitStrategy"
import * as Effect from "effect/Effect"
import { Worker } from "node:worker_threads"
import { Event, type Task } from "./RingBuffer.worker.ts"

const start = (task: Task) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const worker = new Worker(new URL("./RingBuffer.worker.ts", import.meta.url), {
        workerData: task,
        execArgv: ["--conditions=@troupe/source"]
      })
      const ended = new Promise<number>((resolve, reject) => {
        worker.once("error", reject)
        worker.once("exit", resolve)
      })
      return { ended: Effect.promise(() => ended), kill: Effect.promise(() => worker.terminate()) }
    }),
    ({ kill }) => kill
  )

const strategies = [
  ["busySpin", WaitStrategy.busySpin],
  ["yielding", WaitStrategy.yielding()],
  ["spinThenPark", WaitStrategy.spinThenPark()],
  ["park", WaitStrategy.park],
  ["block", WaitStrategy.block()]
] as const

describe("RingBuffer between threads", () => {
  it.live.each(strategies)(
    "brings events here through a consumer in another thread that waits by %s",
    ([, wait]) =>
      Effect.gen(function*() {
        const ring = yield* RingBuffer.make(Event, { capacity: 64, start: 2 ** 31 - 100 })
        const line = yield* RingBuffer.reserve(ring)
        const seen: Array<number> = []
        const pipeline = yield* Pipeline.run(
          ring,
          Pipeline.series(
            Pipeline.elsewhere(Event, { name: "doubler", writes: ["doubled"] }),
            Pipeline.consumer(Event, {
              name: "here",
              onEvent: (event) => {
                assert.strictEqual(event.doubled, event.id * 2)
                seen.push(event.id)
              }
            })
          )
        )
        yield* start({ tag: "consume", pipeline: Pipeline.description(pipeline), wait })
        const producer = yield* start({ tag: "produce", ring: ring.description, line, count: 1000 })
        yield* producer.ended
        assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
        yield* pipeline.ended
        assert.deepStrictEqual(seen, Array.from({ length: 1000 }, (_, id) => id))
      }).pipe(Effect.scoped)
  )

  it.live("goes on when the thread of a consumer dies and another serves it", () =>
    Effect.gen(function*() {
      const ring = yield* RingBuffer.make(Event, { capacity: 16 })
      const producer = yield* RingBuffer.producer(ring)
      let here = 0
      const pipeline = yield* Pipeline.run(
        ring,
        Pipeline.series(
          Pipeline.elsewhere(Event, { name: "doubler", writes: ["doubled"] }),
          Pipeline.consumer(Event, { name: "here", onEvent: (event) => void (here += event.doubled) })
        )
      )
      const task: Task = { tag: "consume", pipeline: Pipeline.description(pipeline), wait: WaitStrategy.park }
      const first = yield* start(task)
      const publish = (id: number) =>
        producer.publish((event) => {
          event.id = id
          event.doubled = 0
        })
      for (let id = 0; id < 100; id++) yield* publish(id)
      yield* first.kill
      yield* start(task)
      for (let id = 100; id < 200; id++) yield* publish(id)
      assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
      yield* pipeline.ended
      assert.strictEqual(here, 199 * 200)
    }).pipe(Effect.scoped))

  it.live("never stalls when the thread of a producer dies", () =>
    Effect.gen(function*() {
      const ring = yield* RingBuffer.make(Event, { capacity: 16, producers: "multi" })
      const counts = [0, 0]
      const pipeline = yield* Pipeline.run(
        ring,
        Pipeline.consumer(Event, {
          name: "here",
          onEvent: (event) => void (counts[event.doubled === 0 ? 0 : 1]! += 1)
        })
      )
      const line = yield* RingBuffer.reserve(ring)
      const dying = yield* start({ tag: "produce", ring: ring.description, line, count: 1 << 30 })
      while (counts[0]! < 100) yield* Effect.sleep(1)
      yield* dying.kill
      assert.isAtMost(yield* RingBuffer.repair(ring, line), 1)
      const producer = yield* RingBuffer.producer(ring)
      for (let id = 0; id < 1000; id++) {
        yield* producer.publish((event) => {
          event.id = id
          event.doubled = 1
        })
      }
      assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
      assert.strictEqual(counts[1], 1000)
    }).pipe(Effect.scoped))
})
