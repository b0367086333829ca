/** The actors of the tests of bounded mailboxes between threads, and what a worker hosts of them. */
import * as Actor from "@troupe/runtime/Actor"
import { AskError } from "@troupe/runtime/AskError"
import * as Mailbox from "@troupe/runtime/Mailbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { threadId } from "node:worker_threads"

export const capacity = 4

const Message = Schema.Struct({ from: Schema.Number, n: Schema.Number })

const protocol = RpcGroup.make(
  Rpc.make("Put", { payload: Message.fields, success: Schema.Number }),
  /** Keeps the actor busy for so long. */
  Rpc.make("Hold", { payload: { millis: Schema.Number } }),
  /** What it has handled, in order, and the depth of its mailbox as it sees it. */
  Rpc.make("Seen", {
    success: Schema.Struct({ messages: Schema.Array(Message), now: Schema.Number, high: Schema.Number })
  }),
  Rpc.make("Thread", { success: Schema.Number }),
  Rpc.make("Stop"),
  /** Ends the thread. */
  Rpc.make("Exit")
)

const receiver = <const Name extends string>(name: Name, overflow: Mailbox.Overflow) =>
  Actor.make(name, { protocol, mailbox: { capacity, overflow } })

export const receivers = {
  suspend: receiver("Suspends", "suspend"),
  fail: receiver("Fails", "fail"),
  dropNewest: receiver("DropsNewest", "dropNewest"),
  dropOldest: receiver("DropsOldest", "dropOldest")
}

export type Receiver = typeof receivers[Mailbox.Overflow]
export type ReceiverRef = Actor.Ref<Receiver>

const live = (actor: Receiver) =>
  (actor as typeof receivers.suspend).toLayer({
    state: Actor.opaque<Array<typeof Message.Type>>(),
    initial: () => [],
    handlers: {
      Put: (seen, message) => {
        seen.push(message)
        return Actor.reply(seen, message.n)
      },
      Hold: (seen, { millis }) => Effect.as(Effect.sleep(millis), Actor.next(seen)),
      Seen: (messages, _, ctx) => Actor.reply(messages, { messages, ...Mailbox.depth(ctx.self)! }),
      Thread: (seen) => Actor.reply(seen, threadId),
      Stop: () => Actor.stop(),
      Exit: () => process.exit(1)
    }
  })

/** How a flood is sent: as fast as an Effect may, by calls that do not wait, or by questions. */
export const faces = ["tell", "tellUnsafe", "offer", "ask"] as const
export type Face = typeof faces[number]

/** Sends the numbers from 1 to `messages`; how many were accepted, as far as the face says. */
export const flood = Effect.fnUntraced(
  function*(ref: ReceiverRef, from: number, messages: number, face: Face) {
    let accepted = 0
    for (let n = 1; n <= messages; n++) {
      switch (face) {
        case "tell":
          yield* ref.tell("Put", { from, n })
          accepted++
          break
        case "tellUnsafe":
          if (ref.tellUnsafe("Put", { from, n })) accepted++
          break
        case "offer":
          if (yield* ref.offer("Put", { from, n })) accepted++
          break
        case "ask":
          if ((yield* Effect.catch(ref.ask("Put", { from, n }), () => Effect.succeed(-1))) === n) accepted++
      }
      // The other fibers, timers and threads have their turn.
      if (face !== "tell" && n % 8 === 0) yield* Effect.yieldNow
    }
    return accepted
  }
)

export const Flooder = Actor.make("Flooder", {
  protocol: RpcGroup.make(
    Rpc.make("Flood", {
      payload: {
        overflow: Schema.Literals(["suspend", "fail", "dropNewest", "dropOldest"]),
        key: Schema.String,
        from: Schema.Number,
        messages: Schema.Number,
        face: Schema.Literals(faces)
      },
      success: Schema.Number,
      error: AskError
    }),
    Rpc.make("Thread", { success: Schema.Number })
  )
})

const FlooderLive = Flooder.toLayer({
  state: Schema.Void,
  initial: () => undefined,
  handlers: {
    Flood: (_, { face, from, key, messages, overflow }) =>
      (receivers[overflow] as typeof receivers.suspend).keyed(key).pipe(
        Effect.flatMap((ref) => flood(ref, from, messages, face)),
        Effect.map((accepted) => Actor.reply(undefined, accepted))
      ),
    Thread: () => Actor.reply(undefined, threadId)
  }
})

const ReceiversLive = Layer.mergeAll(
  live(receivers.suspend),
  live(receivers.fail as never),
  live(receivers.dropNewest as never),
  live(receivers.dropOldest as never)
) as Layer.Layer<Actor.HostedOf<Receiver>, never, Layer.Services<ReturnType<typeof live>>>

export const layer = Layer.provideMerge(FlooderLive, ReceiversLive)
