/** Troupe's scenarios of swarms on one thread. */
import * as ActorId from "@troupe/runtime/ActorId"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as MapReduce from "@troupe/runtime/MapReduce"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reducer from "effect/Reducer"
import type * as Scope from "effect/Scope"
import * as Scenario from "../Scenario.ts"
import { Car, cars, layer, population } from "./Car.ts"

type Services = Layer.Success<typeof layer> | ActorSystem.ActorSystem

/** Sets up within a system of this thread, which ends with the scenario's scope. */
export const here = <A, E>(setup: Effect.Effect<A, E, Services | Scope.Scope>) =>
  Effect.flatMap(
    Layer.build(Layer.provideMerge(layer, ActorSystem.layer)),
    (context) => Effect.provideContext(setup, context)
  )

/** Broadcasts to all instances, a turn for each. An operation is one instance. */
export const broadcasting = (tag: "Drive" | "Columns") =>
  here(Effect.map(population, (population) => {
    let turns = 0
    return {
      run: Effect.fnUntraced(function*(instances: number) {
        for (let n = 0; n < instances; n += cars) {
          yield* population.broadcast(tag, { seconds: 0.5 })
          yield* population.step
          turns++
        }
      }),
      check: () =>
        Effect.flatMap(
          population.columnStats,
          ({ position, ticks }) =>
            Effect.andThen(
              Scenario.expect("ticks", ticks!.min + ticks!.max, 2 * turns),
              Scenario.expect("the greatest position", position!.max, 3 * turns)
            )
        )
    }
  }))

const sum = Reducer.make((a: number, b: number) => a + b, 0)
const speed = (car: { readonly speed: number }): number => car.speed

/** The sum of a column, by a function of each row. */
export const reducing = here(Effect.map(population, (population) => ({
  run: Effect.fnUntraced(function*(instances: number) {
    let all = 0
    for (let n = 0; n < instances; n += cars) {
      all += yield* MapReduce.instances(population, { map: speed, reducer: sum })
    }
    return all
  }),
  check: (all: number, instances: number) => Scenario.expect("sum", all, instances / cars * expectedSum)
})))

/** The sum of the speeds of all cars. */
export const expectedSum = Array.from({ length: cars }, (_, index) => index % 7).reduce((a, b) => a + b, 0)

/** New instances, which end outside of what is timed. */
export const spawning = here(Effect.map(Car.population, (population) => ({
  run: (count: number) => population.spawnMany(count, (index) => ({ position: index, ticks: 0, speed: 1 })),
  check: Effect.fnUntraced(function*(_: void, count: number) {
    yield* Scenario.expect("instances", population.count, count)
    for (const id of yield* population.ids) yield* population.end(id)
  })
})))

/** Tells to random instances, a turn for each burst. */
export const telling = (burst: number) =>
  here(Effect.gen(function*() {
    const cars_ = yield* population
    const ids = yield* cars_.ids
    let seed = 1
    const chosen = Array.from({ length: cars }, () => {
      seed = Math.imul(seed, 1664525) + 1013904223 | 0
      // Made anew: an identity that has just come in a message is near at hand.
      return ActorId.make(ids[(seed >>> 0) % cars]!)
    })
    let told = 0
    const payload = { seconds: 0.5 }
    return {
      run: Effect.fnUntraced(function*(messages: number) {
        for (let n = 0; n < messages; n += burst) {
          for (let i = 0; i < burst; i++) cars_.tellUnsafe(chosen[told++ % cars]!, "Drive", payload)
          yield* cars_.step
        }
      }),
      check: () =>
        Effect.flatMap(
          cars_.columnStats,
          ({ ticks }) => Scenario.expect("ticks", Math.round(ticks!.mean * cars), told)
        )
    }
  }))
