import { asking } from "../troupe/threads.ts"

export default asking("0 micros", 1)
