import * as Scenario from "../Scenario.ts"
import { cars } from "../troupe/Car.ts"
import { reducing } from "../troupe/swarm.ts"

/** The sum of a field of all instances, by a function of each row and a `Reducer`. */
export default Scenario.duration({
  multipleOf: cars,
  params: { face: "MapReduce.instances", instances: cars },
  setup: reducing
})
