/** The far end of the `ring.*` scenarios: a producer that is ordered to publish, or an echo. */
import * as RingBuffer from "@troupe/runtime/RingBuffer"
import * as Effect from "effect/Effect"
import { workerData } from "node:worker_threads"
import { Event, type Task } from "../rings/Event.ts"

const produce = Effect.fnUntraced(function*(task: Task & { readonly tag: "produce" }) {
  const ring = yield* RingBuffer.attach(Event, task.ring)
  const producer = yield* RingBuffer.producer(ring, { line: task.line })
  const orders = new Int32Array(task.orders)
  const one = (event: { value: number }, value: number) => {
    event.value = value
  }
  const many = (event: { value: number }, value: number, index: number) => {
    event.value = value + index
  }
  Atomics.add(orders, 2, 1)
  Atomics.notify(orders, 2)
  for (let seen = 0;; seen++) {
    Atomics.wait(orders, 0, seen)
    const count = Atomics.load(orders, 1)
    if (task.batch === 1) { for (let value = 0; value < count; value++) producer.publishUnsafe(one, value) }
    else {
      for (let value = 0; value < count; value += task.batch) {
        producer.publishBatchUnsafe(task.batch, many, value)
      }
    }
  }
})

const echo = Effect.fnUntraced(function*(task: Task & { readonly tag: "echo" }) {
  const there = yield* RingBuffer.attach(Event, task.there)
  const back = yield* RingBuffer.attach(Event, task.back)
  const poller = yield* RingBuffer.poller(there)
  const producer = yield* RingBuffer.producer(back)
  const ready = new Int32Array(task.ready)
  Atomics.store(ready, 0, 1)
  Atomics.notify(ready, 0)
  const answer = (event: { readonly value: number }) =>
    producer.publishUnsafe((slot, value) => {
      slot.value = value
    }, event.value)
  if (task.wait === "spin") { for (;;) poller.poll(answer) }
  while (yield* poller.ready) poller.poll(answer)
})

const task = workerData as Task
// A parked thread has nothing else that keeps it alive.
setInterval(() => {}, 1 << 30)
if (task.tag === "produce") await Effect.runPromise(Effect.scoped(produce(task)))
else await Effect.runPromise(Effect.scoped(echo(task)))
