import { carrying, interpreted } from "../codec/contenders.ts"
import { four } from "../codec/messages.ts"

export default carrying(four, interpreted, false)
