import { loop } from "../baselines/cars.ts"
import * as Scenario from "../Scenario.ts"
import { cars } from "../troupe/Car.ts"

/** A loop over bare typed arrays. */
export default Scenario.duration({
  baseline: true,
  operations: 20 * cars,
  params: { face: "typed arrays", instances: cars },
  setup: loop
})
