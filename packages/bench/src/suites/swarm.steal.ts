import * as Scenario from "../Scenario.ts"
import { cars } from "../troupe/Car.ts"
import { sweeping } from "../troupe/swarmThreads.ts"

const slow = cars / 50

/**
 * A broadcast that is 64 times as much work for the first instances, all in the share of one of two workers: in times
 * of half of what one worker alone takes, which is the ideal. Needs two cores.
 */
export default Scenario.ratio({
  better: "lower",
  params: { face: "broadcast, step", instances: cars, slow },
  of: { operations: 8 * cars, setup: sweeping({ workers: 2, tag: "Work", slow, times: 1 }) },
  // Each instance counts twice: one worker has half as many hands.
  over: { operations: 16 * cars, setup: sweeping({ workers: 1, tag: "Work", slow, times: 2 }) }
})
