import { carrying, generated } from "../codec/contenders.ts"
import { nested } from "../codec/messages.ts"

export default carrying(nested, generated, false)
