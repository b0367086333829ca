import { plain } from "../troupe/Adder.ts"
import { telling, tellUnsafe } from "../troupe/local.ts"
import { withInspection } from "../troupe/observed.ts"

export default withInspection(telling(plain, tellUnsafe, { face: "tellUnsafe", handler: "plain" }))
