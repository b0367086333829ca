import { plain } from "../troupe/Adder.ts"
import { asking } from "../troupe/local.ts"
import { withMetrics } from "../troupe/observed.ts"

export default withMetrics(asking(plain, { face: "yield* ask", handler: "plain" }))
