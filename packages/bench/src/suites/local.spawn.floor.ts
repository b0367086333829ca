import * as Effect from "effect/Effect"
import { floorPopulation } from "../baselines/floorPopulation.ts"
import * as Scenario from "../Scenario.ts"

export default Scenario.duration({
  baseline: true,
  operations: 100_000,
  params: { face: "an object" },
  setup: Effect.succeed(floorPopulation)
})
