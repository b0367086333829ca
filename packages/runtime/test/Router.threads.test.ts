import { assert, describe, it } from "@effect/vitest"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Router from "@troupe/runtime/Router"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Doomed, Ledger } from "./fixtures/Doomed.ts"
import { live } from "./fixtures/doomedLive.ts"
import { pool, settled, terminate, until } from "./fixtures/doomedPool.ts"
import { letters, reasonOf } from "./fixtures/places.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

describe("Router", () => {
  it.live("has all workers work, and none idle while another one is at a long job (S38)", () => {
    Ledger.make()
    return Effect.gen(function*() {
      const all = yield* Router.pool(Doomed)
      const threads = yield* Effect.forEach(numbers(60), () => all.ask("Thread"), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual([...new Set(threads)].sort(), ["troupe-1", "troupe-2"])
      // One of the two never comes back to it.
      const hanging = yield* Effect.forkChild(Effect.exit(all.ask("Never")), { startImmediately: true })
      const others = yield* Effect.forEach(numbers(60), () => all.ask("Thread"), { concurrency: "unbounded" })
      assert.strictEqual(new Set(others).size, 1)
      yield* Fiber.interrupt(hanging)
    }).pipe(Effect.scoped, Effect.provide(pool({ workers: 2 })))
  }, 30_000)

  it.live("lets what is told wait until somebody is idle", () => {
    const ledger = Ledger.make()
    return Effect.gen(function*() {
      const all = yield* Router.pool(Doomed, { members: 3 })
      for (const _ of numbers(30)) all.tellUnsafe("Never")
      yield* until(Effect.sync(() => ledger.calls === 3))
      assert.strictEqual((yield* reasonOf(all.ask("Thread", undefined, { timeout: 20 })))._tag, "AskTimeout")
      assert.strictEqual(ledger.calls, 3)
    }).pipe(Effect.scoped, Effect.provide(pool({ workers: 2 })))
  }, 30_000)

  it.live("replaces a member whose thread has ended: its ask fails, those that wait do not (S38)", () => {
    const ledger = Ledger.make()
    return Effect.gen(function*() {
      const all = yield* Router.pool(Doomed)
      const hanging = yield* Effect.forkChild(reasonOf(all.ask("Never")), { startImmediately: true })
      const waiting = yield* Effect.forkChild(
        Effect.forEach(numbers(5), () => all.ask("Thread"), { concurrency: "unbounded" }),
        { startImmediately: true }
      )
      yield* until(Effect.sync(() => ledger.calls === 1))
      yield* terminate(1)
      assert.strictEqual((yield* Fiber.join(hanging))._tag, "ThreadLost")
      assert.deepStrictEqual([...new Set(yield* Fiber.join(waiting))], ["troupe-1"])
      const { deadLettered, lost } = yield* settled
      assert.deepStrictEqual({ deadLettered, lost }, { deadLettered: 0, lost: 0 })
    }).pipe(Effect.scoped, Effect.provide(pool({ workers: 1 })))
  }, 30_000)

  it.live("ends with its scope: what waits is dead letters (S38)", () => {
    const ledger = Ledger.make()
    return Effect.gen(function*() {
      const scope = yield* Scope.make()
      const all = yield* Effect.provideService(Router.pool(Doomed), Scope.Scope, scope)
      for (const _ of numbers(4)) all.tellUnsafe("Never")
      yield* until(Effect.sync(() => ledger.calls === 1))
      const dead = yield* letters(3, ({ tag }) => tag === "Never")
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual((yield* dead).map(({ reason }) => reason), ["Ended", "Ended", "Ended"])
      assert.strictEqual((yield* reasonOf(all.ask("Thread")))._tag, "DeadRef")
    }).pipe(Effect.scoped, Effect.provide(pool({ workers: 1 })))
  }, 30_000)

  it.live("works on one thread as well", () => {
    Ledger.make()
    return Effect.gen(function*() {
      const all = yield* Router.pool(Doomed, { members: 4 })
      const answers = yield* Effect.forEach(numbers(20), () => all.ask("Thread"), {
        concurrency: "unbounded"
      })
      assert.strictEqual(answers.length, 20)
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(live, ActorSystem.layer)))
  })
})
