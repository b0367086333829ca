import { assert, describe, it } from "@effect/vitest"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Router from "@troupe/runtime/Router"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { Jobs } from "./fixtures/Jobs.ts"
import { JobsLive, seen } from "./fixtures/jobsLive.ts"

const systems = [
  ["on one thread", Layer.provideMerge(JobsLive, ActorSystem.layer)],
  [
    "between threads",
    ActorSystem.layerWorkers({
      entry: new URL("./fixtures/worker.jobs.ts", import.meta.url),
      hosts: [Jobs],
      workers: 1
    })
  ]
] as const

/** What has happened where the jobs are, once it is so much. */
const until = (count: number) =>
  Effect.flatMap(
    Jobs.keyed("watcher"),
    (watcher) =>
      Effect.repeat(Effect.andThen(Effect.sleep(1), watcher.ask("Seen")), {
        until: (seen) => seen.length >= count
      })
  )

const begin = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.forkChild(effect, { startImmediately: true })

for (const [where, system] of systems) {
  describe(`Message.interruptible, ${where}`, () => {
    it.live("interrupts the handler when its asker gives up, and keeps the state (S76)", () => {
      seen.length = 0
      return Effect.gen(function*() {
        const job = yield* Jobs.spawn()
        const late = yield* Effect.flip(job.ask("Long", { name: "late" }, { timeout: 20 }))
        assert.strictEqual(late.reason._tag, "AskTimeout")
        assert.deepStrictEqual(yield* until(2), ["late begins", "late is interrupted"])
        const asker = yield* begin(job.ask("Aside", { name: "aside" }))
        yield* until(3)
        yield* Fiber.interrupt(asker)
        assert.deepStrictEqual((yield* until(4)).slice(2), ["aside begins", "aside is interrupted"])
        // It lives, and is idle.
        assert.strictEqual((yield* job.ask("Seen")).length, 4)
      }).pipe(Effect.scoped, Effect.provide(system))
    })

    it.live("does not begin what its asker has given up before its turn (S76)", () => {
      seen.length = 0
      return Effect.gen(function*() {
        const job = yield* Jobs.spawn()
        const first = yield* begin(job.ask("Long", { name: "first" }))
        const second = yield* begin(job.ask("Long", { name: "second" }))
        yield* until(1)
        yield* Fiber.interrupt(second)
        yield* Fiber.interrupt(first)
        yield* until(2)
        assert.deepStrictEqual(yield* job.ask("Seen"), ["first begins", "first is interrupted"])
      }).pipe(Effect.scoped, Effect.provide(system))
    })

    it.live("gives up what the handler asks in turn (S76)", () => {
      seen.length = 0
      return Effect.gen(function*() {
        const job = yield* Jobs.spawn()
        yield* Effect.flip(job.ask("Nested", { name: "inner" }, { timeout: 20 }))
        assert.deepStrictEqual(yield* until(2), ["inner begins", "inner is interrupted"])
        yield* job.ask("Seen")
      }).pipe(Effect.scoped, Effect.provide(system))
    })

    it.live("has a pool's member be idle again (S76)", () => {
      seen.length = 0
      return Effect.gen(function*() {
        const pool = yield* Router.pool(Jobs, { members: 1 })
        const one = yield* begin(pool.ask("Long", { name: "one" }))
        yield* until(1)
        // Given up while it waits for the member.
        yield* Effect.flip(pool.ask("Long", { name: "two" }, { timeout: 1 }))
        yield* Fiber.interrupt(one)
        // The member comes to this: whatever it began is interrupted.
        const seen = yield* pool.ask("Seen")
        assert.deepStrictEqual(seen.slice(0, 2), ["one begins", "one is interrupted"])
        assert.include([2, 4], seen.length)
      }).pipe(Effect.scoped, Effect.provide(system))
    })

    it.live("leaves other messages alone, and those that nobody asked (S16)", () => {
      seen.length = 0
      return Effect.gen(function*() {
        const [told, asked] = [yield* Jobs.spawn(), yield* Jobs.spawn()]
        told.tellUnsafe("Long", { name: "told" })
        yield* Effect.flip(asked.ask("Stubborn", { name: "stubborn" }, { timeout: 20 }))
        assert.deepStrictEqual((yield* until(2)).toSorted(), ["stubborn begins", "told begins"])
        yield* Effect.flip(told.ask("Seen", undefined, { timeout: 20 }))
        assert.strictEqual((yield* until(2)).length, 2)
      }).pipe(Effect.scoped, Effect.provide(system))
    })
  })
}
