/** The record that a report is an array of: one scenario's figures and what they were measured on. */
import * as Schema from "effect/Schema"
import { Machine } from "./Machine.ts"
import { Better, Params, Unit } from "./Scenario.ts"

export const Measurement = Schema.Struct({
  name: Schema.String,
  /** Of `value` and of each sample. */
  unit: Unit,
  better: Better,
  /** The median of `samples`. */
  value: Schema.Finite,
  /** At least five, in the order taken. */
  samples: Schema.Array(Schema.Finite),
  params: Params,
  machine: Machine
})

export type Measurement = typeof Measurement.Type

export const Report = Schema.Array(Measurement)
