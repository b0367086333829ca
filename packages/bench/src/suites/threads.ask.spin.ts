import { asking } from "../troupe/threads.ts"

export default asking("1 minute", 1)
