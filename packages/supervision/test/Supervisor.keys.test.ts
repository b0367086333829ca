import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem } from "@troupe/runtime"
import { Data, Effect, Layer, References, Schedule, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import { RestartPolicy, Supervisor } from "../src/index.ts"

class Small extends Data.TaggedError("Small") {}

const Cell = Actor.make("Cell", {
  protocol: RpcGroup.make(
    Rpc.make("Add", { payload: { n: Schema.Int } }),
    Rpc.make("Total", { success: Schema.Int }),
    Rpc.make("Crash"),
    Rpc.make("Throw")
  )
})
const CellLive = Cell.toLayer({
  state: Schema.Int,
  initial: () => 0,
  handlers: {
    Add: (total, { n }) => Actor.next(total + n),
    Total: (total) => Actor.reply(total, total),
    Crash: () => Actor.crash(new Small()),
    Throw: () => {
      throw new Error("thrown")
    }
  }
})

const policy = RestartPolicy.tag("Small", "resume").pipe(
  RestartPolicy.orElse(RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.spaced("1 second"))))
)

const system = CellLive.pipe(
  Layer.provide(Supervisor.layerKeys(policy)),
  Layer.provideMerge(ActorSystem.layer),
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
)

describe("Supervisor.layerKeys", () => {
  it.effect("each key has its own fate, and keeps its mailbox while it waits to be restarted", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* Cell.keyed("a"), yield* Cell.keyed("b")]
      for (const cell of [a, b]) yield* cell.tell("Add", { n: 1 })
      yield* a.tell("Crash")
      assert.strictEqual(yield* a.ask("Total"), 1)
      yield* a.tell("Throw")
      yield* a.tell("Add", { n: 5 })
      const asked = yield* Effect.forkChild(a.ask("Total"))
      assert.strictEqual(yield* b.ask("Total"), 1)
      yield* TestClock.adjust("999 millis")
      assert.isUndefined(asked.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* a.ask("Total"), 5)
    }).pipe(Effect.provide(system)))
})
