/** Streamed replies whose maker's thread, or whose taker's, ends. */
import { assert, describe, it } from "@effect/vitest"
import { Placement } from "@troupe/runtime/Placement"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Places from "../src/internal/place.ts"
import { Desk } from "./fixtures/Desk.ts"
import { type Services, workers } from "./fixtures/desks.ts"
import { fresh, reasonOf } from "./fixtures/places.ts"
import { Gate } from "./fixtures/Subject.ts"

const run = <E>(program: Effect.Effect<void, E, Services | Scope.Scope>) =>
  program.pipe(
    Effect.scoped,
    Effect.provide(Layer.provide(workers(2), Layer.succeed(References.MinimumLogLevel, "None")))
  )

const spawnOn = (worker: number) => Effect.provideService(Desk.spawn(), Placement, worker)
const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** A key of a desk, or of a gate, that lives on this worker. */
const keyOn = (actor: string, worker: number): string => {
  const place = Places.make([1, 2])
  for (;;) {
    const key = fresh("key")
    if (place(actor, key) === worker) return key
  }
}

describe("a streamed reply between threads", () => {
  it.live("fails when its maker's thread ends (S31, S56)", () =>
    run(Effect.gen(function*() {
      const gate = keyOn("Gate", 2)
      const [desk, killer] = [yield* spawnOn(1), yield* spawnOn(1)]
      const counting = yield* fork(
        reasonOf(Stream.runDrain(desk.stream("CountAtGate", { gate, ending: "ends" })))
      )
      yield* Effect.flatMap(Gate.keyed(gate), (gate) => gate.ask("Reached"))
      yield* killer.tell("Exit")
      assert.deepInclude(yield* Fiber.join(counting), { _tag: "ThreadLost", thread: 1 })
    })))

  it.live("is interrupted when its taker's thread ends (S56)", () =>
    run(Effect.gen(function*() {
      const key = keyOn("Desk", 2)
      const [maker, taker] = [yield* Desk.keyed(key), yield* spawnOn(1)]
      yield* taker.tell("Listen", { to: key })
      yield* Effect.repeat(maker.ask("Counted"), { until: (counted) => counted > 1000 })
      yield* taker.tell("Exit")
      assert.deepStrictEqual(yield* maker.ask("Await", { lines: 1 }), ["counting is over"])
    })))

  it.live("fails when an element does not fit, and its actor goes on (S15, S56)", () =>
    run(Effect.gen(function*() {
      const desk = yield* spawnOn(1)
      const seen: Array<number> = []
      const reason = yield* reasonOf(
        Stream.runForEach(desk.stream("CountTooFar"), (n) => Effect.sync(() => seen.push(n)))
      )
      assert.strictEqual(reason._tag, "InvalidMessage")
      assert.deepStrictEqual(seen, [1, 2])
      assert.deepStrictEqual(yield* desk.ask("Notes"), [])
    })))
})
