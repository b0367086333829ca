import { carrying, messagePort } from "../codec/contenders.ts"
import { dozen } from "../codec/messages.ts"

export default carrying(dozen, messagePort)
