/** A node of the ring: has the token go round, from thread to thread. */
import { Actor } from "@troupe/runtime"
import { Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

export const NODES = 8

export const RingNode = Actor.make("RingNode", {
  protocol: RpcGroup.make(
    /** Answers how many nodes the token passed from here on; 0 if it was lost on its way. */
    Rpc.make("Pass", { payload: { left: Schema.Int, at: Schema.Int }, success: Schema.Int })
  )
})

export const RingNodeLive = RingNode.toLayer({
  state: Schema.Int,
  initial: () => 0,
  handlers: {
    Pass: (passed, { at, left }) =>
      left === 1
        ? Actor.reply(passed + 1, 1)
        : RingNode.keyed(`node-${(at + 1) % NODES}`).pipe(
          Effect.flatMap((next) => next.ask("Pass", { left: left - 1, at: (at + 1) % NODES })),
          Effect.map((others) => Actor.reply(passed + 1, others === 0 ? 0 : others + 1)),
          Effect.catch(() => Effect.succeed(Actor.reply(passed + 1, 0)))
        )
  }
})
