import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, Swarm } from "@troupe/runtime"
import { Effect, Fiber, Layer, Logger, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Child, Supervisor } from "../src/index.ts"

const Cell = Swarm.make("Cell", {
  protocol: RpcGroup.make(Rpc.make("Burst"), Rpc.make("Read", { success: Schema.Number })),
  state: Schema.Struct({ n: Schema.Number }),
  onFailure: "stop"
})

const CellLive = Cell.toLayer({
  handlers: {
    Burst: () => {
      throw new Error("burst")
    },
    Read: (cell) => Actor.reply(cell, cell.n)
  }
})

/** With instances from the beginning: what a restart begins with. */
const populated = Layer.tap(CellLive, (context) =>
  Effect.provideContext(
    Effect.flatMap(Cell.population, (cells) => cells.spawnMany(10, (n) => ({ n }))),
    context
  ))

describe("a swarm as a child", () => {
  it.live("is made anew when a handler has stopped it (S89)", () =>
    Effect.gen(function*() {
      const supervisor = Supervisor.make("Dish", {
        children: [
          Child.layer("cells", populated, {
            while: Effect.flatMap(Cell.population, (cells) => cells.awaitEnd)
          })
        ]
      })
      yield* Effect.gen(function*() {
        const running = yield* Supervisor.running(supervisor)
        const restarted = yield* running.events.pipe(
          Stream.filter(({ _tag }) => _tag === "ChildStarted"),
          Stream.take(1),
          Stream.runDrain,
          Effect.forkScoped({ startImmediately: true })
        )
        const cells = Effect.gen(function*() {
          return yield* Effect.provideContext(Cell.population, yield* Supervisor.child(supervisor, "cells"))
        })
        const before = yield* cells
        const [id] = yield* before.ids
        yield* before.tell(id!, "Burst")
        yield* Fiber.join(restarted)
        const after = yield* cells
        assert.notStrictEqual(after, before)
        assert.isFalse(before.tellUnsafe(id!, "Read"))
        assert.strictEqual(after.count, 10)
        const ids = yield* after.ids
        assert.strictEqual(yield* after.ask(ids[3]!, "Read"), 3)
      }).pipe(Effect.scoped, Effect.provide(Supervisor.layer(supervisor)))
    }).pipe(Effect.provide(ActorSystem.layer), Effect.provide(Logger.layer([]))))
})
