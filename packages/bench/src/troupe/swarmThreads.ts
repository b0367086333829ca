/** Troupe's scenarios of swarms on workers. */
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scenario from "../Scenario.ts"
import { Car, cars } from "./Car.ts"

/**
 * Broadcasts on so many workers, a turn for each. An operation is one instance, and counts `times` times. `slow`: how
 * many of the first cars take 64 times as long.
 */
export const sweeping = (
  options: {
    readonly workers: number
    readonly tag: "Drive" | "Work"
    readonly slow: number
    readonly times: number
  }
) =>
  Effect.flatMap(
    Layer.build(ActorSystem.layerWorkers({
      entry: new URL("../entry/swarm.ts", import.meta.url),
      hosts: [],
      swarms: [Car],
      workers: options.workers
    })),
    (context) =>
      Effect.provideContext(
        Effect.gen(function*() {
          const population = yield* Car.population
          const { slow, tag, times } = options
          yield* population.spawnMany(cars, (index) => ({
            position: 0,
            ticks: 0,
            speed: index < slow ? -1 : index % 7
          }))
          let turns = 0
          return {
            run: Effect.fnUntraced(function*(instances: number) {
              for (let n = 0; n < instances; n += cars * times) {
                yield* population.broadcast(tag, { seconds: 0.5 })
                yield* population.step
                turns++
              }
            }),
            check: () =>
              Effect.flatMap(
                population.columnStats,
                ({ ticks }) => Scenario.expect("ticks", ticks!.min + ticks!.max, 2 * turns)
              )
          }
        }),
        context
      )
  )
