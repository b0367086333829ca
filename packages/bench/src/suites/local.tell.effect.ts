import { effectful } from "../troupe/Adder.ts"
import { telling, tellUnsafe } from "../troupe/local.ts"

export default telling(effectful, tellUnsafe, { face: "tellUnsafe", handler: "Effect.sync" })
