import { postgres } from "../storage/journal.ts"

export default postgres
