import * as Effect from "effect/Effect"
import { queueFiberPopulation } from "../baselines/queueFiberPopulation.ts"
import * as Scenario from "../Scenario.ts"

export default Scenario.duration({
  baseline: true,
  operations: 10_000,
  params: { face: "Queue.unbounded, Effect.forkScoped" },
  setup: Effect.succeed(queueFiberPopulation)
})
