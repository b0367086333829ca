import { latency } from "../channels/channels.ts"

export default latency()
