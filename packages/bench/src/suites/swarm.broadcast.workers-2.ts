import * as Scenario from "../Scenario.ts"
import { cars } from "../troupe/Car.ts"
import { sweeping } from "../troupe/swarmThreads.ts"

const common = { multipleOf: cars, operations: 40 * cars }

/** A broadcast on one worker in times of the same on two, by handlers for each instance. Needs two cores. */
export default Scenario.ratio({
  better: "higher",
  params: { face: "broadcast, step", instances: cars },
  of: { ...common, setup: sweeping({ workers: 1, tag: "Drive", slow: 0, times: 1 }) },
  over: { ...common, setup: sweeping({ workers: 2, tag: "Drive", slow: 0, times: 1 }) }
})
