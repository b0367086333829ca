/**
 * An actor on this thread. One object is its cell, its reference and its handlers' context: a tell follows no
 * pointer, and an idle actor is nothing else.
 */
import { Cell, type Replier } from "./hot/cell.ts"
import type { Depth } from "../Mailbox.ts"
import type { Arrival } from "./hot/dispatcher.ts"
import type { Life } from "./life.ts"
import type { LocalHost } from "./localHost.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Owner } from "./owner.ts"
import type { MessageType } from "./protocol.ts"
import { type Target, withRef } from "./ref.ts"
import { ended, invalid, type Refusal, unknown } from "./refusal.ts"
import type { System } from "./system.ts"

class Local extends Cell implements Target {
  readonly host: LocalHost
  readonly key: string | undefined
  /** Fiber, scope and what is owed; made when the first of them is needed. */
  life: Life | undefined = undefined
  owner: Owner | undefined = undefined
  /** The neighbours among what `owner` owns, in the order of their starts. */
  previous: LocalRef | undefined = undefined
  next: LocalRef | undefined = undefined

  constructor(host: LocalHost, key: string | undefined, status: number) {
    super(status)
    this.host = host
    this.key = key
  }

  get name(): string {
    return this.host.name
  }

  get system(): System {
    return this.host.system
  }

  /** Its bounds; undefined for an actor without. */
  get mailbox(): Mailbox | undefined {
    return undefined
  }

  get depth(): Depth {
    return { now: this.size, high: this.high }
  }

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const host = this.host
    const message = host.protocol.get(tag)
    if (message === undefined) return unknown(host.name, tag)
    let value = payload
    if (message.construct !== undefined) {
      try {
        value = message.construct(payload)
      } catch (issue) {
        return invalid(issue)
      }
    }
    return this.admit(message, value, replier)
  }

  /** Takes a message that fits. */
  admit(message: MessageType, value: unknown, replier: Replier | undefined): Refusal | undefined {
    return this.system.dispatcher.send(this, message, value, replier) ? undefined : ended
  }

  /** Takes a message from another thread; false when the actor has ended. */
  receive(message: MessageType, payload: unknown, replier: Replier | undefined, arrival: Arrival): boolean {
    return this.system.dispatcher.receive(this as unknown as LocalRef, message, payload, replier, arrival)
  }
}

export class LocalRef extends withRef(Local) {
  get self(): this {
    return this
  }

  send(ref: LocalRef, tag: string, payload?: unknown): boolean {
    return ref.tellUnsafe(tag, payload)
  }
}
