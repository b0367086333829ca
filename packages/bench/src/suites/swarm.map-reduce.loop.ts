import { sum } from "../baselines/cars.ts"
import * as Scenario from "../Scenario.ts"
import { cars } from "../troupe/Car.ts"

/** A loop over a bare typed array. */
export default Scenario.duration({
  baseline: true,
  operations: 40 * cars,
  params: { face: "typed array", instances: cars },
  setup: sum
})
