/** The other threads of RingBuffer.threads.test.ts: a producer, or a consumer of a pipeline. */
import * as Layout from "@troupe/runtime/Layout"
import * as Pipeline from "@troupe/runtime/Pipeline"
import * as RingBuffer from "@troupe/runtime/RingBuffer"
import type { WaitStrategy } from "@troupe/runtime/WaitStrategy"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isMainThread, parentPort, workerData } from "node:worker_threads"

export const Event = Layout.make(Schema.Struct({ id: Layout.Uint32, doubled: Schema.Number }))
export type Event = Layout.Type<typeof Event>

export type Task =
  | {
    readonly tag: "produce"
    readonly ring: RingBuffer.Description
    readonly line: number
    readonly count: number
  }
  | { readonly tag: "consume"; readonly pipeline: Pipeline.Description; readonly wait: WaitStrategy }

const produce = Effect.fnUntraced(function*(task: Task & { readonly tag: "produce" }) {
  const ring = yield* RingBuffer.attach(Event, task.ring)
  const producer = yield* RingBuffer.producer(ring, { line: task.line })
  for (let id = 0; id < task.count; id++) {
    yield* producer.publish((event) => {
      event.id = id
      event.doubled = 0
    })
  }
})

const consume = Effect.fnUntraced(function*(task: Task & { readonly tag: "consume" }) {
  const ring = yield* RingBuffer.attach(Event, task.pipeline.ring)
  const doubler = Pipeline.consumer(Event, {
    name: "doubler",
    writes: ["doubled"],
    wait: task.wait,
    onEvent: (event) => {
      event.doubled = event.id * 2
    }
  })
  const served = yield* Pipeline.serve(ring, task.pipeline, doubler)
  yield* served.ended
})

if (!isMainThread && workerData?.tag !== undefined) {
  const task = workerData as Task
  // Parked, a thread has nothing that keeps it alive.
  const alive = setInterval(() => {}, 1 << 30)
  await (task.tag === "produce"
    ? Effect.runPromise(Effect.scoped(produce(task)))
    : Effect.runPromise(Effect.scoped(consume(task))))
  clearInterval(alive)
  parentPort!.postMessage("done")
}
