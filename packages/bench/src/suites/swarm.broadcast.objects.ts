import { objects } from "../baselines/cars.ts"
import * as Scenario from "../Scenario.ts"
import { cars } from "../troupe/Car.ts"

/** A loop over an array of plain objects. */
export default Scenario.duration({
  baseline: true,
  operations: 20 * cars,
  params: { face: "objects", instances: cars },
  setup: objects
})
