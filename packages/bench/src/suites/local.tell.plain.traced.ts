import { plain } from "../troupe/Adder.ts"
import { telling, tellUnsafe } from "../troupe/local.ts"
import { withTracing } from "../troupe/observed.ts"

export default withTracing(telling(plain, tellUnsafe, { face: "tellUnsafe", handler: "plain" }), 0.01)
