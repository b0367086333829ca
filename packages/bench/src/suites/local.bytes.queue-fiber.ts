import * as Effect from "effect/Effect"
import { queueFiberPopulation } from "../baselines/queueFiberPopulation.ts"
import * as Scenario from "../Scenario.ts"

/** With the state of each and its place in the array that keeps it (8 bytes). */
export default Scenario.heap({
  baseline: true,
  count: 10_000,
  params: { face: "Queue.unbounded, Effect.forkScoped" },
  setup: Effect.succeed(queueFiberPopulation)
})
