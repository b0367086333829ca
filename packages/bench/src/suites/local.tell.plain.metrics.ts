import { plain } from "../troupe/Adder.ts"
import { telling, tellUnsafe } from "../troupe/local.ts"
import { withMetrics } from "../troupe/observed.ts"

export default withMetrics(telling(plain, tellUnsafe, { face: "tellUnsafe", handler: "plain" }))
