import { describe, it } from "@effect/vitest"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import type { HostedOf } from "@troupe/runtime/Swarm"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as fc from "fast-check"
import { Cell, command, compare } from "./swarmCells.ts"

const entry = new URL("./swarmCellsWorker.ts", import.meta.url)

describe("Swarm, between threads", () => {
  for (const workers of [1, 2]) {
    it.live(`is a Map of objects with ${workers} of them, too (S83, S87)`, () =>
      Effect.gen(function*() {
        const services = yield* Effect.context<HostedOf<typeof Cell>>()
        const property = fc.asyncProperty(
          fc.array(command, { maxLength: 40 }),
          (commands) => Effect.runPromiseWith(services)(compare(commands, Effect.sleep(1)))
        )
        yield* Effect.promise(() => fc.assert(property, { numRuns: 30 }))
      }).pipe(
        Effect.scoped,
        Effect.provide(ActorSystem.layerWorkers({ entry, hosts: [], swarms: [Cell], workers })),
        Effect.provide(Logger.layer([]))
      ), 60_000)
  }
})
