/** A reference to an instance of a swarm. */
import type { ActorId } from "../ActorId.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Depth } from "../Mailbox.ts"
import type { Replier } from "./hot/cell.ts"
import type { Debt } from "./life.ts"
import { type Target, withRef } from "./ref.ts"
import type { Refusal } from "./refusal.ts"
import type { System } from "./system.ts"

/** What knows the instances: on the thread that owns the swarm, or on another one. */
export interface Instances {
  readonly name: string
  readonly system: System
  id(slot: number, version: number): ActorId
  deliver(
    slot: number,
    version: number,
    tag: string,
    payload: unknown,
    replier: Debt | undefined
  ): Refusal | undefined
}

class Instance implements Target {
  private readonly instances: Instances
  private readonly slot: number
  private readonly version: number

  constructor(instances: Instances, slot: number, version: number) {
    this.instances = instances
    this.slot = slot
    this.version = version
  }

  get name(): string {
    return this.instances.name
  }

  get key(): undefined {
    return undefined
  }

  get id(): ActorId {
    return this.instances.id(this.slot, this.version)
  }

  get system(): System {
    return this.instances.system
  }

  get mailbox(): Mailbox | undefined {
    return undefined
  }

  get depth(): Depth | undefined {
    return undefined
  }

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    return this.instances.deliver(this.slot, this.version, tag, payload, replier as Debt | undefined)
  }
}

export class InstanceRef extends withRef(Instance) {}
