import { effectful } from "../troupe/Adder.ts"
import { asking } from "../troupe/local.ts"

export default asking(effectful, { face: "yield* ask", handler: "Effect.sync" })
