/** What must hold of a contract before it is one. */
import type { Any } from "../Actor.ts"
import type { Bounded, Overflow } from "../Mailbox.ts"
import * as Wire from "./wire.ts"

/** Throws when an actor cannot be defined so, with what is wrong and where. */
export const check = (actor: Any): void => {
  if (actor.name === "") throw new TypeError("an actor needs a name")
  if (actor.mailbox !== undefined) checkMailbox(actor.name, actor.mailbox)
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
