/** What must hold of a contract before it is one. */
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcSchema from "effect/rpc/RpcSchema"
import type * as Schema from "effect/Schema"
import { compile } from "./protocol.ts"

/** Throws when an actor cannot be defined so, with what is wrong and where. */
export const check = (name: string, group: RpcGroup.RpcGroup<any>, _args: Schema.Top): void => {
  if (name === "") throw new TypeError("an actor needs a name")
  for (const message of compile(group).messages) {
    if (RpcSchema.isStreamSchema(message.rpc.successSchema)) {
      throw new TypeError(`${name}.${message.tag}: an actor's answer is one value, not a stream`)
    }
  }
}
