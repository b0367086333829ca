/** What each worker thread of the ring hosts. */
import { ActorWorker } from "@troupe/runtime"
import { RingNodeLive } from "./RingNode.ts"

ActorWorker.run(RingNodeLive)
