import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { Adder } from "../troupe/Adder.ts"
import { bursts, supervised } from "../troupe/supervised.ts"

const operations = 1000 * Tally.burst

/** A tell to an actor under a supervisor, in times of one to an actor that nobody supervises. */
export default Scenario.ratio({
  better: "lower",
  params: { face: "tellUnsafe", handler: "plain", burst: Tally.burst },
  of: { operations, setup: bursts(supervised) },
  over: { operations, setup: bursts(Adder.spawn()) }
})
