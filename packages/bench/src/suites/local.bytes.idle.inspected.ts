import * as Scenario from "../Scenario.ts"
import { plain } from "../troupe/Adder.ts"
import { population } from "../troupe/local.ts"
import { withInspection } from "../troupe/observed.ts"

/** With the state of each and its place in the array that keeps it (8 bytes). */
export default withInspection(Scenario.heap({
  count: 20_000,
  params: { face: "yield* spawn, into one scope" },
  setup: population(plain)
}))
