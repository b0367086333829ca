import { append } from "../channels/channels.ts"
import { Quote } from "../channels/Tick.ts"

export default append(Quote, { price: 0, at: 1, bid: 2, ask: 3, bidSize: 4, askSize: 5, open: 6, close: 7 })
