/** A reference to a key of this thread: it reaches whichever incarnation lives, and makes one where none does. */
import type { Depth } from "../Mailbox.ts"
import { ENDED, ENDING, type Replier } from "./hot/cell.ts"
import type { Address } from "./address.ts"
import type { Arrival } from "./hot/dispatcher.ts"
import type { LocalHost } from "./localHost.ts"
import type { LocalRef } from "./localRef.ts"
import type { MessageType, Protocol } from "./protocol.ts"
import type { Mailbox } from "./mailbox.ts"
import { type Target, withRef } from "./ref.ts"
import { ended, type Refusal } from "./refusal.ts"
import type { System } from "./system.ts"

class Keyed implements Target {
  readonly host: LocalHost
  readonly key: string
  /** The key's bounds, which outlive its incarnations; undefined for a key without. */
  readonly mailbox: Mailbox | undefined
  private living: LocalRef | undefined = undefined

  constructor(host: LocalHost, key: string, mailbox: Mailbox | undefined) {
    this.host = host
    this.key = key
    this.mailbox = mailbox
  }

  get name(): string {
    return this.host.name
  }

  get system(): System {
    return this.host.system
  }

  /** The incarnation that lives, or is about to have ended. */
  get subject(): LocalRef | undefined {
    const { living } = this
    return living === undefined || living.status === ENDED ? undefined : living
  }

  /** The incarnation that was addressed last. */
  get alive(): LocalRef | undefined {
    return this.living
  }

  get depth(): Depth {
    return this.mailbox?.depth ?? this.living?.depth ?? { now: 0, high: 0 }
  }

  get protocol(): Protocol {
    return this.host.protocol
  }

  get token(): string {
    return this.system.token
  }

  get id(): undefined {
    return undefined
  }

  get known(): undefined {
    return undefined
  }

  get address(): Address {
    return this.host.addressOf(this.key)
  }

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const incarnation = this.incarnation()
    return incarnation === undefined ? ended : incarnation.deliver(tag, payload, replier)
  }

  /** Takes a message from another thread; false when the host has closed. */
  receive(message: MessageType, payload: unknown, replier: Replier | undefined, arrival: Arrival): boolean {
    const incarnation = this.incarnation()
    if (incarnation !== undefined) return incarnation.receive(message, payload, replier, arrival)
    this.mailbox?.release()
    return false
  }

  private incarnation(): LocalRef | undefined {
    if (this.living === undefined || this.living.status >= ENDING) {
      this.living = this.host.incarnation(this.key)
    }
    return this.living
  }
}

export class KeyedRef extends withRef(Keyed) {}
