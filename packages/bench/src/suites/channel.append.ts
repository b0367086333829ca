import { append } from "../channels/channels.ts"
import { Tick } from "../channels/Tick.ts"

export default append(Tick, { price: 0, at: 0 })
