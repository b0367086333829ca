/** A swarm whose instances come and go for long. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Swarm from "@troupe/runtime/Swarm"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

describe("Swarm", () => {
  const Mayfly = Swarm.make("Mayfly", {
    protocol: RpcGroup.make(Rpc.make("Renew")),
    state: Schema.Struct({ age: Schema.Number, song: Schema.String }),
    turns: "manual"
  })
  const MayflyLive = Mayfly.toLayer({
    handlers: {
      Renew: (fly, _, ctx) => {
        ctx.spawn(Mayfly, { age: fly.age + 1, song: "x".repeat((fly.age * 7) % 50) })
        return Actor.stop()
      }
    }
  })

  it.effect(
    "five million that are born, and as many that end, take the memory that the first ones took (S86)",
    () =>
      Effect.gen(function*() {
        const flies = yield* Mayfly.population
        yield* flies.spawnMany(50_000, (age) => ({ age, song: "" }))
        const renew = Effect.andThen(flies.broadcast("Renew"), flies.step)
        // Songs have 50 lengths, of which the first ones come late.
        for (let n = 0; n < 50; n++) yield* renew
        const { byteLength } = flies
        for (let n = 0; n < 50; n++) yield* renew
        assert.strictEqual(flies.count, 50_000)
        assert.strictEqual((yield* flies.stats).ended, 5_000_000)
        assert.strictEqual(flies.byteLength, byteLength)
        assert.deepInclude(Option.getOrThrow(yield* flies.get((yield* flies.ids)[7]!)), { age: 107 })
      }).pipe(Effect.provide(MayflyLive), Effect.provide(ActorSystem.layer)),
    60_000
  )
})
