import * as Effect from "effect/Effect"
import * as Scenario from "../Scenario.ts"
import { cars, population } from "../troupe/Car.ts"
import { here } from "../troupe/swarm.ts"

/** Bytes of the swarm's memory for an instance, of which 20 are its state. */
export default Scenario.measured({
  unit: "B",
  better: "lower",
  params: { face: "population, nothing called", instances: cars, state: 20 },
  setup: here(Effect.map(population, (population) => ({
    sample: Effect.sync(() => population.byteLength / population.count),
    params: Effect.succeed({})
  })))
})
