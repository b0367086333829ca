/** A tick of market data: 24 bytes, read and written in place. */
import { Format } from "@troupe/persistence"
import { Layout } from "@troupe/runtime"
import { Schema } from "effect"

const Tick = Layout.make(Schema.Struct({
  symbol: Schema.Literals(["ACME", "INITECH", "GLOBEX"]),
  size: Layout.Uint32,
  price: Schema.Number
}))

/** What the publisher writes, and what readers read: the records where they lie, no object for each. */
export const ticks = Format.layoutViews(Tick)
