import * as Router from "@troupe/runtime/Router"
import { routing } from "../troupe/finding.ts"

export default routing(
  Router.consistentHash((message) => message.tag === "Add" ? `${message.payload.n}` : ""),
  { strategy: "consistentHash" }
)
