import { batchedEffectful } from "../troupe/Adder.ts"
import { telling, tellUnsafe } from "../troupe/local.ts"

export default telling(batchedEffectful, tellUnsafe, { face: "tellUnsafe", handler: "Effect.sync, batch" })
