/** The far end of {@link ../baselines/MessagePort.ts}, in a worker thread. */
import { parentPort } from "node:worker_threads"
import { type Message, now } from "../baselines/MessagePort.ts"
import * as Tally from "../Tally.ts"

let tally = Tally.zero

const handlers: { readonly [tag: string]: (message: Message) => number | undefined } = {
  Add: ({ n }) => {
    tally = Tally.add(tally, n)
    return undefined
  },
  Reset: () => {
    tally = Tally.zero
    return 0
  },
  Received: () => tally.received,
  Sum: () => tally.sum,
  Echo: ({ n }) => n,
  Age: ({ at }) => now() - at
}

const port = parentPort!
port.on("message", (message: Message) => {
  const answer = handlers[message.tag]!(message)
  if (message.id !== undefined) port.postMessage({ id: message.id, answer })
})
