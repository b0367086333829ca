/** What goes through the rings of the `ring.*` scenarios: 16 bytes. */
import * as Layout from "@troupe/runtime/Layout"
import type * as RingBuffer from "@troupe/runtime/RingBuffer"
import * as Schema from "effect/Schema"

export const Event = Layout.make(Schema.Struct({ value: Schema.Number, twice: Schema.Number }))
export type Event = Layout.Type<typeof Event>

/** What a worker of {@link ../entry/ring.ts} is told. */
export type Task =
  | {
    readonly tag: "produce"
    readonly ring: RingBuffer.Description
    readonly line: number
    /** Events a batch; 1: one by one. */
    readonly batch: number
    /** Three words: how many runs were ordered, how many events a producer in the last, how many producers there are. */
    readonly orders: SharedArrayBuffer
  }
  | {
    readonly tag: "echo"
    readonly wait: "spin" | "park"
    readonly there: RingBuffer.Description
    readonly back: RingBuffer.Description
    /** This word says when the worker has entered its poller. */
    readonly ready: SharedArrayBuffer
  }
