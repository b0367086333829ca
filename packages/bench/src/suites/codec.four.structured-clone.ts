import { carrying, structuredCloned } from "../codec/contenders.ts"
import { four } from "../codec/messages.ts"

export default carrying(four, structuredCloned)
