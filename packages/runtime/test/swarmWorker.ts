/** A worker of the tests of swarms between threads. */
import * as ActorWorker from "@troupe/runtime/ActorWorker"
import { layer } from "./swarmActors.ts"

ActorWorker.run(layer)
