/** Which of the actors that wait for their turns has the next one: another queue, put in place when a system is made. */
import * as Context from "effect/Context"
import type { Cell } from "./hot/cell.ts"
import type { RunQueue } from "./hot/runQueue.ts"

/** Makes the queue of a thread; undefined for nearly all, whose actors have their turns first come, first served. */
export const RunOrder = Context.Reference<(() => RunQueue<Cell>) | undefined>("@troupe/runtime/RunOrder", {
  defaultValue: () => undefined
})
