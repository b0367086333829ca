import { telling } from "../troupe/threads.ts"

export default telling("default")
