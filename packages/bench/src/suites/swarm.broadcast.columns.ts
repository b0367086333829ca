import * as Scenario from "../Scenario.ts"
import { cars } from "../troupe/Car.ts"
import { broadcasting } from "../troupe/swarm.ts"

/** A handler for whole columns. */
export default Scenario.duration({
  multipleOf: cars,
  params: { face: "broadcast, step", instances: cars },
  setup: broadcasting("Columns")
})
