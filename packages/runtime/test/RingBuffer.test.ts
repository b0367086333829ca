import { assert, describe, it } from "@effect/vitest"
import * as Layout from "@troupe/runtime/Layout"
import * as Memory from "@troupe/runtime/Memory"
import * as RingBuffer from "@troupe/runtime/RingBuffer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"

const Event = Layout.make(Schema.Struct({ id: Layout.Uint32, price: Schema.Number }))
type Event = { readonly id: number; readonly price: number }

/** Starts near which sequences wrap, signed and unsigned. */
const starts = [-1, 0, 2 ** 31 - 5, 2 ** 31 - 1, 2 ** 32 - 5, 2 ** 32 - 1] as const
const kinds = ["single", "multi"] as const

const set = (event: { id: number; price: number }, id: number) => {
  event.id = id
  event.price = id / 2
}
const setBatch = (event: { id: number; price: number }, id: number, index: number) => set(event, id + index)

const drainIds = (poller: RingBuffer.Poller<Event>, limit?: number): Array<number> => {
  const ids: Array<number> = []
  poller.poll((event) => {
    assert.strictEqual(event.price, event.id / 2)
    ids.push(event.id)
  }, limit)
  return ids
}

/**
 * The naive twin: every event ever published in one array, and for each consumer how many it has passed. Nothing
 * wraps, nothing is cached, and room is computed anew each time.
 */
class Twin {
  readonly events: Array<number | undefined> = []
  readonly consumers = new Map<number, { passed: number; follows: number | undefined }>()
  readonly capacity: number
  constructor(capacity: number) {
    this.capacity = capacity
  }
  room(count: number): boolean {
    const passed = [...this.consumers.values()].map((consumer) => consumer.passed)
    return this.events.length + count - Math.min(this.events.length, ...passed) <= this.capacity
  }
  poll(key: number, limit: number): ReadonlyArray<number> {
    const consumer = this.consumers.get(key)!
    const end = consumer.follows === undefined
      ? this.events.length
      : this.consumers.get(consumer.follows)!.passed
    const seen = this.events.slice(consumer.passed, Math.min(end, consumer.passed + limit))
    consumer.passed += seen.length
    return seen.filter((id) => id !== undefined)
  }
}

type Command =
  | { readonly op: "publish"; readonly producer: number; readonly count: number; readonly failAt: number }
  | { readonly op: "poll"; readonly consumer: number; readonly limit: number }
  | { readonly op: "join"; readonly after: number }
  | { readonly op: "leave"; readonly consumer: number }

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("publish" as const),
      producer: fc.nat(1),
      count: fc.integer({ min: 1, max: 5 }),
      failAt: fc.integer({ min: 0, max: 20 })
    })
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("poll" as const),
      consumer: fc.nat(3),
      limit: fc.integer({ min: 1, max: 9 })
    })
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("join" as const), after: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("leave" as const), consumer: fc.nat(3) }) }
)

describe("RingBuffer", () => {
  describe.each(kinds)("for %s producers", (kind) => {
    const agrees = (commands: ReadonlyArray<Command>, start: number, capacity: number) =>
      Effect.gen(function*() {
        const ring = yield* RingBuffer.make(Event, { capacity, producers: kind, start })
        const producers = [yield* RingBuffer.producer(ring)]
        if (kind === "multi") producers.push(yield* RingBuffer.producer(ring))
        const twin = new Twin(capacity)
        const pollers: Array<{ key: number; poller: RingBuffer.Poller<Event>; scope: Scope.Closeable }> = []
        let next = 0
        let keys = 0
        const join = Effect.fnUntraced(function*(after: number) {
          const followed = pollers[after]
          const scope = yield* Scope.make()
          const poller = yield* RingBuffer.poller(ring, { after: followed ? [followed.poller] : [] }).pipe(
            Scope.provide(scope)
          )
          const key = keys++
          twin.consumers.set(key, {
            passed: followed ? twin.consumers.get(followed.key)!.passed : twin.events.length,
            follows: followed?.key
          })
          pollers.push({ key, poller, scope })
        })
        yield* join(99)
        for (const command of commands) {
          switch (command.op) {
            case "publish": {
              const producer = producers[command.producer] ?? producers[0]!
              if (command.count > capacity) {
                assert.throws(() => producer.tryPublishBatch(command.count, setBatch, next), RangeError)
                break
              }
              const expected = twin.room(command.count)
              const fails = command.failAt < command.count
              let published: boolean | "threw"
              try {
                published = producer.tryPublishBatch(command.count, (event, id: number, index) => {
                  if (index === command.failAt) throw new Error("on purpose")
                  setBatch(event, id, index)
                }, next)
              } catch {
                published = "threw"
              }
              assert.strictEqual(published, expected ? fails ? "threw" : true : false)
              if (expected) {
                for (let i = 0; i < command.count; i++) {
                  // of a claim that failed, a single producer gives the rest back; of several, it is skipped
                  if (i < command.failAt) twin.events.push(next + i)
                  else if (kind === "multi") twin.events.push(undefined)
                }
                next += command.count
              }
              break
            }
            case "poll": {
              const each = pollers[command.consumer % Math.max(1, pollers.length)]
              if (each) {
                assert.deepStrictEqual(drainIds(each.poller, command.limit), [
                  ...twin.poll(each.key, command.limit)
                ])
              }
              break
            }
            case "join":
              if (pollers.length < 4) yield* join(command.after)
              break
            case "leave": {
              if (pollers.length < 2) break
              const [gone] = pollers.splice(command.consumer % pollers.length, 1)
              yield* Scope.close(gone!.scope, yield* Effect.exit(Effect.void))
              const { follows } = twin.consumers.get(gone!.key)!
              twin.consumers.delete(gone!.key)
              for (const consumer of twin.consumers.values()) {
                if (consumer.follows === gone!.key) consumer.follows = follows
              }
              break
            }
          }
        }
        for (let rounds = 0; rounds < 5; rounds++) {
          for (const { key, poller } of pollers) {
            assert.deepStrictEqual(drainIds(poller), [...twin.poll(key, capacity)])
          }
        }
        assert.strictEqual((yield* RingBuffer.status(ring)).backlog, 0)
      }).pipe(Effect.scoped)

    it("does what a plain array does, whatever the order, wherever sequences wrap", () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(command, { maxLength: 120 }),
          fc.constantFrom(...starts),
          fc.constantFrom(2, 4, 8),
          (commands, start, capacity) => Effect.runPromise(agrees(commands, start, capacity))
        ),
        { numRuns: 300 }
      ))

    it.effect("refuses when full, and accepts again when the slowest has moved on", () =>
      Effect.gen(function*() {
        const ring = yield* RingBuffer.make(Event, { capacity: 4, producers: kind })
        const fast = yield* RingBuffer.poller(ring)
        const slow = yield* RingBuffer.poller(ring)
        const producer = yield* RingBuffer.producer(ring)
        for (let i = 0; i < 4; i++) assert(producer.tryPublish(set, i))
        assert(!producer.tryPublish(set, 4))
        assert.deepStrictEqual(drainIds(fast), [0, 1, 2, 3])
        assert(!producer.tryPublish(set, 4))
        assert.deepStrictEqual(drainIds(slow, 1), [0])
        assert(producer.tryPublish(set, 4))
        assert(!producer.tryPublishBatch(2, setBatch, 5))
        assert.deepStrictEqual(drainIds(fast), [4])
        assert.deepStrictEqual(drainIds(slow), [1, 2, 3, 4])
      }).pipe(Effect.scoped))

    it.effect("rethrows what a callback throws, and never shows its slot", () =>
      Effect.gen(function*() {
        const ring = yield* RingBuffer.make(Event, { capacity: 4, producers: kind })
        const poller = yield* RingBuffer.poller(ring)
        const producer = yield* RingBuffer.producer(ring)
        const boom = new Error("boom")
        for (let i = 0; i < 20; i++) {
          assert.throws(() =>
            producer.tryPublish(() => {
              throw boom
            }), "boom")
          assert(producer.tryPublish(set, i))
          assert.deepStrictEqual(drainIds(poller), [i])
        }
        assert.strictEqual((yield* RingBuffer.status(ring)).skipped, kind === "multi" ? 20 : 0)
        assert.throws(() => producer.tryPublish(() => void producer.tryPublish(set, 1)), "being written")
        const defect = yield* Effect.exit(producer.publish(() => {
          throw boom
        }))
        assert.strictEqual(defect._tag, "Failure")
        assert(producer.tryPublish(set, 99))
        assert.deepStrictEqual(drainIds(poller), [99])
      }).pipe(Effect.scoped))

    it.effect("lets a gated producer wait, wakes it, and lets it be interrupted without a claim", () =>
      Effect.gen(function*() {
        const ring = yield* RingBuffer.make(Event, { capacity: 2, producers: kind })
        const poller = yield* RingBuffer.poller(ring)
        const producer = yield* RingBuffer.producer(ring)
        yield* producer.publishBatch(2, setBatch, 0)
        const waiting = yield* Effect.forkChild(producer.publish(set, 2))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(waiting)
        assert.deepStrictEqual(drainIds(poller), [0, 1])
        yield* producer.publishBatch(2, setBatch, 3)
        const again = yield* Effect.forkChild(producer.publish(set, 5))
        yield* Effect.yieldNow
        assert.deepStrictEqual(drainIds(poller), [3, 4])
        yield* Fiber.join(again)
        assert.deepStrictEqual(drainIds(poller), [5])
      }).pipe(Effect.scoped))

    it.effect("fails a producer that waits when the ring closes, and lets consumers read the rest", () =>
      Effect.gen(function*() {
        const ring = yield* RingBuffer.make(Event, { capacity: 2, producers: kind })
        const poller = yield* RingBuffer.poller(ring)
        const producer = yield* RingBuffer.producer(ring)
        yield* producer.publishBatch(2, setBatch, 0)
        const waiting = yield* Effect.forkChild(producer.publish(set, 2))
        yield* Effect.yieldNow
        yield* RingBuffer.close(ring)
        const error = yield* Effect.flip(Fiber.join(waiting))
        assert.strictEqual(error._tag, "RingClosed")
        assert(!producer.tryPublish(set, 3))
        assert(yield* poller.ready)
        assert.deepStrictEqual(drainIds(poller), [0, 1])
        assert(!(yield* poller.ready))
      }).pipe(Effect.scoped))

    it.effect("streams plain values out and takes them in", () =>
      Effect.gen(function*() {
        const ring = yield* RingBuffer.make(Event, { capacity: 8, producers: kind })
        // entered before the first event, so that it sees them all
        const poller = yield* RingBuffer.poller(ring)
        const reading = yield* RingBuffer.stream(ring, { poller, chunkSize: 3 }).pipe(
          Stream.runCollect,
          Effect.forkChild
        )
        const producer = yield* RingBuffer.producer(ring)
        const values = Array.from({ length: 100 }, (_, id) => ({ id, price: id * 1.5 }))
        yield* Stream.fromIterable(values).pipe(
          Stream.rechunk(7),
          Stream.run(RingBuffer.sink(ring, producer))
        )
        yield* Stream.fromIterable(values).pipe(
          Stream.rechunk(50),
          Stream.run(RingBuffer.sink(ring, producer))
        )
        yield* RingBuffer.close(ring)
        assert.deepStrictEqual([...(yield* Fiber.join(reading))], [...values, ...values])
      }).pipe(Effect.scoped))
  })

  it.effect("has one producer at a time, or up to 32", () =>
    Effect.gen(function*() {
      const single = yield* RingBuffer.make(Event, { capacity: 2 })
      yield* Effect.scoped(RingBuffer.producer(single))
      yield* RingBuffer.producer(single)
      assert.strictEqual((yield* Effect.flip(RingBuffer.producer(single)))._tag, "RingError")
      const multi = yield* RingBuffer.make(Event, { capacity: 2, producers: "multi" })
      for (let i = 0; i < 32; i++) yield* RingBuffer.producer(multi)
      assert.strictEqual((yield* Effect.flip(RingBuffer.producer(multi)))._tag, "RingError")
    }).pipe(Effect.scoped))

  it.effect("has up to 31 consumers", () =>
    Effect.gen(function*() {
      const ring = yield* RingBuffer.make(Event, { capacity: 2 })
      for (let i = 0; i < 31; i++) yield* RingBuffer.poller(ring)
      assert.strictEqual((yield* Effect.flip(RingBuffer.poller(ring)))._tag, "RingError")
    }).pipe(Effect.scoped))

  it.effect("attaches only what is such a ring", () =>
    Effect.gen(function*() {
      const ring = yield* RingBuffer.make(Event, { capacity: 4 })
      const poller = yield* RingBuffer.poller(ring)
      const again = yield* RingBuffer.attach(Event, ring.description)
      const producer = yield* RingBuffer.producer(again)
      assert(producer.tryPublish(set, 7))
      assert.deepStrictEqual(drainIds(poller), [7])
      const Other = Layout.make(Schema.Struct({ id: Layout.Uint32 }))
      const foreign = yield* Memory.allocate({ name: "foreign", byteLength: 1 << 16 })
      for (
        const [layout, description] of [
          [Other, ring.description],
          [Event, { ...ring.description, capacity: 8 }],
          [Event, { ...ring.description, producers: "multi" }],
          [Event, { ...ring.description, memory: foreign.descriptor }]
        ] as const
      ) {
        const error = yield* Effect.flip(RingBuffer.attach(layout as typeof Event, description))
        assert.strictEqual(error._tag, "RingError")
      }
    }).pipe(Effect.scoped))

  it.effect("lies in memory that cannot be waited on, such as a mapped file", () =>
    Effect.gen(function*() {
      const heap = Memory.makeHeap()
      const mapped: Memory.Service = {
        ...heap,
        allocate: (request) =>
          request.waitable
            ? heap.allocate(request)
            : Effect.map(
              heap.allocate(request),
              (region) => ({ ...region, buffer: new ArrayBuffer(region.byteLength), waitable: false })
            )
      }
      const ring = yield* RingBuffer.make(Event, { capacity: 2, producers: "multi" }).pipe(
        Effect.provideService(Memory.Memory, mapped)
      )
      const poller = yield* RingBuffer.poller(ring)
      const waiting = yield* Effect.forkChild(poller.ready)
      yield* Effect.yieldNow
      const producer = yield* RingBuffer.producer(ring)
      yield* producer.publish(set, 1)
      assert(yield* Fiber.join(waiting))
      assert.deepStrictEqual(drainIds(poller), [1])
    }).pipe(Effect.scoped))

  it.effect("skips what a dead producer had claimed, and nothing else", () =>
    Effect.gen(function*() {
      const ring = yield* RingBuffer.make(Event, { capacity: 8, producers: "multi", start: 2 ** 31 - 3 })
      const poller = yield* RingBuffer.poller(ring)
      const dead = yield* RingBuffer.reserve(ring)
      const dying = yield* RingBuffer.producer(ring, { line: dead })
      const living = yield* RingBuffer.producer(ring)
      const gone = new Error("the thread is gone")
      // A producer that dies in the callback leaves its claim: the repair runs before the callback ends.
      let repaired: Effect.Effect<number> | undefined
      assert(living.tryPublish(set, 1))
      assert.throws(() =>
        dying.tryPublishBatch(3, (event, _, index) => {
          set(event, 2)
          if (index < 2) return
          assert(living.tryPublish(set, 3))
          assert.deepStrictEqual(drainIds(poller), [1])
          repaired = RingBuffer.repair(ring, dead)
          assert.strictEqual(Effect.runSync(repaired), 3)
          assert.deepStrictEqual(drainIds(poller), [3])
          throw gone
        }), "gone")
      assert.strictEqual((yield* RingBuffer.status(ring)).repaired, 3)
    }).pipe(Effect.scoped))
})
