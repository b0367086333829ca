/** What is left of actors that were addressed from elsewhere, and of keys that nobody needs any more. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Registry from "@troupe/runtime/Registry"
import * as Effect from "effect/Effect"
import * as Hash from "effect/Hash"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as v8 from "node:v8"
import * as vm from "node:vm"

v8.setFlagsFromString("--expose-gc")
const collect = vm.runInNewContext("gc") as () => void

const live = Effect.promise(async () => {
  // Twice, since the first collection only queues what is to be finalised.
  for (let n = 0; n < 2; n++) {
    collect()
    await new Promise(setImmediate)
  }
  return process.memoryUsage().heapUsed
})

const Guest = Actor.make("Guest", { protocol: RpcGroup.make(Rpc.make("Visit", { success: Schema.Int })) })

const system = (passivation?: Actor.Passivation) =>
  Layer.provideMerge(
    Guest.toLayer({
      state: Schema.Int,
      initial: () => 0,
      handlers: { Visit: (visits) => Actor.reply(visits + 1, visits + 1) },
      passivation
    }),
    ActorSystem.layer
  )

const COUNT = 20_000

/** Bytes for each of those that a third round leaves behind. */
const left = <R>(round: (number: number) => Effect.Effect<void, unknown, R>) =>
  Effect.gen(function*() {
    yield* round(1)
    yield* round(2)
    const before = yield* live
    yield* round(3)
    return ((yield* live) - before) / COUNT
  })

describe("memory", () => {
  it.effect("S69: keys that have left, and to which nobody has a reference, leave nothing behind", () =>
    Effect.gen(function*() {
      const bytes = yield* left((round) =>
        Effect.gen(function*() {
          const byKey = yield* Guest.byKey
          for (let n = 0; n < COUNT; n++) {
            byKey(`${round}/${n}`).tellUnsafe("Visit")
            if (n % 100 === 0) yield* Effect.yieldNow
          }
          yield* byKey("last").ask("Visit")
        })
      )
      assert.isBelow(bytes, 30)
    }).pipe(Effect.provide(system({ capacity: 10 }))))

  it.effect("S61: actors that had identities, and were registered, leave nothing behind", () =>
    Effect.gen(function*() {
      const bytes = yield* left(() =>
        Effect.gen(function*() {
          const spawn = ActorSystem.provideScope(Guest.spawn())
          for (let n = 0; n < COUNT; n++) {
            const guest = yield* spawn
            Hash.hash(guest)
            yield* Effect.scoped(Registry.register(guest, `guest ${n}`))
            yield* ActorSystem.provideScope(Registry.register(guest, "guests"))
            yield* ActorRef.stop(guest)
          }
          assert.lengthOf(yield* Registry.all(Guest), 0)
        })
      )
      assert.isBelow(bytes, 60)
    }).pipe(Effect.provide(system())))
})
