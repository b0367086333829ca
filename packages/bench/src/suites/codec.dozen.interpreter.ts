import { carrying, interpreted } from "../codec/contenders.ts"
import { dozen } from "../codec/messages.ts"

export default carrying(dozen, interpreted, false)
