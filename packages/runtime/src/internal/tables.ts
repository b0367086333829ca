/** Tables of handlers, by the places that messages have in their protocol. */
import * as Context from "effect/Context"
import { Interruptible } from "../Message.ts"
import { batched, interleaved, isBatch } from "./aside.ts"
import * as Faulty from "./faulty.ts"
import { interruptible } from "./givingUp.ts"
import type { Handler } from "./hot/cell.ts"
import type { LocalHost } from "./localHost.ts"
import type { MessageType } from "./protocol.ts"

/** The tables of one definition's actors, each compiled once. */
export class Tables {
  private readonly host: LocalHost
  /** What stands behind the messages' handlers: what the pill does. */
  private readonly last: Handler
  private readonly known = new WeakMap<object, ReadonlyArray<Handler>>()

  constructor(host: LocalHost, last: Handler) {
    this.host = host
    this.last = last
  }

  /** Throws where a handler is missing. */
  of(table: object): ReadonlyArray<Handler> {
    let handlers = this.known.get(table)
    if (handlers === undefined) {
      const { host } = this
      const byTag = table as Readonly<Record<string, unknown>>
      const own = host.protocol.messages.map((message) => this.handler(message, byTag[message.tag]))
      handlers = [...(host.system.observer?.handlers(host, own) ?? own), this.last]
      this.known.set(table, handlers)
    }
    return handlers
  }

  private handler(message: MessageType, given: unknown): Handler {
    const { name, system } = this.host
    const { rpc, tag } = message
    const fault = system.injector?.handler
    const handler = isBatch(given) ? batched(system.dispatcher, message, given) : given
    if (typeof handler !== "function") throw new TypeError(`${name} has no handler for ${tag}`)
    const whole = fault === undefined ? handler as Handler : Faulty.hurt(handler as Handler, tag, fault)
    // Others may wait for what is in a batch, though one has given up.
    const own = Context.get(rpc.annotations, Interruptible) && !isBatch(given) ? interruptible(whole) : whole
    return message.interleave ? interleaved(own) : own
  }
}
