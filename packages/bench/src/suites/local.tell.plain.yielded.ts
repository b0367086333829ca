import { plain } from "../troupe/Adder.ts"
import { tell, telling } from "../troupe/local.ts"

export default telling(plain, tell, { face: "yield* tell", handler: "plain" })
