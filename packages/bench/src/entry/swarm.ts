/** The workers of the `swarm.*` scenarios. */
import * as ActorWorker from "@troupe/runtime/ActorWorker"
import { layer } from "../troupe/Car.ts"

ActorWorker.run(layer)
