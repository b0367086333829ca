/** A hundred thousand actors that are looked at. */
import type * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Inspect from "@troupe/runtime/Inspect"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Scenario from "../Scenario.ts"
import { Adder, plain } from "./Adder.ts"

const ACTORS = 100_000

interface Population {
  readonly inspect: Inspect.Inspect["Service"]
  readonly actors: ReadonlyArray<Actor.Ref<typeof Adder>>
  /** Lists all of them; how many that were. */
  readonly list: Effect.Effect<number>
}

const population: Effect.Effect<Population, unknown, Scope.Scope> = Effect.gen(function*() {
  const context = yield* Layer.build(
    Layer.merge(plain, Inspect.layer).pipe(
      Layer.provideMerge(ActorSystem.layer),
      Layer.provide(Layer.succeed(ActorSystem.Inspection, {}))
    )
  )
  return yield* Effect.gen(function*() {
    const inspect = yield* Inspect.Inspect
    const actors = yield* Effect.forEach(Array.from({ length: ACTORS }), () => Adder.spawn())
    return { inspect, actors, list: Stream.runCount(inspect.actors()) }
  }).pipe(Effect.provideContext(context))
})

/** All of them are listed, one page after the other. */
export const listing: Scenario.Scenario = Scenario.duration<number>({
  operations: ACTORS,
  params: { face: "inspect.actors()", actors: ACTORS },
  setup: Effect.map(population, ({ list }) => ({
    run: () => list,
    check: (listed) => Scenario.expect("actors listed", listed, ACTORS)
  }))
})

/** How long a question takes at most while all of them are listed: what a page keeps others waiting. */
export const meanwhile: Scenario.Scenario = Scenario.measured({
  unit: "ns",
  better: "lower",
  params: { face: "inspect.actors(), ask", actors: ACTORS },
  setup: Effect.map(population, ({ actors, list }) => {
    let asked = 0
    const sample = Effect.gen(function*() {
      const listing = yield* Effect.forkChild(list)
      let longest = 0
      asked = 0
      while (listing.pollUnsafe() === undefined) {
        const started = performance.now()
        yield* Effect.yieldNow
        yield* actors[asked++ % ACTORS]!.ask("Count", { n: 1 })
        longest = Math.max(longest, performance.now() - started)
      }
      yield* Scenario.expect("actors listed", yield* Fiber.join(listing), ACTORS)
      return longest * 1e6
    })
    return { sample, params: Effect.sync(() => ({ asked })) }
  })
})
