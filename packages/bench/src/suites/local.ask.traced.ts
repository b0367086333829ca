import { plain } from "../troupe/Adder.ts"
import { asking } from "../troupe/local.ts"
import { withTracing } from "../troupe/observed.ts"

export default withTracing(asking(plain, { face: "yield* ask", handler: "plain" }), 0.01)
