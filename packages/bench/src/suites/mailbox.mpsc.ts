import { fibers } from "../troupe/mailbox.ts"

export default fibers(false)
