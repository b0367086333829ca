/** The airports: each one a keyed actor, by its code. */
import { Actor } from "@troupe/runtime"
import * as Schema from "effect/Schema"
import { Rpc, RpcGroup } from "effect/rpc"
import { Figures } from "./Figures.ts"
import { Tally } from "./Tally.ts"

export const Airport = Actor.make("Airport", {
  protocol: RpcGroup.make(
    /** What is told from now on is of this group of rows; said only where the airports keep a journal. */
    Rpc.make("Begin", { payload: { group: Schema.Int } }),
    Rpc.make("Departed", { payload: { destination: Schema.String, delay: Schema.Int } }),
    Rpc.make("Arrived"),
    /** Answers when all that its asker has told before is counted. */
    Rpc.make("Settled"),
    Rpc.make("Figures", { success: Figures })
  )
})

export const AirportLive = Airport.toLayer({
  state: Actor.opaque<Tally>(),
  initial: () => new Tally(),
  handlers: {
    Begin: (tally) => tally.kept,
    Departed: (tally, { delay, destination }) => {
      tally.departed(destination, delay)
      return tally.kept
    },
    Arrived: (tally) => {
      tally.arrivals++
      return tally.kept
    },
    Settled: (tally) => tally.kept,
    Figures: (tally, _, { key }) => Actor.reply(tally, tally.figures(key!))
  }
})
