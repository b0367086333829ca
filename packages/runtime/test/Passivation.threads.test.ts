/** Keys that leave memory on another thread are forgotten where they were addressed, too. */
import { assert, describe, it } from "@effect/vitest"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Placement from "@troupe/runtime/Placement"
import * as TestSystem from "@troupe/runtime/testing/TestSystem"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as References from "effect/References"
import type { System } from "../src/internal/system.ts"
import { Clerk, hosts, Stall } from "./fixtures/Bazaar.ts"
import { terminate } from "./fixtures/beingPlaces.ts"

const COUNT = 3000

const system = TestSystem.layerWorkers({
  entry: new URL("./fixtures/worker.bazaar.ts", import.meta.url),
  hosts,
  workers: 2
})

/** The references to keys that this thread keeps. */
const kept = Effect.map(ActorSystem.ActorSystem, (system) => (system as System).mesh!.refs["keys"].size)

describe("Passivation", () => {
  it.live("a key that has left takes nothing on the threads that have addressed it, nor has it a handle (S69)", () =>
    Effect.gen(function*() {
      const stall = yield* Stall.byKey
      const clerks = yield* Effect.forEach([1, 2], (thread) => Placement.on(Clerk.spawn(), thread))
      const handles = Effect.map(
        Effect.forEach(clerks, (clerk) => clerk.ask("Handles")),
        ([one, two]) => one! + two!
      )
      const before = { handles: yield* handles, kept: yield* kept }
      const held = stall("held")
      for (let round = 1; round <= 2; round++) {
        yield* held.tell("Put", { n: round })
        for (let n = 0; n < COUNT; n++) stall(`key ${n}`).tellUnsafe("Put", { n })
        yield* TestSystem.settle
        assert.isAtLeast(yield* handles, COUNT)
        assert.strictEqual(yield* held.ask("Level"), round)
        assert.strictEqual(yield* stall(`key ${COUNT - 1}`).ask("Level"), COUNT - 1)
        yield* TestSystem.adjust("2 hours")
        assert.strictEqual(yield* handles, before.handles)
        assert.strictEqual(yield* kept, before.kept)
        assert.strictEqual(stall("held"), held)
        assert.isTrue(Equal.equals(stall("held"), held))
      }
      yield* TestSystem.quiet
    }).pipe(Effect.scoped, Effect.provide(system)))

  it.live("a key whose handle was given back, and bound anew, is found again by a successor of its thread (S31, S69)", () =>
    Effect.gen(function*() {
      const stall = yield* Stall.byKey
      const stalls = Array.from({ length: 20 }, (_, n) => stall(`key ${n}`))
      for (const one of stalls) yield* one.ask("Level")
      yield* TestSystem.adjust("2 hours")
      for (const [n, one] of stalls.entries()) if (n % 2 === 0) yield* one.tell("Put", { n: 1 })
      yield* TestSystem.settle
      yield* Effect.forEach([1, 2], terminate)
      // On its way to a thread that is no more, or to the next one.
      for (const one of stalls) yield* one.tell("Put", { n: 10 })
      for (const one of stalls) {
        assert.strictEqual(yield* Effect.eventually(one.ask("Level")), 10)
      }
    }).pipe(Effect.scoped, Effect.provide(system), Effect.provideService(References.MinimumLogLevel, "None")))
})
