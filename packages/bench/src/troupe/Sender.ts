/** An actor on one worker that tells a {@link Receiver} on another one, in bursts. */
import * as Actor from "@troupe/runtime/Actor"
import { AskError } from "@troupe/runtime/AskError"
import * as Effect from "effect/Effect"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { threadId } from "node:worker_threads"
import * as Tally from "../Tally.ts"
import { State } from "./Adder.ts"
import { Receiver, type ReceiverRef } from "./Receiver.ts"

const protocol = RpcGroup.make(
  /** Tells the receiver with this key so many messages, and answers with what it had received when it had them all. */
  Rpc.make("Send", {
    payload: { key: Schema.String, messages: Schema.Number },
    success: State,
    error: AskError
  }),
  /** The number that Node gave its thread. */
  Rpc.make("Thread", { success: Schema.Number })
)

export const Sender = Actor.make("Sender", { protocol })

/** A burst of messages, in plain code. */
const burst = (receiver: ReceiverRef): void => {
  for (let n = 0; n < Tally.burst; n++) receiver.tellUnsafe("Add", { n, at: n })
}

/** Bursts of messages, until the receiver says that it had them all. */
export const bursts = Effect.fnUntraced(function*(receiver: ReceiverRef, messages: number) {
  yield* receiver.tell("Reset")
  for (let sent = 0; sent < messages; sent += Tally.burst) {
    burst(receiver)
    yield* Effect.yieldNow
  }
  return yield* receiver.ask("Read")
})

export const layer = Sender.toLayer({
  state: Schema.Void,
  initial: () => undefined,
  handlers: {
    Send: (state, { key, messages }) =>
      Effect.map(
        Effect.flatMap(Receiver.keyed(key), (receiver) => bursts(receiver, messages)),
        (tally) => Actor.reply(state, tally)
      ),
    Thread: (state) => Actor.reply(state, threadId)
  }
})
