/**
 * The actor of the `threads.*` scenarios, which lives on a worker: it does
 * what the worker of the message-port baseline does, for messages of the same
 * content, two numbers.
 */
import * as Actor from "@troupe/runtime/Actor"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { performance } from "node:perf_hooks"
import { threadId } from "node:worker_threads"
import { now } from "../baselines/MessagePort.ts"
import * as Tally from "../Tally.ts"
import { State } from "./Adder.ts"

const payload = { n: Schema.Number, at: Schema.Number }

const protocol = RpcGroup.make(
  Rpc.make("Reset"),
  Rpc.make("Add", { payload }),
  /** Adds, and answers with the number. */
  Rpc.make("Echo", { payload, success: Schema.Number }),
  /** Adds, and keeps the age of the message: `at` is when it was sent, by `now`. */
  Rpc.make("Age", { payload }),
  /** The ages kept since the reset. */
  Rpc.make("Ages", { success: Schema.Array(Schema.Number) }),
  Rpc.make("Read", { success: State }),
  /** The number that Node gave its thread. */
  Rpc.make("Thread", { success: Schema.Number }),
  /** Milliseconds that its thread has slept for want of events. */
  Rpc.make("Slept", { success: Schema.Number })
)

export const Receiver = Actor.make("Receiver", { protocol })

export type ReceiverRef = Actor.Ref<typeof Receiver>

interface Received {
  readonly tally: Tally.Tally
  readonly ages: Array<number>
}

const begin = (): Received => ({ tally: Tally.zero, ages: [] })

const add = ({ ages, tally }: Received, n: number): Received => ({ tally: Tally.add(tally, n), ages })

export const layer = Receiver.toLayer({
  state: Actor.opaque<Received>(),
  initial: begin,
  handlers: {
    Reset: () => Actor.next(begin()),
    Add: (state, { n }) => Actor.next(add(state, n)),
    Echo: (state, { n }) => Actor.reply(add(state, n), n),
    Age: (state, { at, n }) => {
      state.ages.push(now() - at)
      return Actor.next(add(state, n))
    },
    Ages: (state) => Actor.reply(state, state.ages),
    Read: (state) => Actor.reply(state, state.tally),
    Thread: (state) => Actor.reply(state, threadId),
    Slept: (state) => Actor.reply(state, performance.eventLoopUtilization().idle)
  }
})
