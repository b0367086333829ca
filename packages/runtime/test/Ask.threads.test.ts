import { assert, describe, it } from "@effect/vitest"
import type * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Ask from "@troupe/runtime/Ask"
import * as Placement from "@troupe/runtime/Placement"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Num from "effect/Number"
import { Oracle, Unclear } from "./fixtures/Oracle.ts"

const system = ActorSystem.layerWorkers({
  entry: new URL("./fixtures/worker.oracle.ts", import.meta.url),
  hosts: [Oracle],
  workers: 2
})

type Ref = Actor.Ref<typeof Oracle>

const spawn = Effect.all([1, 2].map((worker) => Placement.on(Oracle.spawn(), worker)))

/** Answers that this thread still waits for. */
const open = Effect.map(ActorSystem.ActorSystem, (system) => {
  const { mesh } = system as unknown as { mesh: { peer(thread: number): { readonly open: number } } }
  return mesh.peer(1).open + mesh.peer(2).open
})

describe("Ask", () => {
  it.live("asks actors of several threads at a time, and gives up what it does not need (S70, S72, S73)", () =>
    Effect.gen(function*() {
      const [a, b] = (yield* spawn) as [Ref, Ref]
      assert.deepStrictEqual(yield* Ask.all({ a: a.ask("Now", { n: 1 }), b: b.ask("Now", { n: 2 }) }), {
        a: 1,
        b: 2
      })
      assert.strictEqual(yield* Ask.race([a.ask("Held", { n: 1 }), b.ask("Now", { n: 2 })]), 2)
      const failed = yield* Effect.flip(Ask.all([a.ask("Held", { n: 1 }), b.ask("Unclear", { n: 2 })]))
      assert.deepStrictEqual(failed, new Unclear({ n: 2 }))
      const late = yield* Effect.flip(Ask.quorum([a.ask("Held", { n: 1 })], { timeout: 20 }))
      assert.strictEqual(late._tag === "AskError" && late.reason._tag, "AskTimeout")
      assert.strictEqual(yield* open, 0)
      // Late answers find nobody.
      yield* a.ask("Release", { count: 3 })
      assert.strictEqual(yield* a.ask("Now", { n: 3 }), 3)
      const waiting = yield* Effect.forkChild(Ask.all([1, 2].map((n) => b.ask("Held", { n }))), {
        startImmediately: true
      })
      assert.strictEqual(yield* open, 2)
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(yield* open, 0)
    }).pipe(Effect.scoped, Effect.provide(system)))

  it.live("reduces over keys of all threads, with so many questions under way and no more (S74)", () =>
    Effect.gen(function*() {
      const byKey = yield* Oracle.byKey
      const ns = Array.from({ length: 5000 }, (_, n) => n)
      let most = 0
      const system = yield* ActorSystem.ActorSystem
      const sum = yield* Ask.reduce(
        ns,
        (n) => {
          most = Math.max(most, Effect.runSync(Effect.provideService(open, ActorSystem.ActorSystem, system)))
          return byKey(String(n % 10)).ask("Now", { n })
        },
        Num.ReducerSum,
        { concurrency: 100 }
      )
      assert.strictEqual(sum, 12_497_500)
      assert.isAbove(most, 1)
      assert.isBelow(most, 100)
      assert.strictEqual(yield* open, 0)
    }).pipe(Effect.scoped, Effect.provide(system)))
})
