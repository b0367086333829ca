import { oneWay } from "../troupe/threads.ts"

export default oneWay({ spin: "0 micros", messages: 400, pace: 50_000 })
