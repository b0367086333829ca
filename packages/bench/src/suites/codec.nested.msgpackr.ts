import { carrying, msgpackr } from "../codec/contenders.ts"
import { nested } from "../codec/messages.ts"

export default carrying(nested, msgpackr)
