import { assert, describe, it } from "@effect/vitest"
import * as Placement from "@troupe/runtime/Placement"
import * as Effect from "effect/Effect"
import { Doomed, Ledger, Spawned } from "./fixtures/Doomed.ts"
import { pool, terminate, until } from "./fixtures/doomedPool.ts"

const threadOf = (place: Placement.Place) =>
  Placement.on(Effect.flatMap(Spawned.spawn(), (actor) => actor.ask("Thread")), place)

const run = <A, E>(effect: Effect.Effect<A, E, any>) => {
  Ledger.make()
  return Effect.scoped(effect).pipe(Effect.provide(pool({ workers: 3 }))) as Effect.Effect<A, unknown>
}

describe("Placement", () => {
  it.live("spawns on the worker that is named", () =>
    run(Effect.gen(function*() {
      const threads = yield* Effect.forEach([1, 2, 3, 3, 1], threadOf)
      assert.deepStrictEqual(threads, ["troupe-1", "troupe-2", "troupe-3", "troupe-3", "troupe-1"])
    })), 30_000)

  it.live(
    "fails for a worker that there is not, and for a thread that does not host it",
    () =>
      run(Effect.gen(function*() {
        for (const place of [0, 4, -1, 1.5]) {
          const error = yield* Effect.flip(Placement.on(Spawned.spawn(), place))
          assert.strictEqual(error._tag, "SpawnError")
          assert.include(error.message, `no worker ${place}`)
        }
        const error = yield* Effect.flip(Placement.on(Spawned.spawn(), "here"))
        assert.include(error.message, "does not host it")
      })),
    30_000
  )

  it.live(
    "spreads by number unless it is told otherwise, and counts anew where a thread has ended",
    () =>
      run(Effect.gen(function*() {
        const six = yield* Effect.forEach(Array.from({ length: 6 }), () => threadOf("fewest"))
        assert.deepStrictEqual([...six].sort(), [1, 1, 2, 2, 3, 3].map((n) => `troupe-${n}`))
        yield* terminate(2)
        const two = yield* Effect.forEach(Array.from({ length: 2 }), () => threadOf("fewest"))
        assert.deepStrictEqual(two, ["troupe-2", "troupe-2"])
      })),
    30_000
  )

  it.live("goes where the fewest messages wait", () => {
    const ledger = Ledger.make()
    return Effect.gen(function*() {
      for (const [worker, messages] of [[1, 300], [2, 20], [3, 100]] as const) {
        const busy = yield* Placement.on(Spawned.spawn(), worker)
        busy.tellUnsafe("Hang")
        for (let n = 1; n <= messages; n++) busy.tellUnsafe("Take", { from: worker, n })
      }
      yield* until(Effect.sync(() => ledger.calls === 3))
      assert.strictEqual(yield* threadOf("leastLoaded"), "troupe-2")
    }).pipe(Effect.scoped, Effect.provide(pool({ workers: 3 })))
  }, 30_000)

  it.live("says nothing about keys", () =>
    run(Effect.gen(function*() {
      const one = yield* Effect.flatMap(Doomed.keyed("1"), (actor) => actor.ask("Thread"))
      const other = yield* Placement.on(Effect.flatMap(Doomed.keyed("1"), (actor) => actor.ask("Thread")), 2)
      assert.strictEqual(one, other)
    })), 30_000)
})
