/** What each worker thread hosts. */
import { ActorWorker } from "@troupe/runtime"
import { live } from "./live.ts"

ActorWorker.run(live)
