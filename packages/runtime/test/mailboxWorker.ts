/** A worker of the tests of bounded mailboxes between threads. */
import * as ActorWorker from "@troupe/runtime/ActorWorker"
import { layer } from "./mailboxActors.ts"

ActorWorker.run(layer)
