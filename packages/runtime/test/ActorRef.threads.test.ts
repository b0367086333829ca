import { assert, describe, it } from "@effect/vitest"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Subject } from "./fixtures/Subject.ts"
import { workers } from "./fixtures/places.ts"

/** Answers that the making thread still waits for from worker 1. */
const open = Effect.map(
  ActorSystem.ActorSystem,
  (system) =>
    (system as unknown as { readonly mesh: { peer(thread: number): { readonly open: number } } }).mesh.peer(1)
      .open
)

describe("ActorRef", () => {
  describe("ask", () => {
    it.live("lets go of an answer from another thread when its asker gives up", () =>
      Effect.gen(function*() {
        const subject = yield* Subject.spawn()
        const asks = yield* Effect.forEach(Array.from({ length: 100 }, (_, i) => i), (i) =>
          Effect.forkChild(subject.ask("Promise", { id: `given up ${i}` }), { startImmediately: true }))
        assert.strictEqual(yield* open, 100)
        yield* Fiber.interruptAll(asks)
        assert.strictEqual(yield* open, 0)
        assert.deepStrictEqual(yield* subject.ask("Numbers"), [])
      }).pipe(Effect.scoped, Effect.provide(workers(1))))
  })
})
