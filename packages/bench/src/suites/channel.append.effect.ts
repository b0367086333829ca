import { appendEffect } from "../channels/channels.ts"
import { Tick } from "../channels/Tick.ts"

export default appendEffect(Tick, { price: 0, at: 0 })
