/** What an actor is spawned with on another thread: its arguments, and the actor in whose scope it is. */
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Codec from "../Codec.ts"
import type { Ref } from "./ref.ts"
import * as refSchema from "./refSchema.ts"

export interface Birth {
  readonly parent: Ref | undefined
  readonly args: unknown
}

/** The schema of references to whatever actor. */
export const Anybody = refSchema.make({ name: undefined, group: RpcGroup.make() as never })

const codecs = new WeakMap<Codec.Codec<unknown>, Codec.Codec<Birth>>()

/** The codec of births with such arguments, compiled when the first is to cross. */
export const codec = (args: Codec.Codec<unknown>): Codec.Codec<Birth> => {
  let known = codecs.get(args)
  if (known === undefined) {
    known = Codec.make(Schema.Struct({ parent: Schema.UndefinedOr(Anybody), args: args.schema })) as never
    codecs.set(args, known!)
  }
  return known!
}
