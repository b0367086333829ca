import { resident } from "../troupe/Adder.ts"
import { keying, keys } from "../troupe/finding.ts"

/** Half of the keys stay, and never the one that is next: each message makes one anew, and has another leave. */
export default keying(resident(keys / 2), { passivation: "each message" })
