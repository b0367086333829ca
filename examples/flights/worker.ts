/** What each worker thread hosts. */
import { ActorWorker } from "@troupe/runtime"
import { journalVariable, live } from "./live.ts"

ActorWorker.run(live(process.env[journalVariable]))
