import * as Effect from "effect/Effect"
import { floorPopulation } from "../baselines/floorPopulation.ts"
import * as Scenario from "../Scenario.ts"

/** With the state of each and its place in the array that keeps it (8 bytes). */
export default Scenario.heap({
  baseline: true,
  count: 100_000,
  params: { face: "an object" },
  setup: Effect.succeed(floorPopulation)
})
