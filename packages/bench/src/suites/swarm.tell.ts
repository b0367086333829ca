import * as Scenario from "../Scenario.ts"
import { cars } from "../troupe/Car.ts"
import { telling } from "../troupe/swarm.ts"

const burst = 1_000_000

/** Tells to random instances, and the turns that handle them. */
export default Scenario.throughput({
  multipleOf: burst,
  params: { face: "tellUnsafe, step", instances: cars, burst },
  setup: telling(burst)
})
