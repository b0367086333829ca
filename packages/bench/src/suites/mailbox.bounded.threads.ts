import { threads } from "../troupe/mailbox.ts"

export default threads(true)
