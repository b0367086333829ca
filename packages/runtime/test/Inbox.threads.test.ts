import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Ledger } from "./fixtures/Doomed.ts"
import { pool } from "./fixtures/doomedPool.ts"
import { Movable } from "./fixtures/Movable.ts"

describe("Inbox", () => {
  it.live(
    "lets timers have their turn though many messages wait whose handlers take their time (S18)",
    () => {
      Ledger.make()
      return Effect.gen(function*() {
        const grinder = yield* Movable.keyed("grinder")
        const napper = yield* Movable.keyed("napper")
        assert.strictEqual(yield* napper.ask("Nap"), 0)
        // While it is busy all the others come.
        grinder.tellUnsafe("Grind", { millis: 100 })
        const nap = yield* Effect.forkChild(napper.ask("Nap"), { startImmediately: true })
        for (let i = 0; i < 600; i++) grinder.tellUnsafe("Grind", { millis: 1 })
        // 4 ms of them would do; it takes some until that is seen.
        assert.isBelow(yield* Fiber.join(nap), 200)
      }).pipe(Effect.provide(pool({ workers: 1 })))
    },
    30_000
  )
})
