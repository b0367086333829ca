/** A reference to an actor on another thread: its messages are encoded, at once, into the link to that thread. */
import type { Bounded, Depth } from "../Mailbox.ts"
import type { Replier } from "./hot/cell.ts"
import type { Mailbox } from "./mailbox.ts"
import { address, type Peer } from "./peer.ts"
import type { Protocol } from "./protocol.ts"
import { type Target, withRef } from "./ref.ts"
import { invalid, lost, type Refusal, unknown } from "./refusal.ts"
import type { System } from "./system.ts"
import type { Wire } from "./wire.ts"

/** The contract of a remote actor, as far as sending to it goes. */
export interface RemoteContract {
  readonly name: string
  /** The host's number among those of the mesh. */
  readonly host: number
  readonly protocol: Protocol
  readonly wire: Wire
  readonly bounds: Bounded | undefined
}

class Remote implements Target {
  readonly subject = undefined
  readonly contract: RemoteContract
  readonly peer: Peer
  /** The actor's place on its thread, or the handle that its key is bound to. */
  readonly target: number
  /** The place's generation; 0 for a key. */
  readonly version: number
  readonly key: string | undefined
  /** Its bounds; undefined for an actor without. */
  readonly mailbox: Mailbox | undefined

  constructor(
    contract: RemoteContract,
    peer: Peer,
    target: number,
    version: number,
    key: string | undefined,
    mailbox: Mailbox | undefined
  ) {
    this.contract = contract
    this.peer = peer
    this.target = target
    this.version = version
    this.key = key
    this.mailbox = mailbox
  }

  get name(): string {
    return this.contract.name
  }

  get system(): System {
    return this.peer.system
  }

  get depth(): Depth | undefined {
    return this.mailbox?.depth
  }

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const { contract, mailbox, peer } = this
    const message = contract.protocol.get(tag)
    if (message === undefined) return unknown(contract.name, tag)
    if (peer.lost) return lost(peer.thread)
    if (mailbox !== undefined) {
      const refusal = mailbox.reserve()
      if (refusal !== undefined) return refusal
    }
    try {
      const value = message.construct === undefined ? payload : message.construct(payload)
      const codecs = contract.wire.messages[message.index]!
      const to = address(contract.host, message.index)
      if (replier === undefined) peer.tell(this.target, this.version, to, value, codecs.payload)
      else peer.ask(this.target, this.version, to, value, codecs, replier)
      return undefined
    } catch (issue) {
      // Nothing was sent: the place is free again.
      mailbox?.cancel()
      return invalid(issue)
    }
  }
}

export class RemoteRef extends withRef(Remote) {}
