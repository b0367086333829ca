import { waking } from "./lib/wake.ts"

export default waking("message")
