/**
 * An actor on this thread. One object is its cell, its reference and its handlers' context: a tell follows no
 * pointer, and an idle actor is nothing else.
 */
import { Cell, type Replier } from "./hot/cell.ts"
import type { Life } from "./life.ts"
import type { LocalHost } from "./localHost.ts"
import type { Owner } from "./owner.ts"
import type { MessageType } from "./protocol.ts"
import { ended, invalid, type Refusal, type Target, unknown, withRef } from "./ref.ts"
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

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const host = this.host
    const message = host.protocol.byTag.get(tag)
    if (message === undefined) return unknown(host.name, tag)
    let value = payload
    if (message.construct !== undefined) {
      try {
        value = message.construct(payload)
      } catch (issue) {
        return invalid(issue)
      }
    }
    return host.system.dispatcher.send(this, message, value, replier) ? undefined : ended
  }

  /** Takes a message from another thread; false when the actor has ended. */
  receive(message: MessageType, payload: unknown, replier: Replier | undefined): boolean {
    return this.system.dispatcher.receive(this as unknown as LocalRef, message, payload, replier)
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
