/** A reference to an actor on another thread: its messages are encoded, at once, into the link to that thread. */
import * as ActorId from "../ActorId.ts"
import type { Bounded, Depth } from "../Mailbox.ts"
import type { Address } from "./address.ts"
import { exitOfNobody } from "./ending.ts"
import type { Replier } from "./hot/cell.ts"
import type { KeyedRef } from "./keyedRef.ts"
import type { EndObserver } from "./life.ts"
import type { Lives } from "./lives.ts"
import type { LocalRef } from "./localRef.ts"
import type { Mailbox } from "./mailbox.ts"
import * as Peer from "./peer.ts"
import type { Protocol } from "./protocol.ts"
import { type Stop, type Subject, type Target, withRef } from "./ref.ts"
import { invalid, lost, type Refusal, unknown } from "./refusal.ts"
import type { System } from "./system.ts"
import type { Wire } from "./wire.ts"

/** The contract of a remote actor, as far as sending to it goes. */
export interface RemoteContract {
  readonly name: string
  /** The number of its kind. */
  readonly type: number
  /** What its messages are numbered by: its kind, or a face. */
  readonly host: number
  readonly protocol: Protocol
  readonly wire: Pick<Wire, "messages">
  readonly bounds: Bounded | undefined
}

class Remote implements Target {
  readonly contract: RemoteContract
  /** Its thread; that of nobody, which is lost, while nobody has looked where its key lives. */
  peer: Peer.Peer
  /** The actor's place on its thread, or the handle that its key is bound to. */
  target: number
  /** The place's generation; 0 for a key. */
  readonly version: number
  readonly key: string | undefined
  /** Its bounds; undefined for an actor without. */
  readonly mailbox: Mailbox | undefined
  /** Its identity, where that is not its place. */
  private readonly identity: ActorId.ActorId | undefined
  /** The thread that knows the handle of a key that may move. */
  bound: Peer.Peer | undefined = undefined

  constructor(
    contract: RemoteContract,
    peer: Peer.Peer,
    target: number,
    version: number,
    key: string | undefined,
    mailbox: Mailbox | undefined,
    identity: ActorId.ActorId | undefined
  ) {
    this.contract = contract
    this.peer = peer
    this.target = target
    this.version = version
    this.key = key
    this.mailbox = mailbox
    this.identity = identity
  }

  get id(): ActorId.ActorId | undefined {
    if (this.identity !== undefined || this.key !== undefined) return this.identity
    const { contract, peer, target, version } = this
    return ActorId.make({ type: contract.type, instance: target, version, machine: peer.thread })
  }

  get known(): ActorId.ActorId | undefined {
    return this.id
  }

  get token(): string {
    return this.system.token
  }

  get protocol(): Protocol {
    return this.contract.protocol
  }

  get address(): Address {
    const { contract, key, mailbox, peer } = this
    const { name, type } = contract
    const known = contract.host === type
    if (key !== undefined) {
      return known
        ? { _tag: "Keyed", type, key }
        : { _tag: "OtherKey", type, machine: peer.thread, name, key }
    }
    const id = this.id!
    if (known && mailbox === undefined) return { _tag: "Spawned", id }
    if (mailbox === undefined) return { _tag: "Other", id, name }
    const at = { place: this.target, generation: -this.version, ...mailbox.bounds }
    return { _tag: "Other", id, name, mailbox: at }
  }

  get subject(): Subject {
    return this as unknown as RemoteRef
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
    if (peer.lost) return this.detour(tag, payload, replier)
    if (mailbox !== undefined) {
      const refusal = mailbox.reserve()
      if (refusal !== undefined) return refusal
    }
    try {
      const value = message.construct === undefined ? payload : message.construct(payload)
      const codecs = contract.wire.messages[message.index]!
      const to = Peer.address(contract.host, message.index)
      if (replier === undefined) peer.tell(this.target, this.version, to, value, codecs.payload)
      else peer.ask(this.target, this.version, to, value, codecs, replier)
      return undefined
    } catch (issue) {
      // Nothing was sent: the place is free again.
      mailbox?.cancel()
      return invalid(issue)
    }
  }

  /** Its thread is lost, or its key may live elsewhere now. */
  private detour(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const { home } = this
    return typeof home === "number" ? lost(home) : home.deliver(tag, payload, replier)
  }

  /** What reaches it: itself, or the reference to its key on this thread; or the number of the thread that is lost. */
  get home(): RemoteRef | KeyedRef | number {
    const { key, peer } = this
    if (!peer.lost) return this as unknown as RemoteRef
    return key === undefined ? peer.thread : this.system.mesh!.refs.route(this as unknown as RemoteRef)
  }

  /** The thread that its key is on has ended for good. */
  forget(nowhere: Peer.Peer): void {
    this.bound = undefined
    this.peer = nowhere
  }
}

export class RemoteRef extends withRef(Remote) implements Subject {
  get who(): unknown {
    const { key, peer, target, version } = this
    return key === undefined ? `${peer.thread}/${target}/${version}` : this
  }

  observe(observer: EndObserver): void {
    const { home } = this
    if (typeof home === "number") this.livesOn(home).observe(this, observer)
    else if (home instanceof RemoteRef) home.peer.lives.observe(home, observer)
    else if (home.subject === undefined) observer.ended(exitOfNobody(this.key))
    else home.subject.observe(observer)
  }

  unobserve(observer: EndObserver): void {
    if (this.key === undefined) return this.peer.lives.unobserve(observer)
    // Its key may have moved since.
    this.system.mesh!.tellAll(({ lives }) => lives.unobserve(observer))
    const { home } = this
    if (typeof home !== "number" && !(home instanceof RemoteRef)) home.subject?.unobserve(observer)
  }

  terminate(how: Stop, done?: () => void): void {
    const { home } = this
    if (typeof home === "number") this.livesOn(home).terminate(this, how, done)
    else if (home instanceof RemoteRef) home.peer.lives.terminate(home, how, done)
    else if (home.subject === undefined) done?.()
    else home.subject.terminate(how, done)
  }

  fasten(to: LocalRef): void {
    const { home } = this
    if (home instanceof RemoteRef) home.peer.lives.link(Peer.LINK, home, to)
    else if (typeof home !== "number" && home.subject !== undefined) home.subject.fasten(to)
  }

  unfasten(from: LocalRef): void {
    const { home } = this
    if (home instanceof RemoteRef) home.peer.lives.link(Peer.UNLINK, home, from)
    else if (typeof home !== "number") home.subject?.unfasten(from)
  }

  private livesOn(thread: number): Lives {
    return this.system.mesh!.peer(thread).lives
  }
}
