import { resident } from "../troupe/Adder.ts"
import { keying, keys } from "../troupe/finding.ts"

/** All keys stay: what it costs to know in which order they were used. */
export default keying(resident(keys), { passivation: "none leaves" })
