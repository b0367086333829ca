/** A producer or a consumer of a stress run: the kernels alone, without Effect. */
import { parentPort, workerData } from "node:worker_threads"
import type { Node } from "../src/internal/hot/layout.ts"
import { random, type Report, type Role } from "./ringCase.ts"
import * as Kernel from "./ringKernel.ts"

const { bells, case: self, control, directory, memory, role } = workerData as Role
const kernel = await Kernel.load(directory)
const go = new Int32Array(control)

/** `a` and `b` follow from producer and number; `m0` to `m2` are set by consumers. */
const field = (name: string, type: "u32" | "f64", at: number) => ({
  name,
  node: { tag: "scalar", type, at } satisfies Node
})
const View = kernel.layout.compile({
  tag: "record",
  tuple: false,
  fields: [
    field("a", "f64", 0),
    field("b", "f64", 8),
    field("producer", "u32", 16),
    field("number", "u32", 20),
    field("m0", "u32", 24),
    field("m1", "u32", 28),
    field("m2", "u32", 32)
  ]
})
const shape = { capacity: self.capacity, stride: 40, multi: self.multi }
const offset = kernel.ring.slotsOffset(shape)
const ring = new kernel.ring.Ring(
  new Int32Array(memory, 0, offset / 4),
  new kernel.wait.Bells(new Int32Array(bells))
)
const slots = new kernel.layout.Slots(
  View,
  new kernel.layout.Window(memory, offset, self.capacity * 40),
  self.capacity,
  40
)

const a = (producer: number, number: number) => producer * 1e9 + number + 0.5
const b = (producer: number, number: number) => Math.imul(number + 1, 0x9e3779b1) + producer

const produce = (id: number, line: number, events: number): void => {
  const next = random(self.seed + 7919 * (id + 1))
  const producer = new kernel.claim.Producer<any>(ring, slots, line)
  const thrown = new Error("on purpose")
  let written = 0
  /** The next event's. */
  const at = { number: 0 }
  const write = (event: any, first: number, index: number) => {
    if (self.throws > 0 && next() * self.throws < 1) throw thrown
    const number = first + index
    event.m0 = event.m1 = event.m2 = 0
    event.a = a(id, number)
    if (self.slow > 0 && next() * self.slow < 1) { for (let i = 0; i < 50_000; i++) written ^= i }
    event.producer = id
    event.b = b(id, number)
    event.number = number
    written = index + 1
  }
  /** Waits as `publishUnsafe` does: some looks, then the bell. */
  const until = (look: () => boolean) => {
    for (;;) {
      for (let spins = 0; spins < 100; spins++) if (look()) return
      let there = false
      ring.bells.block(kernel.wait.ROOM, () => (there = look()), 1000)
      if (there) return
    }
  }
  Atomics.wait(go, 0, 0)
  while (at.number < events) {
    const count = Math.min(events - at.number, self.batch === 1 ? 1 : 1 + Math.floor(next() * self.batch))
    until(() => {
      written = 0
      try {
        const published = count === 1
          ? producer.tryPublish(write, at.number)
          : producer.tryPublishBatch(count, write, at.number)
        if (published) at.number += count
        return published
      } catch (error) {
        if (error !== thrown) throw error
        at.number += written // what was written before the throw is published
        return true
      }
    })
    Atomics.store(go, 1 + id, at.number)
    if (self.lockstep) until(() => ring.slowest(ring.cursor) === ring.cursor)
  }
}

const consume = (id: number, index: number, last: boolean): void => {
  const errors: Array<string> = []
  const wrong = (text: string) => void (errors.length < 5 && errors.push(text))
  const counts: Array<number> = []
  let hash = 0
  let previous = self.start | 0
  const mine = `m${id}`
  const runner = new kernel.runner.Runner(
    new kernel.barrier.Consumer(ring, slots, index),
    {
      onBatchStart: undefined,
      onBatchEnd: undefined,
      onEvent: (event: any, sequence) => {
        const { number, producer } = event
        if (((sequence - previous) | 0) <= 0) wrong(`sequence ${sequence} after ${previous}`)
        previous = sequence | 0
        if (event.a !== a(producer, number) || event.b !== b(producer, number)) {
          wrong(`torn: producer ${producer}, number ${number}, a ${event.a}, b ${event.b}`)
        }
        const expected = counts[producer] ?? 0
        if (number !== expected) wrong(`producer ${producer}: ${number} instead of ${expected}`)
        counts[producer] = number + 1
        hash = (Math.imul(hash, 31) + producer * 7 + number) | 0
        // Each changes a field of its own; who follows them all sees all of them.
        if (!last) event[mine] = number + 1
        else {for (let c = 0; c < self.consumers; c++) {
            if (event[`m${c}`] !== number + 1) wrong(`event ${number} not yet passed by ${c}`)
          }}
      },
      wait: self.wait,
      policy: { _tag: "Stop" }
    },
    self.capacity,
    (failed) => wrong(String(failed.error)),
    (end) => {
      if (end !== "drained") wrong(`ended ${end}`)
      parentPort!.postMessage(
        { errors, counts: Array.from(counts, (count) => count ?? 0), hash } satisfies Report
      )
      clearInterval(alive)
    }
  )
  // A parked consumer does not keep its thread alive.
  const alive = setInterval(() => {}, 1 << 30)
  Atomics.wait(go, 0, 0)
  runner.start()
}

if (role.tag === "producer") produce(role.id, role.line, role.events)
else consume(role.id, role.index, role.last)
