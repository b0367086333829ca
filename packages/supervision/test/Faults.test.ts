import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, Memory } from "@troupe/runtime"
import { Clock, Effect, Exit, Fiber, Layer, References, Schema, type Scope } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Faults } from "../src/index.ts"

const Sink = Actor.make("Sink", {
  protocol: RpcGroup.make(
    Rpc.make("Put", { payload: { n: Schema.Int } }),
    Rpc.make("All", { success: Schema.Array(Schema.Int) })
  )
})
const SinkLive = Sink.toLayer({
  state: Schema.Array(Schema.Int),
  initial: () => [],
  handlers: {
    Put: (all, { n }) => Actor.next([...all, n]),
    All: (all) => Actor.reply(all, all)
  }
})

const Tight = Actor.make("Tight", {
  protocol: RpcGroup.make(Rpc.make("Put")),
  mailbox: { capacity: 1000, overflow: "fail" }
})
const TightLive = Tight.toLayer({
  state: Schema.Void,
  initial: () => undefined,
  handlers: { Put: () => Actor.next(undefined) }
})

const hurt = <A, E>(
  options: Faults.Options,
  program: (faults: Faults.Faults) => Effect.Effect<
    A,
    E,
    Layer.Success<typeof SinkLive> | Layer.Success<typeof TightLive> | ActorSystem.ActorSystem | Scope.Scope
  >
) =>
  Effect.gen(function*() {
    const faults = yield* Faults.make({ victims: (_, tag) => tag !== "All", ...options })
    const system = Layer.provideMerge(
      Layer.mergeAll(SinkLive, TightLive),
      Layer.provide(ActorSystem.layer, Faults.layer(faults))
    )
    return yield* program(faults).pipe(
      Effect.scoped,
      Effect.provide(system),
      Effect.provideService(References.MinimumLogLevel, "None")
    )
  })

const puts = (key: string, times: number) =>
  Effect.gen(function*() {
    const sink = yield* Sink.keyed(key)
    for (let n = 0; n < times; n++) yield* sink.tell("Put", { n })
    return yield* sink.ask("All")
  })

const sorted = (all: ReadonlyArray<number>) => all.toSorted((a, b) => a - b)
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe("Faults", () => {
  for (const kind of ["throw", "die", "fail", "kill", "stop"] as const) {
    it.effect(`${kind}: a key loses its state about as often as was asked`, () =>
      hurt({ seed: 1, rates: { [kind]: 0.1 } }, ({ counts }) =>
        Effect.gen(function*() {
          const sink = yield* Sink.keyed("a")
          for (let n = 0; n < 1000; n++) {
            yield* sink.tell("Put", { n })
            // Each one in its own turn: what waits when an actor ends is lost, and not hit.
            if (n % 10 === 9) yield* Effect.ignore(sink.ask("All"))
          }
          const hit = (yield* counts)[kind]
          assert.isAbove(hit, 20)
          assert.isBelow(hit, 150)
          const left = yield* sink.ask("All")
          assert.isBelow(left.length, 100)
        })))
  }

  for (const kind of ["throw", "die", "fail", "kill", "stop"] as const) {
    it.effect(`${kind}: whoever asked is told that there is no answer`, () =>
      hurt({ seed: 1, rates: { [kind]: 1 }, victims: () => true }, () =>
        Effect.gen(function*() {
          const sink = yield* Sink.keyed("a")
          const error = yield* Effect.flip(sink.ask("All"))
          assert.strictEqual(error.reason._tag, "ActorEnded")
        })))
  }

  it.effect("hang: whoever waits waits, until it is interrupted", () =>
    hurt({ seed: 1, rates: { hang: 1 } }, ({ counts }) =>
      Effect.gen(function*() {
        const sink = yield* Sink.keyed("a")
        yield* sink.tell("Put", { n: 1 })
        const asked = yield* Effect.forkChild(
          Effect.flip(sink.ask("All", undefined, { timeout: "1 second" }))
        )
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(asked)).reason._tag, "AskTimeout")
        assert.strictEqual((yield* counts).hang, 1)
      })))

  it.effect("drop: what is missing was dropped, and the rest is in order", () =>
    hurt({ seed: 3, rates: { drop: 0.2 } }, ({ counts }) =>
      Effect.gen(function*() {
        const all = yield* puts("a", 500)
        assert.strictEqual(500 - all.length, (yield* counts).drop)
        assert.deepStrictEqual(all, sorted(all))
        const [{ deadLettered, handled, sent }] =
          (yield* Effect.flatMap(ActorSystem.ActorSystem, ({ stats }) => stats)) as [
            ActorSystem.ThreadStats
          ]
        assert.strictEqual(sent, handled + deadLettered)
      })))

  it.effect("duplicate: what there is more came twice, one right behind the other", () =>
    hurt({ seed: 3, rates: { duplicate: 0.2 } }, ({ counts }) =>
      Effect.gen(function*() {
        const all = yield* puts("a", 500)
        assert.strictEqual(all.length - 500, (yield* counts).duplicate)
        assert.deepStrictEqual(all, sorted(all))
      })))

  it.effect("delay: late by the Clock, and nothing is lost", () =>
    hurt({ seed: 3, rates: { delay: 0.2 }, delay: "1 second" }, ({ counts }) =>
      Effect.gen(function*() {
        const late = (yield* counts).delay
        const before = yield* puts("a", 500)
        assert.strictEqual(500 - before.length, (yield* counts).delay - late)
        yield* TestClock.adjust("1 second")
        const sink = yield* Sink.keyed("a")
        assert.deepStrictEqual(sorted(yield* sink.ask("All")), upTo(500))
      })))

  it.effect("reorder: all of it, in another order", () =>
    hurt({ seed: 3, rates: { reorder: 0.2 } }, () =>
      Effect.gen(function*() {
        yield* puts("a", 500)
        yield* TestClock.adjust("10 millis")
        const sink = yield* Sink.keyed("a")
        const all = yield* sink.ask("All")
        assert.deepStrictEqual(sorted(all), upTo(500))
        assert.notDeepEqual(all, upTo(500))
      })))

  it.effect("full: a bounded mailbox refuses though it has room", () =>
    hurt({ seed: 3, rates: { full: 0.5 } }, ({ counts }) =>
      Effect.gen(function*() {
        const tight = yield* Tight.spawn()
        let refused = 0
        for (let n = 0; n < 100; n++) if (!tight.tellUnsafe("Put")) refused++
        assert.strictEqual(refused, (yield* counts).full)
        assert.isAbove(refused, 20)
      })))

  it.effect("a seed repeats a run, another one does not; what hits one is not changed by another", () =>
    Effect.gen(function*() {
      const run = (seed: number, others: number) =>
        hurt({ seed, rates: { drop: 0.1, duplicate: 0.1, reorder: 0.1 } }, () =>
          Effect.gen(function*() {
            for (let n = 0; n < others; n++) yield* puts("other", 10)
            return yield* puts("a", 200)
          }))
      assert.deepStrictEqual(yield* run(7, 0), yield* run(7, 0))
      assert.deepStrictEqual(yield* run(7, 0), yield* run(7, 5))
      assert.notDeepEqual(yield* run(7, 0), yield* run(8, 0))
    }))

  it.effect("a pause lets the system be", () =>
    hurt({ seed: 1, rates: { throw: 1 } }, ({ counts, pause, resume }) =>
      Effect.gen(function*() {
        yield* pause
        assert.deepStrictEqual(yield* puts("a", 10), upTo(10))
        assert.strictEqual((yield* counts).throw, 0)
        yield* resume
        yield* (yield* Sink.keyed("a")).tell("Put", { n: 1 })
        assert.deepStrictEqual(
          yield* (yield* Sink.keyed("a")).ask("All").pipe(Effect.catch(() => Effect.succeed([]))),
          []
        )
      })))

  it.effect("a slow clock sleeps longer, and says so", () =>
    Effect.gen(function*() {
      const slept = yield* Effect.forkChild(
        Effect.andThen(Effect.sleep("1 second"), Clock.currentTimeMillis).pipe(
          Effect.provide(Faults.layerSlowClock(3))
        )
      )
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(slept.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(slept.pollUnsafe(), Exit.succeed(1000))
    }))

  it.effect("memory is refused as often as was asked", () =>
    Effect.gen(function*() {
      const asked = yield* Effect.forEach(upTo(100), () =>
        Effect.exit(Memory.allocate({ name: "m", byteLength: 8 })))
      const refused = asked.filter(Exit.isFailure).length
      assert.isAbove(refused, 10)
      assert.isBelow(refused, 50)
    }).pipe(Effect.scoped, Effect.provide(Faults.layerFailingMemory({ seed: 5, rate: 0.3 }))))
})
