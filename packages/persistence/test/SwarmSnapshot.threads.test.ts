import { assert, describe, it } from "@effect/vitest"
import * as MappedMemory from "@troupe/persistence/MappedMemory"
import * as SwarmSnapshot from "@troupe/persistence/SwarmSnapshot"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import type * as Swarm from "@troupe/runtime/Swarm"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { openSync, writeSync } from "node:fs"
import { join } from "node:path"
import { Kept } from "./fixtures/keptSwarm.ts"
import { temporary } from "./temporary.ts"

/** In a pool of two workers, whose chunks are files. */
const inPool = <A, E>(directory: string, body: Effect.Effect<A, E, Swarm.Hosted<"Kept">>) =>
  body.pipe(
    Effect.provide(ActorSystem.layerWorkers({
      entry: new URL("./fixtures/keptSwarm.ts", import.meta.url),
      hosts: [],
      swarms: [Kept],
      workers: 2,
      env: { KEPT: directory }
    })),
    Effect.provide(MappedMemory.layer({ directory }))
  )

const grow = Effect.flatMap(Kept.population, (kept) => Effect.andThen(kept.broadcast("Grow"), kept.step))

const states = Effect.gen(function*() {
  const kept = yield* Kept.population
  return yield* Effect.forEach(
    yield* kept.ids,
    (id) => Effect.map(kept.get(id), Option.getOrThrow)
  )
})

describe("SwarmSnapshot, of a swarm that workers run", () => {
  it.live("is taken, restored, and gone back to where a turn was left open, which is typed (S86, S119)", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const then = yield* inPool(
          directory,
          Effect.gen(function*() {
            const kept = yield* Kept.population
            yield* kept.spawnMany(500, (size) => ({ size: size % 40, name: "" }))
            yield* grow
            yield* SwarmSnapshot.take(kept, "one")
            const then = yield* states
            yield* grow
            return then
          })
        )
        assert.strictEqual(then.length, 500)
        assert(then.every(({ name, size }) => name === "x".repeat(size)))
        // What a process that is killed in turn 9 leaves behind.
        writeSync(openSync(join(directory, "Kept%2Fheader.region"), "r+"), Uint8Array.of(9), 0, 1, 40)
        const refused = yield* Effect.flip(inPool(directory, states))
        assert.deepInclude((refused as { reason: unknown }).reason, {
          _tag: "SwarmError",
          reason: "OpenTurn"
        })
        assert.include((refused as Error).message, "snapshots: one")
        yield* Effect.provide(SwarmSnapshot.recover(Kept), MappedMemory.layer({ directory }))
        assert.deepStrictEqual(yield* inPool(directory, states), then)
        const grown = yield* inPool(directory, Effect.andThen(grow, states))
        assert.deepStrictEqual(
          grown,
          then.map(({ size }) => ({ size: size + 1, name: "x".repeat(size + 1) }))
        )
      })
    ))
})
