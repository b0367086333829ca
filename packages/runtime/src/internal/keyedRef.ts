/**
 * A reference to a key of this thread: it reaches whichever incarnation lives, and makes one where none does. When its
 * key has moved to another thread, what is sent by it goes there.
 */
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
    const { living } = this
    if (living !== undefined && living.status < ENDING) return living.deliver(tag, payload, replier)
    const target = this.host.away(this.key) ?? this.incarnation()
    return target === undefined ? ended : target.deliver(tag, payload, replier)
  }

  /** The key may live elsewhere now. */
  unsettle(): void {
    this.living = undefined
  }

  /** Takes a message from another thread; false when the host has closed. */
  receive(message: MessageType, payload: unknown, replier: Replier | undefined, arrival: Arrival): boolean {
    const incarnation = this.incarnation()
    if (incarnation !== undefined) return incarnation.receive(message, payload, replier, arrival)
    this.mailbox?.release()
    return false
  }

  private incarnation(): LocalRef | undefined {
    const { host, key, living } = this
    if (living !== undefined && living.status < ENDING) return living
    const incarnation = host.incarnation(key)
    // One that is about to move gets what was sent here before, and nothing that is sent here from now on.
    if (!host.isAway(key)) this.living = incarnation
    return incarnation
  }
}

export class KeyedRef extends withRef(Keyed) {}
