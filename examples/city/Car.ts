/** A car: one of a million equal rows. */
import { Layout, Swarm } from "@troupe/runtime"
import * as Schema from "effect/Schema"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"

/** What a junction tells a car. */
export const Going = RpcGroup.make(
  /** Its way is free: it goes on in this street. */
  Rpc.make("Go", { payload: { street: Layout.Uint32 } })
)

export const Car = Swarm.make("Car", {
  // A second passes.
  protocol: Going.add(Rpc.make("Drive")),
  state: Schema.Struct({
    /** Each car has its own, so that none is lost and none is there twice. */
    number: Layout.Uint32,
    street: Layout.Uint32,
    /** Metres from the street's beginning. */
    offset: Layout.Float32,
    /** Metres a second: now, and where nothing hinders it. */
    speed: Layout.Float32,
    pace: Layout.Float32,
    /** It stands at the junction at the street's end. */
    waiting: Schema.Boolean,
    /** Junctions that it has passed. */
    passed: Layout.Uint32
  }),
  turns: "manual"
})
