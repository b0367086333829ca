/** A target that is no actor: it passes on what it is sent. Until it is closed, other threads reach it too. */
import type { ActorId } from "../ActorId.ts"
import type { Depth } from "../Mailbox.ts"
import type { Address } from "./address.ts"
import type { Replier } from "./hot/cell.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Protocol } from "./protocol.ts"
import type { Subject, Target } from "./ref.ts"
import type { Refusal } from "./refusal.ts"
import type { System } from "./system.ts"

export abstract class Virtual implements Target {
  readonly system: System
  readonly name: string
  readonly protocol: Protocol
  readonly host = undefined
  readonly key = undefined
  /** Nothing is passed on any more. */
  over = false

  constructor(system: System, name: string, protocol: Protocol) {
    this.system = system
    this.name = name
    this.protocol = protocol
  }

  get mailbox(): Mailbox | undefined {
    return undefined
  }

  get subject(): Subject | undefined {
    return undefined
  }

  get depth(): Depth | undefined {
    return undefined
  }

  get token(): string {
    return this.system.token
  }

  get id(): ActorId {
    return this.system.directory.id(this)
  }

  get known(): ActorId | undefined {
    return this.system.directory.known(this)
  }

  get address(): Address {
    return { _tag: "Other", id: this.id, name: this.name }
  }

  close(): void {
    this.over = true
    this.system.registry.ended(this)
    this.system.directory.remove(this)
  }

  abstract deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined
}
