/** The workers of Troupe's `threads.*` scenarios. */
import * as ActorWorker from "@troupe/runtime/ActorWorker"
import * as Layer from "effect/Layer"
import * as Receiver from "../troupe/Receiver.ts"
import * as Sender from "../troupe/Sender.ts"

ActorWorker.run(Layer.provideMerge(Sender.layer, Receiver.layer))
