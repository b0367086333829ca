import { disk } from "../storage/journal.ts"

export default disk
