/** Contracts whose messages may hold what cannot cross threads. */
import { assert, describe, it } from "@effect/vitest"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import { Placement } from "@troupe/runtime/Placement"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Desk, Keeper } from "./fixtures/Desk.ts"
import { keeperLive } from "./fixtures/deskLive.ts"
import { workers } from "./fixtures/desks.ts"

describe("a local contract", () => {
  it.effect("may hold what cannot cross threads, and keeps a pool from coming up (S29, S59)", () =>
    Effect.gen(function*() {
      const keeper = yield* Keeper.spawn(() => "first")
      assert.strictEqual(yield* keeper.ask("Call"), "first")
      const handle = (): string => "second"
      yield* keeper.tell("Keep", { handle })
      assert.strictEqual(yield* keeper.ask("Handle"), handle)
      const pool = ActorSystem.layerWorkers({
        entry: new URL("./fixtures/worker.silent.ts", import.meta.url),
        hosts: [Desk, Keeper]
      })
      const error = yield* Effect.flip(Effect.scoped(Layer.build(pool)))
      assert.deepInclude(error.reason, { _tag: "LocalContract", actor: "Keeper" })
      assert.include(error.message, "the contract of Keeper is local")
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(keeperLive, ActorSystem.layer))))

  it.live("lets its actor be sent from other threads what can cross (S59)", () =>
    Effect.gen(function*() {
      const keeper = yield* Keeper.spawn(() => "kept")
      const desk = yield* Effect.provideService(Desk.spawn(), Placement, 1)
      assert.strictEqual(yield* desk.ask("Give", { to: keeper }), "kept, InvalidMessage, InvalidMessage")
    }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(keeperLive, workers(1)))))
})
