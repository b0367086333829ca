import * as Scenario from "../Scenario.ts"
import { spawning } from "../troupe/swarm.ts"

export default Scenario.throughput({
  operations: 1_000_000,
  params: { face: "spawnMany" },
  setup: spawning
})
