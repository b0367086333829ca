/** What must hold of a contract before it is one. */
import * as RpcSchema from "effect/rpc/RpcSchema"
import type { Any } from "../Actor.ts"
import type { Bounded, Overflow } from "../Mailbox.ts"
import { compile } from "./protocol.ts"
import * as Wire from "./wire.ts"

/** Throws when an actor cannot be defined so, with what is wrong and where. */
export const check = (actor: Any): void => {
  if (actor.name === "") throw new TypeError("an actor needs a name")
  if (actor.mailbox !== undefined) checkMailbox(actor.name, actor.mailbox)
  for (const { key, priority, rpc, tag } of compile(actor.protocol as never).messages) {
    if (key !== undefined && RpcSchema.isStreamSchema(rpc.successSchema)) {
      throw new TypeError(
        `${actor.name}.${tag}: no message can take the place of one that is answered by a stream`
      )
    }
    if (!Number.isFinite(priority)) {
      throw new TypeError(`${actor.name}.${tag}: a priority is a number, not ${priority}`)
    }
  }
  Wire.of(actor)
}

/** The largest capacity: what is on its way beyond it must still be countable. */
const LARGEST = 2 ** 24

const overflows: ReadonlyArray<Overflow> = ["suspend", "fail", "dropNewest", "dropOldest"]

const checkMailbox = (actor: string, { capacity, overflow }: Bounded): void => {
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > LARGEST) {
    throw new TypeError(
      `${actor}: a mailbox's capacity is a whole number from 1 to ${LARGEST}, not ${capacity}`
    )
  }
  if (!overflows.includes(overflow)) {
    throw new TypeError(`${actor}: a mailbox's overflow is one of ${overflows.join(", ")}, not ${overflow}`)
  }
}
