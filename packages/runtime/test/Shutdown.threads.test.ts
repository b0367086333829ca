/** A shutdown in every place: what does not end in time is named, and nobody waits for it any longer. */
import { assert, describe, it } from "@effect/vitest"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Shutdown from "@troupe/runtime/Shutdown"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import type * as Actor from "@troupe/runtime/Actor"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hosts, live, Squatter, Stall } from "./fixtures/Bazaar.ts"
import { terminate } from "./fixtures/doomedPool.ts"

const entry = new URL("./fixtures/worker.squatter.ts", import.meta.url)

type Services = ActorSystem.ActorSystem | Actor.HostedOf<(typeof hosts)[number]>

const places: ReadonlyArray<readonly [name: string, layer: Layer.Layer<Services, unknown>]> = [
  ["on one thread", Layer.provideMerge(live, ActorSystem.layer)],
  ["on a worker", ActorSystem.layerWorkers({ entry, hosts, workers: 1 })]
]

describe("Shutdown", () => {
  for (const [place, layer] of places) {
    it.live(`ends the actors of all threads, names those whose finalizers hang, and goes on: ${place} (S49)`, () =>
      Effect.gen(function*() {
        let released = false
        yield* Effect.gen(function*() {
          yield* (yield* Squatter.spawn()).ask("Knock")
          yield* (yield* Squatter.keyed("corner")).ask("Knock")
          const stall = yield* Stall.keyed("fruit")
          yield* stall.ask("Level")
          yield* Shutdown.task("resources", "files", Effect.sync(() => released = true))
          const { phases } = yield* Shutdown.run
          const { late } = phases[0]!
          assert.sameMembers([...late], ["ActorRef(Squatter)", "ActorRef(Squatter, corner)"])
          assert.isTrue(released)
          assert.strictEqual((yield* Effect.flip(stall.ask("Level")))._tag, "AskError")
          // And the scope closes, and the system ends, though the finalizers never do.
        }).pipe(Effect.scoped, Effect.provide(layer))
      }).pipe(
        Effect.provideService(References.MinimumLogLevel, "None"),
        Effect.provideService(Shutdown.Phases, [
          { name: "actors", timeout: "50 millis" },
          { name: "resources", timeout: "1 second" }
        ])
      ))
  }

  it.live(
    "waits for no worker whose thread has ended and does not come up again (S49)",
    () =>
      Effect.gen(function*() {
        const directory = mkdtempSync(join(tmpdir(), "troupe-once-"))
        yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true })))
        const pool = ActorSystem.layerWorkers({
          entry: new URL("./fixtures/worker.once.ts", import.meta.url),
          hosts,
          workers: 1,
          env: { TROUPE_ONCE: join(directory, "started") },
          restarts: { times: 1000, within: "1 minute" }
        })
        yield* Effect.gen(function*() {
          const squatter = yield* Squatter.spawn()
          yield* squatter.ask("Knock")
          const ended = yield* Effect.forkChild(ActorRef.await(squatter))
          yield* terminate(1)
          yield* Fiber.await(ended)
        }).pipe(Effect.scoped, Effect.provide(pool))
      }).pipe(
        Effect.scoped,
        Effect.provideService(References.MinimumLogLevel, "None"),
        Effect.provideService(Shutdown.Phases, [{ name: "actors", timeout: "1 hour" }])
      ),
    20_000
  )
})
