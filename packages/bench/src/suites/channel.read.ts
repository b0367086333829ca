import { read } from "../channels/channels.ts"

export default read()
