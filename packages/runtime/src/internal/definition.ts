/** What must hold of a contract before it is one. */
import * as RpcSchema from "effect/rpc/RpcSchema"
import type { Any } from "../Actor.ts"
import { compile } from "./protocol.ts"
import * as Wire from "./wire.ts"

/** Throws when an actor cannot be defined so, with what is wrong and where. */
export const check = (actor: Any): void => {
  if (actor.name === "") throw new TypeError("an actor needs a name")
  for (const message of compile(actor.protocol as never).messages) {
    if (RpcSchema.isStreamSchema(message.rpc.successSchema)) {
      throw new TypeError(`${actor.name}.${message.tag}: an actor's answer is one value, not a stream`)
    }
  }
  Wire.of(actor)
}
