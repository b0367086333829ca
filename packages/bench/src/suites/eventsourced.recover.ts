import { recovery } from "../storage/recovery.ts"

export default recovery
