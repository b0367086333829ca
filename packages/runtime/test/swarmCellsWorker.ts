/** A worker that has the handlers of cells. */
import * as ActorWorker from "@troupe/runtime/ActorWorker"
import { CellLive } from "./swarmCells.ts"

ActorWorker.run(CellLive)
