/**
 * The scenarios on rings. Producers are in threads of their own; all consumers are polled in turn by this thread, so
 * that two cores suffice.
 *
 * ```text
 * one        P --> c                  multicast  P --> a, b, c
 * pipeline   P --> a --> b --> c      diamond    P --> a, b --> c
 * ```
 */
import * as RingBuffer from "@troupe/runtime/RingBuffer"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Worker } from "node:worker_threads"
import { now } from "../baselines/MessagePort.ts"
import * as Scenario from "../Scenario.ts"
import * as Statistics from "../Statistics.ts"
import { Event, type Task } from "./Event.ts"

const capacity = 4096
/** A multiple of every batch times every number of producers. */
const operations = 960_000

const spawn = (task: Task): Effect.Effect<Worker, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      new Worker(new URL("../entry/ring.ts", import.meta.url), {
        workerData: task
      })
    ),
    (worker) => Effect.promise(() => worker.terminate())
  )

type Topology = "one" | "multicast" | "pipeline" | "diamond"

/** The pollers of a topology, in the order in which they are polled. */
const enter = Effect.fnUntraced(function*(ring: RingBuffer.RingBuffer<Event>, topology: Topology) {
  const a = yield* RingBuffer.poller(ring)
  if (topology === "one") return [a]
  const b = yield* RingBuffer.poller(ring, { after: topology === "pipeline" ? [a] : [] })
  const c = yield* RingBuffer.poller(ring, {
    after: topology === "pipeline" ? [b] : topology === "diamond" ? [a, b] : []
  })
  return [a, b, c]
})

/** Events from producers in threads of their own to the pollers of this thread: nanoseconds an event. */
export const through = (options: {
  readonly producers: number
  readonly batch: number
  readonly topology: Topology
}): Scenario.Scenario => {
  const { batch, producers, topology } = options
  return Scenario.duration({
    // Fixed: a thread that loses its core for a time slice would mislead any calibration.
    operations,
    params: {
      face: `${
        producers > 1 ? "publishUnsafe" : batch === 1 ? "tryPublish" : "tryPublishBatch"
      }, poll; both spin`,
      content: "16 B",
      capacity,
      ...options
    },
    setup: Effect.gen(function*() {
      const ring = yield* RingBuffer.make(Event, {
        capacity,
        producers: producers === 1 ? "single" : "multi"
      })
      const pollers = yield* enter(ring, topology)
      const orders = new Int32Array(new SharedArrayBuffer(12))
      for (let p = 0; p < producers; p++) {
        const line = yield* RingBuffer.reserve(ring)
        yield* spawn({
          tag: "produce",
          ring: ring.description,
          line,
          batch,
          orders: orders.buffer
        })
      }
      for (let there = 0; there < producers; there = Atomics.load(orders, 2)) Atomics.wait(orders, 2, there)
      const consumers = pollers.map((poller) => {
        const sums = { sum: 0, passed: 0 }
        const add = (event: { readonly value: number }) => void (sums.sum += event.value)
        const poll = () => {
          const passed = poller.poll(add)
          sums.passed += passed
          return passed
        }
        return { sums, poll }
      })
      const last = consumers.at(-1)!
      return {
        run: (events: number) =>
          Effect.sync(() => {
            for (const { sums } of consumers) sums.sum = sums.passed = 0
            orders[1] = events / producers
            Atomics.add(orders, 0, 1)
            Atomics.notify(orders, 0)
            while (last.sums.passed < events) {
              let passed = 0
              for (const { poll } of consumers) passed += poll()
              // When nobody has anything, the first is the one that waits: it leads all others. Not by spinning for
              // ever, because the machine may have put the producer on this very core.
              if (passed === 0) pollers[0]!.readyUnsafe()
            }
            // In parallel, the last one polled is not the last to be done.
            for (const { poll } of consumers) poll()
            return consumers.map(({ sums }) => sums.sum)
          }),
        check: (sums: ReadonlyArray<number>, events: number) => {
          const each = events / producers
          return Effect.forEach(
            sums,
            (sum) => Scenario.expect("sum of the events", sum, producers * each * (each - 1) / 2)
          )
        }
      }
    })
  })
}

const rounds = 2000

/** Half of the way there and back, one event at a time, each end waiting as told. A sample is a median. */
export const latency = (wait: "spin" | "park"): Scenario.Scenario =>
  Scenario.measured({
    unit: "ns",
    better: "lower",
    params: {
      face: wait === "spin" ? "tryPublish, poll" : "tryPublish, yield* ready, poll",
      content: "16 B",
      wait,
      rounds
    },
    setup: Effect.gen(function*() {
      const there = yield* RingBuffer.make(Event, { capacity, name: "there" })
      const back = yield* RingBuffer.make(Event, { capacity, name: "back" })
      const poller = yield* RingBuffer.poller(back)
      const producer = yield* RingBuffer.producer(there)
      const ready = new Int32Array(new SharedArrayBuffer(4))
      yield* spawn({
        tag: "echo",
        wait,
        there: there.description,
        back: back.description,
        ready: ready.buffer
      })
      Atomics.wait(ready, 0, 0)
      const ask = (event: { value: number }, value: number) => {
        event.value = value
      }
      let answer = -1
      const read = (event: { readonly value: number }) => void (answer = event.value)
      const all: Array<number> = []
      const spinning = () => {
        while (poller.poll(read) === 0);
      }
      return {
        sample: Effect.gen(function*() {
          const taken: Array<number> = []
          for (let round = 0; round < rounds; round++) {
            const began = now()
            producer.tryPublish(ask, round)
            if (wait === "spin") spinning()
            else {
              yield* poller.ready
              poller.poll(read)
            }
            taken.push((now() - began) / 2)
            yield* Scenario.expect("answer", answer, round)
          }
          all.push(...taken)
          return Statistics.median(taken)
        }),
        params: Effect.sync(() => ({
          p50: Statistics.percentile(all, 0.5),
          p99: Statistics.percentile(all, 0.99),
          "p99.9": Statistics.percentile(all, 0.999)
        }))
      }
    })
  })
