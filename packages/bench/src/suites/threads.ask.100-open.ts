import { asking } from "../troupe/threads.ts"

export default asking("default", 100)
