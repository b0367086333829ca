import { assert, describe, it } from "@effect/vitest"
import type { Hosted, HostedOf } from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Mailbox from "@troupe/runtime/Mailbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { settled, terminate, until } from "./fixtures/doomedPool.ts"
import { capacity, flood, Flooder, type Receiver, receivers } from "./mailboxActors.ts"

const pool: Layer.Layer<ActorSystem.ActorSystem | HostedOf<Receiver> | Hosted<"Flooder">, unknown> = Layer
  .provide(
    ActorSystem.layerWorkers({
      entry: new URL("./mailboxWorker.ts", import.meta.url),
      hosts: [...Object.values(receivers), Flooder],
      workers: 2,
      linkBytes: 1024,
      mailboxes: 256,
      restarts: { times: 1000, within: "1 minute" }
    }),
    Layer.succeed(References.MinimumLogLevel, "None")
  )

const keys = Array.from({ length: 8 }, (_, n) => `key-${n}`)

describe("Bounded mailboxes, when workers end", () => {
  for (const overflow of ["suspend", "fail", "dropOldest"] as const) {
    it.live(
      `${overflow}: places whose messages died are given back, and no more than those`,
      () =>
        Effect.gen(function*() {
          const refs = yield* Effect.forEach(
            keys,
            (key) => (receivers[overflow] as typeof receivers.suspend).keyed(key)
          )
          const flooders = yield* Effect.forEach(keys, (key) => Flooder.keyed(`${overflow} ${key}`))
          for (let kill = 0; kill < 6; kill++) {
            flooders.forEach((flooder, from) => {
              const message = {
                overflow,
                key: keys[(from + kill) % 8]!,
                from,
                messages: 300,
                face: "tell" as const
              }
              flooder.tellUnsafe("Flood", message)
            })
            const own = yield* Effect.forkChild(
              Effect.forEach(refs, (ref) => flood(ref, 9, 100, "tell"), { concurrency: "unbounded" })
            )
            yield* Effect.sleep(10 + kill * 3)
            yield* terminate(1 + (kill % 2))
            yield* Fiber.join(own)
          }
          yield* until(Effect.sync(() => refs.every((ref) => Mailbox.depth(ref)!.now === 0)))
          yield* settled
          for (const ref of refs) {
            // As many as ever, and never more.
            yield* ref.tell("Hold", { millis: 100 })
            yield* until(Effect.sync(() => Mailbox.depth(ref)!.now === 0))
            for (let n = 1; n <= capacity; n++) assert.isTrue(yield* ref.offer("Put", { from: 10, n }))
            assert.strictEqual(Mailbox.depth(ref)!.now, capacity)
            yield* until(Effect.sync(() => Mailbox.depth(ref)!.now === 0))
            if (overflow === "suspend") assert.isAtMost(Mailbox.depth(ref)!.high, capacity)
          }
        }).pipe(Effect.scoped, Effect.provide(pool)),
      60_000
    )
  }
})
