/** A reference to an actor that has ended, or that was of a system that is no more. */
import type * as ActorId from "../ActorId.ts"
import type { Address } from "./address.ts"
import type { Protocol } from "./protocol.ts"
import { format, type Target, withRef } from "./ref.ts"
import { ended, type Refusal } from "./refusal.ts"
import type { System } from "./system.ts"

class Dead implements Target {
  readonly name: string
  readonly key = undefined
  readonly system: System
  readonly token: string
  readonly mailbox = undefined
  readonly subject = undefined
  readonly depth = undefined
  readonly protocol: Protocol
  readonly id: ActorId.ActorId

  /** `token` says of which system it was. */
  constructor(system: System, name: string, protocol: Protocol, id: ActorId.ActorId, token: string) {
    this.system = system
    this.name = name
    this.protocol = protocol
    this.id = id
    this.token = token
  }

  get known(): ActorId.ActorId {
    return this.id
  }

  get address(): Address {
    return { _tag: "Text", text: format(this) }
  }

  deliver(): Refusal | undefined {
    return ended
  }
}

export class DeadRef extends withRef(Dead) {}
