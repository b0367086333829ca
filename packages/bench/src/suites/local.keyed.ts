import { plain } from "../troupe/Adder.ts"
import { keying } from "../troupe/finding.ts"

export default keying(plain, { passivation: "none" })
