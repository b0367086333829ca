import { forEach, gathering } from "../troupe/gather.ts"

export default gathering(forEach, { params: { face: "Effect.forEach, unbounded" } })
