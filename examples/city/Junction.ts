/** A junction with lights: an actor, whom cars tell that they have come, and who tells them when they may go. */
import { Actor, ActorRef, Layout } from "@troupe/runtime"
import * as Schema from "effect/Schema"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import { Going } from "./Car.ts"

export const Junction = Actor.make("Junction", {
  protocol: RpcGroup.make(
    /** A car has come in this direction, and is to go on in another street. */
    Rpc.make("Arrive", {
      payload: { car: ActorRef.ActorRef(Going), direction: Layout.Uint8, street: Layout.Uint32 }
    }),
    /** A second passes. Answers how many cars stand here after those that may go have gone. */
    Rpc.make("Turn", { payload: { turn: Schema.Int }, success: Schema.Int })
  )
})
