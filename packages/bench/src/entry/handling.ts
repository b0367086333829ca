/** The worker of the scenarios of handling. */
import * as ActorWorker from "@troupe/runtime/ActorWorker"
import { counter } from "../troupe/handling.ts"

ActorWorker.run(counter)
