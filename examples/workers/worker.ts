/** What each worker hosts. */
import * as ActorWorker from "@troupe/runtime/ActorWorker"
import { BasketLive } from "./Basket.ts"

ActorWorker.run(BasketLive)
