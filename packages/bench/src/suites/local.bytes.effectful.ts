import * as Scenario from "../Scenario.ts"
import { effectful } from "../troupe/Adder.ts"
import { population } from "../troupe/local.ts"

/** After the first effectful message of each; with its state and its place in the array that keeps it (8 bytes). */
export default Scenario.heap({
  count: 10_000,
  params: { face: "yield* spawn, into one scope; yield* ask", handler: "Effect.sync" },
  setup: population(effectful, (actor) => actor.ask("Count", { n: 1 }), 1)
})
