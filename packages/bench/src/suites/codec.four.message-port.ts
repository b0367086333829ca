import { carrying, messagePort } from "../codec/contenders.ts"
import { four } from "../codec/messages.ts"

export default carrying(four, messagePort)
