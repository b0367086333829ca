/** A thread of the link's stress: plays one side of each case that it is given. */
import { parentPort } from "node:worker_threads"
import { type Case, Field } from "./linkCase.ts"
import { Player } from "./linkPlayer.ts"

export interface Task {
  readonly play: Case
  readonly memory: SharedArrayBuffer
  readonly me: number
}

// The port keeps the thread alive while it waits on a doorbell, which does not.
parentPort!.on("message", ({ me, memory, play }: Task) => {
  new Player(play, new Field(memory, play.capacity), me, (failure) => parentPort!.postMessage({ failure }))
    .run()
})
