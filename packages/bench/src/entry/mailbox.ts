/** The workers of the `mailbox.*.threads` scenarios. */
import * as ActorWorker from "@troupe/runtime/ActorWorker"
import { layer } from "../troupe/Sink.ts"

ActorWorker.run(layer)
