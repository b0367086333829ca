import { plain } from "../troupe/Adder.ts"
import { telling, tellUnsafe } from "../troupe/local.ts"

export default telling(plain, tellUnsafe, { face: "tellUnsafe", handler: "plain" })
