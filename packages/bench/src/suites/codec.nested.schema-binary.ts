import { carrying, schemaBinary } from "../codec/contenders.ts"
import { nested } from "../codec/messages.ts"

export default carrying(nested, schemaBinary)
