/** A reference to an instance of a swarm, on the thread that owns it. */
import * as ActorId from "../ActorId.ts"
import type { Address } from "./address.ts"
import type { Replier } from "./hot/cell.ts"
import type { Debt } from "./life.ts"
import type { Protocol } from "./protocol.ts"
import { type Target, withRef } from "./ref.ts"
import { invalid, type Refusal } from "./refusal.ts"
import type { SwarmHost } from "./swarmHost.ts"
import type { System } from "./system.ts"

class Instance implements Target {
  // It is no actor, and has no life of its own that others could watch.
  readonly subject = undefined
  readonly host = undefined
  readonly key = undefined
  readonly mailbox = undefined
  readonly depth = undefined
  private readonly swarm: SwarmHost
  private readonly slot: number
  private readonly version: number

  constructor(swarm: SwarmHost, slot: number, version: number) {
    this.swarm = swarm
    this.slot = slot
    this.version = version
  }

  get name(): string {
    return this.swarm.name
  }

  get system(): System {
    return this.swarm.system
  }

  get protocol(): Protocol {
    return this.swarm.protocol
  }

  get token(): string {
    return this.system.token
  }

  get id(): ActorId.ActorId {
    return this.swarm.id(this.slot, this.version)
  }

  get known(): ActorId.ActorId {
    return this.id
  }

  get address(): Address {
    return { _tag: "Other", id: this.id, name: this.name }
  }

  /** Whether the instance has ended. */
  get over(): boolean {
    return !this.swarm.store.slots.has(this.slot, this.version)
  }

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    return this.swarm.deliver(this.slot, this.version, tag, payload, replier as Debt | undefined)
  }
}

export class InstanceRef extends withRef(Instance) {}

/** All instances of a swarm, as one that is told. */
class All extends Instance {
  private readonly all: SwarmHost

  constructor(swarm: SwarmHost) {
    super(swarm, ActorId.ALL_INSTANCES, 0)
    this.all = swarm
  }

  override deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    if (replier !== undefined) return invalid(new Error("a broadcast has no answer: ask each one"))
    this.all.broadcast(tag, payload)
    return undefined
  }
}

export class AllRef extends withRef(All) {}
