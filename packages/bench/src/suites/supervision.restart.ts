import * as Scenario from "../Scenario.ts"
import { restarting } from "../troupe/supervised.ts"

/** Restarts of one actor, one after the other: it throws, its supervisor decides, the next incarnation answers. */
export default Scenario.throughput({
  params: { face: "tellUnsafe, then yield* ask", actors: 1, strategy: "one_for_one" },
  setup: restarting
})
