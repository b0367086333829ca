import * as Scenario from "../Scenario.ts"
import { plain } from "../troupe/Adder.ts"
import { population } from "../troupe/local.ts"

export default Scenario.duration({
  operations: 20_000,
  params: { face: "yield* spawn, into one scope" },
  setup: population(plain)
})
