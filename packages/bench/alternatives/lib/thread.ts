/** The far end of the alternatives: a producer that is ordered to send, or one that wakes whoever woke it. */
import type { MessagePort } from "node:worker_threads"
import { workerData } from "node:worker_threads"
import { type Design, producer } from "./designs.ts"

export type Task =
  | {
    readonly tag: "produce"
    readonly design: Design
    readonly memory: SharedArrayBuffer
    readonly me: number
    readonly producers: number
    /** Three words: how many runs were ordered, how many records a producer in the last, how many producers there are. */
    readonly orders: SharedArrayBuffer
  }
  | {
    readonly tag: "wake"
    readonly by: "message" | "waitAsync"
    /** Two words that count: from there, and from here. */
    readonly words: SharedArrayBuffer
    readonly port: MessagePort
  }

const task = workerData as Task

if (task.tag === "produce") {
  const produce = producer(task.design, task.memory, task.me, task.producers)
  const orders = new Int32Array(task.orders)
  Atomics.add(orders, 2, 1)
  Atomics.notify(orders, 2)
  for (let seen = 0;; seen++) {
    Atomics.wait(orders, 0, seen)
    produce(Atomics.load(orders, 1))
  }
} else if (task.by === "message") {
  task.port.on("message", () => task.port.postMessage(null))
  task.port.postMessage(null)
} else {
  const words = new Int32Array(task.words)
  // What waits on a word keeps no thread alive.
  setInterval(() => {}, 1 << 30)
  task.port.postMessage(null)
  for (let seen = 0;; seen++) {
    const waits = Atomics.waitAsync(words, 0, seen)
    if (waits.async) await waits.value
    Atomics.add(words, 1, 1)
    Atomics.notify(words, 1)
  }
}
