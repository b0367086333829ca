/** Time that a test moves, on one thread and on several, and waiting until all is quiet. */
import { assert, describe, it } from "@effect/vitest"
import type * as Actor from "@troupe/runtime/Actor"
import type * as ActorSystem from "@troupe/runtime/ActorSystem"
import type { AskError } from "@troupe/runtime/AskError"
import * as TestProbe from "@troupe/runtime/testing/TestProbe"
import * as TestSystem from "@troupe/runtime/testing/TestSystem"
import * as WorkerPool from "@troupe/runtime/WorkerPool"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { Hearing, live, Ticker } from "../fixtures/Ticker.ts"

const entry = new URL("../fixtures/worker.ticker.ts", import.meta.url)

const silent = Layer.succeed(References.MinimumLogLevel, "None")

const pool = Layer.provide(TestSystem.layerWorkers({ entry, hosts: [Ticker], workers: 2 }), silent)

type Services = ActorSystem.ActorSystem | Actor.Hosted<"Ticker"> | Scope.Scope

const places: ReadonlyArray<
  readonly [name: string, layer: Layer.Layer<Exclude<Services, Scope.Scope>, unknown>]
> = [
  ["on this thread", Layer.provideMerge(live(() => 0, () => {}), TestSystem.layer)],
  ["on two workers", pool]
]

/** Keys of both workers, one after the other. */
const keys = ["a", "b", "c", "d", "e", "f", "g", "h"]

describe("TestSystem", () => {
  for (const [place, layer] of places) {
    const run = (sentence: string, program: Effect.Effect<void, unknown, Services>) =>
      it.effect(sentence, () => program.pipe(Effect.scoped, Effect.provide(layer)))

    describe(place, () => {
      run(
        "moves all clocks alike: what follows from a timer comes at its time (S132)",
        Effect.gen(function*() {
          const probe = yield* TestProbe.make(Hearing)
          const first = yield* Ticker.keyed("a")
          yield* first.tell("Pass", { millis: 1000, keys, hops: 0, to: probe.ref })
          yield* TestSystem.adjust(8999)
          yield* probe.expectNothing
          yield* TestClock.adjust(1)
          yield* probe.expect("Heard", { at: 9000, hops: 8 })
        })
      )

      run(
        "wakes effects that sleep, in the order of their times (S132)",
        Effect.gen(function*() {
          const probe = yield* TestProbe.make(Hearing)
          for (const [n, key] of keys.entries()) {
            yield* (yield* Ticker.keyed(key)).tell("Sleep", { millis: (8 - n) * 100, to: probe.ref })
          }
          yield* TestSystem.adjust("1 second")
          for (let n = 1; n <= 8; n++) yield* probe.expect("Heard", { at: n * 100, hops: 0 })
        })
      )

      run(
        "has an ask's deadline pass",
        Effect.gen(function*() {
          const probe = yield* TestProbe.make(Hearing)
          const sleeper = yield* Ticker.keyed("a")
          yield* sleeper.tell("Sleep", { millis: 60_000, to: probe.ref })
          const asking = yield* Effect.forkChild(
            Effect.flip(sleeper.ask("Thread", undefined, { timeout: "30 seconds" }))
          )
          yield* TestSystem.adjust("30 seconds")
          assert.strictEqual(((yield* Fiber.join(asking)) as AskError).reason._tag, "AskTimeout")
        })
      )

      run(
        "is quiet when all is handled, and says how much waits where it is not (S133)",
        Effect.gen(function*() {
          const probe = yield* TestProbe.make(Hearing)
          const sleeper = yield* Ticker.keyed("a")
          yield* TestSystem.quiet
          yield* sleeper.tell("Sleep", { millis: 1000, to: probe.ref })
          yield* TestSystem.quiet
          for (const key of ["a", "a", "b"]) {
            yield* (yield* Ticker.keyed(key)).tell("Sleep", { millis: 1, to: probe.ref })
          }
          assert.deepStrictEqual(yield* TestSystem.settle, { waiting: 2 })
          const error = yield* Effect.flip(TestSystem.quiet)
          assert.strictEqual(error.waiting, 2)
          yield* TestSystem.adjust("2 seconds")
          yield* TestSystem.quiet
        })
      )
    })
  }

  it.effect("gives a thread that was started again the time of the others (S132)", () =>
    Effect.gen(function*() {
      const probe = yield* TestProbe.make(Hearing)
      const ticker = yield* Ticker.keyed("a")
      yield* TestSystem.adjust("1 hour")
      const before = yield* ticker.ask("Thread")
      yield* ticker.tell("Die")
      let after = before
      while (after === before) after = yield* Effect.orElseSucceed(ticker.ask("Thread"), () => before)
      yield* TestSystem.adjust("1 minute")
      yield* ticker.tell("Sleep", { millis: 1000, to: probe.ref })
      yield* TestSystem.adjust("1 minute")
      yield* probe.expect("Heard", { at: 3_661_000, hops: 0 })
    }).pipe(Effect.scoped, Effect.provide(pool)))

  it.effect("moves the clocks of workers that came later (S132)", () =>
    Effect.gen(function*() {
      const probe = yield* TestProbe.make(Hearing)
      yield* TestSystem.adjust("1 hour")
      yield* Effect.flatMap(WorkerPool.WorkerPool, (pool) => pool.resize(2))
      yield* TestSystem.adjust("1 minute")
      for (const key of keys) {
        yield* (yield* Ticker.keyed(key)).tell("Sleep", { millis: 1000, to: probe.ref })
      }
      yield* TestSystem.adjust("1 second")
      for (const _ of keys) yield* probe.expect("Heard", { at: 3_661_000, hops: 0 })
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Layer.provide(
          TestSystem.layerWorkers({ entry, hosts: [Ticker], workers: 1, maxWorkers: 2 }),
          silent
        )
      )
    ))
})
