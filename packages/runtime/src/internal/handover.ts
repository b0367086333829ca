/** The states of keyed actors, as they cross threads when their keys move. */
import * as Schema from "effect/Schema"
import * as Codec from "../Codec.ts"

/** Stands for the state of an actor that has moved here and has not started yet. */
export class Inherited {
  readonly state: unknown
  constructor(state: unknown) {
    this.state = state
  }
}

/** A key and its state. */
export interface Handover {
  readonly key: string
  readonly state: unknown
}

const codecs = new WeakMap<object, Codec.Codec<Handover> | "none">()

/** The codec of a key and its state; undefined for one that is opaque or cannot cross threads. */
export const codec = (state: object): Codec.Codec<Handover> | undefined => {
  let found = codecs.get(state)
  if (found === undefined) {
    found = Schema.isSchema(state) ? compile(state as Schema.Codec<unknown>) : "none"
    codecs.set(state, found)
  }
  return found === "none" ? undefined : found
}

const compile = (state: Schema.Codec<unknown>): Codec.Codec<Handover> | "none" => {
  try {
    return Codec.make(Schema.Struct({ key: Schema.String, state }))
  } catch (error) {
    if (error instanceof Codec.CodecDefinitionError) return "none"
    throw error
  }
}
