import { latency } from "../rings/rings.ts"

export default latency("park")
