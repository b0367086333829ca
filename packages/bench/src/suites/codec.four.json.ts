import { carrying, json } from "../codec/contenders.ts"
import { four } from "../codec/messages.ts"

export default carrying(four, json)
