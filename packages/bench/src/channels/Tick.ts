/** What the scenarios on channels carry. */
import * as Format from "@troupe/persistence/Format"
import * as Layout from "@troupe/runtime/Layout"
import * as Schema from "effect/Schema"

/** 16 bytes. */
export const Tick = Layout.make(Schema.Struct({ price: Schema.Number, at: Schema.Number }))
export type Tick = Layout.Type<typeof Tick>

const Number = Schema.Number

/** 64 bytes. */
export const Quote = Layout.make(Schema.Struct({
  price: Number,
  at: Number,
  bid: Number,
  ask: Number,
  bidSize: Number,
  askSize: Number,
  open: Number,
  close: Number
}))
export type Quote = Layout.Type<typeof Quote>

export const ticks = Format.layout(Tick)
export const tickViews = Format.layoutViews(Tick)
