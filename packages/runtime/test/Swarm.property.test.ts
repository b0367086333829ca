import { describe, it } from "@effect/vitest"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as fc from "fast-check"
import { CellLive, command, compare } from "./swarmCells.ts"

describe("Swarm", () => {
  it.effect(
    "is a Map of objects that handle their messages, then the broadcasts (S81, S82, S83)",
    () =>
      Effect.gen(function*() {
        const services = yield* Effect.context<ActorSystem.ActorSystem>()
        const property = fc.asyncProperty(fc.array(command, { maxLength: 50 }), (commands) =>
          compare(commands, Effect.yieldNow).pipe(
            Effect.provide(CellLive),
            Effect.scoped,
            Effect.runPromiseWith(services)
          ))
        yield* Effect.promise(() =>
          fc.assert(property, { numRuns: 60 })
        )
      }).pipe(Effect.provide(ActorSystem.layer), Effect.provide(Logger.layer([]))),
    60_000
  )
})
