import { assert, describe, it } from "@effect/vitest"
import * as Layout from "@troupe/runtime/Layout"
import * as Pipeline from "@troupe/runtime/Pipeline"
import * as RingBuffer from "@troupe/runtime/RingBuffer"
import * as WaitStrategy from "@troupe/runtime/WaitStrategy"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"

const Trade = Layout.make(Schema.Struct({
  id: Layout.Uint32,
  price: Schema.Number,
  fee: Schema.Number,
  risk: Schema.Number
}))
type Trade = Layout.Type<typeof Trade>

const set = (event: Layout.View<Trade>, id: number) => {
  event.id = id
  event.price = id * 10
  event.fee = 0
  event.risk = 0
}
const setBatch = (event: Layout.View<Trade>, id: number, index: number) => set(event, id + index)

/** A consumer that keeps the ids it saw. */
const recorder = (name: string, options?: Partial<Pipeline.Consumer<Trade>>) => {
  const ids: Array<number> = []
  const stage = Pipeline.consumer(Trade, { name, onEvent: (event) => void ids.push(event.id), ...options })
  return { ids, stage }
}

const ids = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i)

const publishAll = (producer: RingBuffer.Producer<Trade>, count: number, from = 0) =>
  Effect.forEach(ids(count, from), (id) => producer.publish(set, id), { discard: true })

const quiet = Effect.provide(Logger.layer([]))

const strategies: ReadonlyArray<readonly [string, WaitStrategy.WaitStrategy]> = [
  ["busySpin", WaitStrategy.busySpin],
  ["yielding", WaitStrategy.yielding()],
  ["spinThenPark", WaitStrategy.spinThenPark({ spins: 10, turns: 2 })],
  ["park", WaitStrategy.park],
  ["block", WaitStrategy.block({ spins: 1 })]
]

describe("Pipeline", () => {
  describe.each(["single", "multi"] as const)("on a ring for %s producers", (producers) => {
    const make = Effect.fnUntraced(function*(capacity: number) {
      const ring = yield* RingBuffer.make(Trade, { capacity, producers, start: 2 ** 31 - 9 })
      return { ring, producer: yield* RingBuffer.producer(ring) }
    })

    it.live.each(strategies)(
      "shows one consumer every event, in order, waiting by %s",
      ([, wait]) =>
        Effect.gen(function*() {
          const { producer, ring } = yield* make(8)
          const one = recorder("one", { wait })
          const pipeline = yield* Pipeline.run(ring, one.stage)
          yield* publishAll(producer, 100)
          assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
          assert.deepStrictEqual(one.ids, ids(100))
          yield* pipeline.ended
        }).pipe(Effect.scoped)
    )

    it.live("shows every event to each of several, and shares it out among others", () =>
      Effect.gen(function*() {
        const { producer, ring } = yield* make(8)
        const [a, b] = [recorder("a"), recorder("b")]
        const shares = [recorder("s0"), recorder("s1"), recorder("s2")] as const
        const pipeline = yield* Pipeline.run(
          ring,
          Pipeline.parallel(
            a.stage,
            b.stage,
            Pipeline.share(shares[0].stage, shares[1].stage, shares[2].stage)
          )
        )
        yield* publishAll(producer, 100)
        assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
        assert.deepStrictEqual(a.ids, ids(100))
        assert.deepStrictEqual(b.ids, ids(100))
        assert.deepStrictEqual(shares.flatMap((share) => share.ids).sort((x, y) => x - y), ids(100))
        assert(shares.every((share) => share.ids.length >= 33))
      }).pipe(Effect.scoped))

    it.live("runs stages in series and a diamond: the last sees what the others set in place", () =>
      Effect.gen(function*() {
        const { producer, ring } = yield* make(8)
        const seen: Array<Trade> = []
        const fee = Pipeline.consumer(Trade, {
          name: "fee",
          writes: ["fee"],
          onEvent: (event) => {
            event.fee = event.price / 10
          }
        })
        const risk = Pipeline.consumer(Trade, {
          name: "risk",
          writes: ["risk"],
          onEvent: (event) => {
            event.risk = event.price + 1
          }
        })
        const last = Pipeline.consumer(Trade, {
          name: "last",
          onEvent: (event) => void seen.push(Trade.read(event))
        })
        const pipeline = yield* Pipeline.run(ring, Pipeline.series(Pipeline.parallel(fee, risk), last))
        yield* publishAll(producer, 100)
        assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
        assert.deepStrictEqual(
          seen,
          ids(100).map((id) => ({ id, price: id * 10, fee: id, risk: id * 10 + 1 }))
        )
      }).pipe(Effect.scoped))

    it.live("tells the start and the end of each batch", () =>
      Effect.gen(function*() {
        const { producer, ring } = yield* make(16)
        const log: Array<string> = []
        const pipeline = yield* Pipeline.run(
          ring,
          Pipeline.consumer(Trade, {
            name: "one",
            maxBatch: 4,
            onBatchStart: (size) => void log.push(`start ${size}`),
            onEvent: (event, _, last) => void log.push(`${event.id}${last ? " last" : ""}`),
            onBatchEnd: () => void log.push("end")
          })
        )
        yield* producer.publishBatch(6, setBatch, 0)
        yield* Pipeline.drain(pipeline)
        assert.deepStrictEqual(log, [
          "start 4",
          "0",
          "1",
          "2",
          "3 last",
          "end",
          "start 2",
          "4",
          "5 last",
          "end"
        ])
      }).pipe(Effect.scoped))

    it.live("adds a consumer and takes one out while it runs, and what followed it goes on", () =>
      Effect.gen(function*() {
        const { producer, ring } = yield* make(8)
        const [a, b, c, late] = [recorder("a"), recorder("b"), recorder("c"), recorder("late")]
        const pipeline = yield* Pipeline.run(ring, Pipeline.series(a.stage, b.stage, c.stage))
        yield* publishAll(producer, 50)
        while (c.ids.length < 50) yield* Effect.sleep(1)
        yield* Pipeline.add(pipeline, late.stage, { after: ["c"] })
        assert.strictEqual((yield* Effect.flip(Pipeline.add(pipeline, late.stage)))._tag, "PipelineError")
        assert.strictEqual(
          (yield* Effect.flip(Pipeline.add(pipeline, recorder("x").stage, { after: ["y"] })))._tag,
          "PipelineError"
        )
        yield* publishAll(producer, 50, 50)
        while (late.ids.length < 50) yield* Effect.sleep(1)
        assert(yield* Pipeline.remove(pipeline, "b"))
        assert(!(yield* Pipeline.remove(pipeline, "b")))
        yield* publishAll(producer, 50, 100)
        assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
        assert.deepStrictEqual(a.ids, ids(150))
        assert.deepStrictEqual(b.ids, ids(100))
        assert.deepStrictEqual(c.ids, ids(150))
        assert.deepStrictEqual(late.ids, ids(100, 50))
        yield* pipeline.ended
        assert.deepStrictEqual(
          (yield* Pipeline.status(pipeline)).map((
            { behind, handled, name, state }
          ) => [name, behind, handled, state]),
          [["a", 0, 150, "ended"], ["c", 0, 150, "ended"], ["late", 0, 100, "ended"]]
        )
      }).pipe(Effect.scoped))

    describe("a handler that throws", () => {
      const failing = (at: (id: number) => boolean, onFailure?: Pipeline.Policy) => {
        const seen: Array<number> = []
        const stage = Pipeline.consumer(Trade, {
          name: "failing",
          ...(onFailure && { onFailure }),
          onEvent: (event) => {
            if (at(event.id)) throw new Error(`event ${event.id}`)
            seen.push(event.id)
          }
        })
        return { seen, stage }
      }

      it.live("is passed over by default, reported, and freezes nobody", () =>
        Effect.gen(function*() {
          const { producer, ring } = yield* make(4)
          const one = failing((id) => id % 3 === 0)
          const after = recorder("after")
          const pipeline = yield* Pipeline.run(ring, Pipeline.series(one.stage, after.stage))
          yield* publishAll(producer, 30)
          assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
          assert.deepStrictEqual(one.seen, ids(30).filter((id) => id % 3 !== 0))
          assert.deepStrictEqual(after.ids, ids(30))
          const failures = yield* Queue.takeAll(pipeline.failures)
          assert.strictEqual(failures.length, 10)
          assert.strictEqual(failures[1]!.sequence, (2 ** 31 - 9 + 1 + 3) >>> 0)
          assert.deepInclude(failures[1], { consumer: "failing", attempt: 1, decision: "skip" })
          assert.instanceOf(failures[1]!.error, Error)
        }).pipe(Effect.scoped, quiet))

      it.live("stops the pipeline when told so: producers are refused, what was published before is handled", () =>
        Effect.gen(function*() {
          const { producer, ring } = yield* make(4)
          const one = failing((id) => id === 5, Pipeline.stop)
          const after = recorder("after")
          const pipeline = yield* Pipeline.run(ring, Pipeline.series(one.stage, after.stage))
          const refused = yield* Effect.flip(publishAll(producer, 30))
          assert.strictEqual(refused._tag, "RingClosed")
          const stopped = yield* Effect.flip(pipeline.ended)
          assert.strictEqual(stopped._tag, "PipelineStopped")
          assert.strictEqual(stopped.consumer, "failing")
          assert((yield* Pipeline.drain(pipeline)) >= 0)
          assert.deepStrictEqual(one.seen, ids(5))
          assert.deepStrictEqual(after.ids, ids(5))
        }).pipe(Effect.scoped, quiet))

      it.live("has its batch handled again, then goes on as told", () =>
        Effect.gen(function*() {
          const { producer, ring } = yield* make(8)
          let tries = 0
          const one = failing((id) => id === 2 && ++tries <= 2, Pipeline.retry({ times: 3 }))
          const two = failing((id) => id === 2, Pipeline.retry({ times: 2, finally: "skip" }))
          const renamed = Pipeline.consumer(Trade, {
            name: "two",
            onFailure: Pipeline.retry({ times: 2 }),
            onEvent: (event) => {
              if (event.id === 2) throw new Error("always")
              two.seen.push(event.id)
            }
          })
          const pipeline = yield* Pipeline.run(ring, Pipeline.parallel(one.stage, renamed))
          yield* producer.publishBatch(4, setBatch, 0)
          assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
          assert.deepStrictEqual(one.seen, [0, 1, 0, 1, 0, 1, 2, 3])
          assert.deepStrictEqual(two.seen, [0, 1, 0, 1, 0, 1, 3])
          const failures = yield* Queue.takeAll(pipeline.failures)
          assert.deepStrictEqual(
            failures.filter((failure) => failure.consumer === "two").map((
              failure
            ) => [failure.attempt, failure.decision]),
            [[1, "retry"], [2, "retry"], [3, "skip"]]
          )
        }).pipe(Effect.scoped, quiet))

      it.live("in a callback for the batch is a failure like any other", () =>
        Effect.gen(function*() {
          const { producer, ring } = yield* make(8)
          const one = recorder("one", {
            onBatchStart: () => {
              throw new Error("start")
            },
            onBatchEnd: () => {
              throw new Error("end")
            }
          })
          const pipeline = yield* Pipeline.run(ring, one.stage)
          yield* producer.publishBatch(3, setBatch, 0)
          assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
          assert.deepStrictEqual(one.ids, [0, 1, 2])
          assert.strictEqual((yield* Queue.takeAll(pipeline.failures)).length, 2)
        }).pipe(Effect.scoped, quiet))
    })

    it.live("drains no longer than its deadline, and says how many events are left", () =>
      Effect.gen(function*() {
        const { producer, ring } = yield* make(8)
        // served by nobody
        const pipeline = yield* Pipeline.run(ring, Pipeline.elsewhere(Trade, { name: "nobody" }))
        yield* publishAll(producer, 5)
        assert.strictEqual(yield* Pipeline.drain(pipeline, { timeout: 20 }), 5)
        assert(yield* Pipeline.remove(pipeline, "nobody", { timeout: 1 }))
      }).pipe(Effect.scoped))

    it.live("halts its consumers when the scope closes, and the ring goes on", () =>
      Effect.gen(function*() {
        const { producer, ring } = yield* make(4)
        const first = recorder("one")
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Pipeline.run(ring, first.stage)
          yield* publishAll(producer, 10)
        }))
        const handled = first.ids.length
        const second = recorder("one")
        const pipeline = yield* Pipeline.run(ring, second.stage)
        yield* publishAll(producer, 10, 10)
        yield* Pipeline.drain(pipeline)
        assert.strictEqual(first.ids.length, handled)
        assert.deepStrictEqual(first.ids, ids(handled))
        assert.deepStrictEqual(second.ids, ids(10, 10))
      }).pipe(Effect.scoped))

    it.live("serves a consumer that is elsewhere, and another goes on where the first ended", () =>
      Effect.gen(function*() {
        const { producer, ring } = yield* make(4)
        const pipeline = yield* Pipeline.run(ring, Pipeline.elsewhere(Trade, { name: "there" }))
        const description = structuredClone({ ...Pipeline.description(pipeline), ring: undefined })
        const there = recorder("there")
        const attached = yield* RingBuffer.attach(Trade, ring.description)
        const served = { ...description, ring: ring.description }
        assert.strictEqual(
          (yield* Effect.flip(Pipeline.serve(attached, served, recorder("who").stage)))._tag,
          "PipelineError"
        )
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Pipeline.serve(attached, served, there.stage)
          yield* publishAll(producer, 20)
        }))
        yield* Pipeline.serve(attached, served, there.stage)
        yield* publishAll(producer, 20, 20)
        assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
        assert.deepStrictEqual(there.ids, ids(40))
      }).pipe(Effect.scoped))
  })

  it.live("leaves the event loop its turns while events pour in", () =>
    Effect.gen(function*() {
      const ring = yield* RingBuffer.make(Trade, { capacity: 64 })
      const producer = yield* RingBuffer.producer(ring)
      const timer = yield* Deferred.make<void>()
      // Each event that is handled makes the next, for ever.
      let next = 0
      const pipeline = yield* Pipeline.run(
        ring,
        Pipeline.consumer(Trade, {
          name: "echo",
          maxBatch: 1,
          onEvent: () => void queueMicrotask(() => producer.tryPublish(set, next++))
        })
      )
      setTimeout(() => Deferred.doneUnsafe(timer, Exit.void), 1)
      assert(producer.tryPublish(set, next++))
      yield* Deferred.await(timer)
      yield* Pipeline.drain(pipeline)
    }).pipe(Effect.scoped))

  it.live("does as a fold over the graph does, for every graph", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          graph,
          fc.constantFrom(2, 4, 16),
          fc.integer({ min: 1, max: 60 }),
          (graph, capacity, count) =>
            Effect.runPromise(Effect.scoped(Effect.gen(function*() {
              const log = new Map<string, Array<number>>()
              const order: Array<readonly [string, number]> = []
              const { stage, names } = build(graph, (name, id) => {
                log.get(name)!.push(id)
                order.push([name, id])
              })
              for (const name of names) log.set(name, [])
              const ring = yield* RingBuffer.make(Trade, { capacity, start: 2 ** 32 - 20 })
              const producer = yield* RingBuffer.producer(ring)
              const pipeline = yield* Pipeline.run(ring, stage)
              yield* publishAll(producer, count)
              assert.strictEqual(yield* Pipeline.drain(pipeline), 0)
              for (const name of names) assert.deepStrictEqual(log.get(name), ids(count))
              const at = new Map(order.map(([name, id], i) => [`${name}/${id}`, i]))
              for (const [before, after] of edges(graph)) {
                for (let id = 0; id < count; id++) {
                  assert.isBelow(at.get(`${before}/${id}`)!, at.get(`${after}/${id}`)!)
                }
              }
            })))
        ),
        { numRuns: 40 }
      )
    ))

  it("refuses, when compiled, two in parallel that write one field, a write to a field not declared, and foreign events", () => {
    const fee = Pipeline.consumer(Trade, { name: "a", writes: ["fee"], onEvent: () => {} })
    const both = Pipeline.consumer(Trade, { name: "b", writes: ["fee", "risk"], onEvent: () => {} })
    const Other = Layout.make(Schema.Struct({ x: Schema.Number }))
    const foreign = Pipeline.consumer(Other, { name: "c", onEvent: () => {} })
    Pipeline.series(fee, both)
    Pipeline.share(fee, both)
    // @ts-expect-error both write the fee
    Pipeline.parallel(fee, both)
    // @ts-expect-error events of another layout
    Pipeline.series(fee, foreign)
    Pipeline.consumer(Trade, {
      name: "d",
      writes: ["risk"],
      onEvent: (event) => {
        event.risk = 1
        // @ts-expect-error not declared
        event.fee = 1
      }
    })
    // @ts-expect-error no such field
    Pipeline.consumer(Trade, { name: "e", writes: ["nothing"], onEvent: () => {} })
    const add = (pipeline: Pipeline.Pipeline<Trade>) => {
      // @ts-expect-error who is added later must not write
      return Pipeline.add(pipeline, fee)
    }
    assert.isFunction(add)
  })

  it.live("is interrupted while it drains", () =>
    Effect.gen(function*() {
      const ring = yield* RingBuffer.make(Trade, { capacity: 4 })
      const producer = yield* RingBuffer.producer(ring)
      const pipeline = yield* Pipeline.run(ring, Pipeline.elsewhere(Trade, { name: "nobody" }))
      yield* producer.publish(set, 1)
      const draining = yield* Effect.forkChild(Pipeline.drain(pipeline))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(draining)
      yield* Pipeline.remove(pipeline, "nobody", { timeout: 1 })
    }).pipe(Effect.scoped))
})

type Graph =
  | { readonly tag: "one" }
  | { readonly tag: "parallel" | "series"; readonly parts: ReadonlyArray<Graph> }

const { graph } = fc.letrec<{ graph: Graph }>((tie) => ({
  graph: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constant<Graph>({ tag: "one" }),
    fc.record({
      tag: fc.constantFrom("parallel" as const, "series" as const),
      parts: fc.array(tie("graph"), { minLength: 1, maxLength: 3 })
    })
  )
}))

/** Names by the place in the graph, so that the twin finds the same ones. */
const leaves = (graph: Graph, path = "c"): ReadonlyArray<string> =>
  graph.tag === "one" ? [path] : graph.parts.flatMap((part, i) => leaves(part, `${path}.${i}`))

const build = (graph: Graph, see: (name: string, id: number) => void) => {
  const stageOf = (graph: Graph, path: string): Pipeline.Stage<Trade> => {
    if (graph.tag === "one") {
      return Pipeline.consumer(Trade, { name: path, onEvent: (event) => see(path, event.id) })
    }
    const [first, ...rest] = graph.parts.map((part, i) => stageOf(part, `${path}.${i}`))
    return graph.tag === "parallel" ? Pipeline.parallel(first!, ...rest) : Pipeline.series(first!, ...rest)
  }
  return { stage: stageOf(graph, "c"), names: leaves(graph) }
}

/** Who must have seen an event before whom. */
const edges = (graph: Graph, path = "c"): ReadonlyArray<readonly [string, string]> => {
  if (graph.tag === "one") return []
  const inner = graph.parts.flatMap((part, i) => edges(part, `${path}.${i}`))
  if (graph.tag === "parallel") return inner
  const parts = graph.parts.map((part, i) => leaves(part, `${path}.${i}`))
  return [
    ...inner,
    ...parts.slice(1).flatMap((after, i) => parts[i]!.flatMap((x) => after.map((y) => [x, y] as const)))
  ]
}
