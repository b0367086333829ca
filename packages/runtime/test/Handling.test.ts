/** What becomes of what an actor has in hand, has stashed and has begun, when it starts again. */
import { assert, describe, it } from "@effect/vitest"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as Overseer from "@troupe/runtime/Overseer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { Desk } from "./fixtures/Desk.ts"
import { here, type Services } from "./fixtures/desks.ts"
import { fresh, reasonOf } from "./fixtures/places.ts"
import { Gate } from "./fixtures/Subject.ts"

const run = <E>(program: Effect.Effect<void, E, Services | Scope.Scope>) =>
  program.pipe(
    Effect.scoped,
    Effect.provide(Layer.provide(here, Layer.succeed(References.MinimumLogLevel, "None")))
  )

const fork = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })
const settled = Effect.repeat(Effect.yieldNow, { times: 10 })
const overseen = (directive: Overseer.Directive) =>
  Effect.map(Overseer.spawn(Desk, Overseer.make(() => Effect.succeed(directive))), ({ ref }) => ref)

describe("an actor that starts again", () => {
  it.effect("has what was stashed before what waits, in order, with its askers (S52)", () =>
    run(Effect.gen(function*() {
      const desk = yield* overseen("restart")
      yield* desk.tell("Visit", { n: 1 })
      const visit = yield* fork(desk.ask("Visit", { n: 2 }))
      yield* desk.tell("Crash")
      yield* desk.tell("Visit", { n: 3 })
      yield* desk.tell("Open")
      assert.deepStrictEqual(yield* desk.ask("Notes"), ["opened", "visit 1", "visit 2", "visit 3"])
      assert.strictEqual(yield* Fiber.join(visit), 2)
    })))

  it.effect("has its behaviour's own handlers (S50)", () =>
    run(Effect.gen(function*() {
      const desk = yield* overseen("restart")
      yield* desk.ask("Open")
      yield* desk.tell("Crash")
      assert.strictEqual((yield* reasonOf(desk.ask("Odd", { n: 1 })))._tag, "Unhandled")
    })))

  it.effect("hears nothing of effects and timers of the incarnation before (S53, S54, S55)", () =>
    run(Effect.gen(function*() {
      const gate = fresh("gate")
      const desk = yield* overseen("restart")
      const errand = yield* fork(reasonOf(desk.ask("Errand", { gate })))
      yield* desk.tell("Fetch", { gate })
      yield* desk.tell("Once", { key: "once", millis: 10, line: "once" })
      yield* desk.tell("Every", { key: "every", millis: 10, line: "every" })
      assert.isTrue(yield* desk.ask("Active", { key: "every" }))
      yield* desk.tell("Crash")
      assert.deepInclude(yield* Fiber.join(errand), { _tag: "ActorEnded", failure: "on purpose" })
      assert.isFalse(yield* desk.ask("Active", { key: "every" }))
      yield* Effect.flatMap(Gate.keyed(gate), (gate) => gate.ask("Open"))
      yield* TestClock.adjust(100)
      yield* settled
      assert.deepStrictEqual(yield* desk.ask("Notes"), [])
      yield* desk.ask("Once", { key: "once", millis: 10, line: "new" })
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(yield* desk.ask("Notes"), ["new"])
    })))

  it.effect("does not hear of a timer that had run off before, and waited for its turn (S55)", () =>
    run(Effect.gen(function*() {
      const gate = fresh("gate")
      const desk = yield* overseen("restart")
      yield* desk.tell("Once", { key: "once", millis: 10, line: "once" })
      const busy = yield* fork(reasonOf(desk.ask("Busy", { gate })))
      yield* Effect.flatMap(Gate.keyed(gate), (gate) => gate.ask("Reached"))
      yield* TestClock.adjust(10)
      yield* ActorRef.kill(desk)
      assert.strictEqual((yield* Fiber.join(busy))._tag, "ActorEnded")
      assert.deepStrictEqual(yield* desk.ask("Notes"), [])
    })))
})

describe("an actor that goes on", () => {
  it.effect("owes nothing for an effect that died (S53)", () =>
    run(Effect.gen(function*() {
      const desk = yield* overseen("resume")
      yield* desk.ask("Note", { line: "before" })
      assert.deepInclude(yield* reasonOf(desk.ask("FatalErrand")), { _tag: "ActorEnded", failure: "lost" })
      assert.deepStrictEqual(yield* desk.ask("Notes"), ["before"])
    })))
})
