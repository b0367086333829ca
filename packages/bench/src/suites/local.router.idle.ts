import * as Router from "@troupe/runtime/Router"
import { routing } from "../troupe/finding.ts"

export default routing(Router.idle, { strategy: "idle" })
