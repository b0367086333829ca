import { oneWay } from "../troupe/threads.ts"

export default oneWay({ spin: "1 minute", messages: 2000, pace: 20_000 })
