import { plain } from "../troupe/Adder.ts"
import { asking } from "../troupe/local.ts"

export default asking(plain, { face: "yield* ask", handler: "plain" })
