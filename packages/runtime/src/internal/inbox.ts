/** What comes to a thread from another one: records of its link, read one by one. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { DeadRef, InvalidMessage } from "../AskError.ts"
import type { Bytes, Codec } from "../Codec.ts"
import { CodecError } from "../Codec.ts"
import type { Address } from "./address.ts"
import { answer, hand, type Listing, PROTOCOL, visit } from "./audience.ts"
import { Bindings } from "./bindings.ts"
import type { BoundedPlaces } from "./boundedPlaces.ts"
import { crossing } from "./crossing.ts"
import { Face, sending } from "./face.ts"
import * as Failure from "./failure.ts"
import { HANDLED } from "./hot/counts.ts"
import type { Replier } from "./hot/cell.ts"
import type { Slot } from "./hot/chunk.ts"
import type { Arrival } from "./hot/dispatcher.ts"
import { CorruptLink, HEADER, type Sink } from "./hot/link.ts"
import { Parcel, type Parking } from "./hot/parking.ts"
import type { KeyedRef } from "./keyedRef.ts"
import { kept, Lives } from "./lives.ts"
import type { LocalRef } from "./localRef.ts"
import type { Mesh } from "./mesh.ts"
import { released } from "./move.ts"
import { quiet } from "./leaving.ts"
import { Nursery } from "./nursery.ts"
import type { Protocol } from "./protocol.ts"
import type { Forwarder, Target } from "./ref.ts"
import * as Peer from "./peer.ts"
import type { Place } from "./remoteChild.ts"
import { GivableReplier, RemoteReplier } from "./remoteReplier.ts"
import type { SharedMailboxes } from "./sharedMailboxes.ts"
import { swarmsOf } from "./swarms.ts"
import { RemoteStream } from "./remoteStream.ts"
import { isStreamReplier } from "./streaming.ts"
import type { System } from "./system.ts"
import * as Wire from "./wire.ts"

/** Answers that may be given up before it is looked which of them are given. */
const PRUNE_AT = 64

/** Records taken from one link before the next has its turn. */
const POLL_RECORDS = 256
/** Records taken before it is looked whether the slice is over: their handlers may have been called. */
const LOOK_RECORDS = 32

/** What messages from other threads come to. */
type Receiver = LocalRef | KeyedRef | Forwarder

const isForwarder = (ref: Receiver): ref is Forwarder => ref.host === undefined

/** Whether a message that is addressed so took a place in a bounded mailbox before it was sent. */
const reserved = (ref: Receiver, version: number): boolean =>
  version < 0 || (version === 0 && ref.mailbox?.slot !== undefined)

export class Inbox implements Sink, Arrival {
  private readonly mesh: Mesh
  protected readonly system: System
  readonly peer: Peer.Peer
  /** Actors with bounded mailboxes by their places; others have them in the system's directory. */
  private readonly bounded: BoundedPlaces
  /** Keys by the peer's handles for them. */
  private readonly bound: Bindings
  /** What the peer sends through each face. */
  private readonly faces: Array<Face> = []
  private readonly nursery: Nursery
  /** Answers that the peer may give up, by the correlations of its asks; those that are given are among them. */
  private readonly givable = new Map<number, GivableReplier>()
  /** When there are more than these, those that are given are left out. */
  private pruneAt = PRUNE_AT
  private readonly parking: Parking | undefined
  /** The message in hand: where its payload lies, and its slot, if it waited in one before. */
  private offset = 0
  private end = 0
  private slot: Slot | undefined = undefined

  constructor(
    mesh: Mesh,
    peer: Peer.Peer,
    bounded: BoundedPlaces,
    parking: Parking | undefined
  ) {
    this.mesh = mesh
    this.system = mesh.system
    this.peer = peer
    this.bounded = bounded
    this.parking = parking
    this.bound = new Bindings(peer)
    this.nursery = new Nursery(mesh, peer)
    peer.lives = new Lives(
      this.system,
      peer,
      (target, version) => version === 0 ? this.bound.get(target) : this.find(target, version)
    )
  }

  /** The message in hand is taken. */
  take(): void {
    if (this.slot === undefined) this.peer.reader.receive()
    else this.slot.take()
  }

  /** The message in hand will wait. */
  park(replier: Replier | undefined): Replier | undefined {
    const { parking, peer, slot } = this
    if (slot !== undefined) return new Parcel(slot.chunk, slot.word, replier)
    if (parking === undefined) {
      peer.reader.receive()
      return replier
    }
    const whole = peer.reader.slot
    if (whole === undefined) return parking.park(peer.reader, peer.thread, this.offset, this.end, replier)
    peer.reader.receiveWhole(whole)
    return new Parcel(whole.chunk, whole.word, replier)
  }

  /** Whether a slot has a message that waited for a key at its old place. */
  static moved(slot: Slot): boolean {
    const kind = slot.chunk.words[slot.record]! >>> 24
    return kind === Peer.MOVED_TELL || kind === Peer.MOVED_ASK
  }

  /** Reads a record that an incarnation before has read already. */
  replay(slot: Slot): void {
    const { bytes, words } = slot.chunk
    const at = slot.record
    const length = words[at]! & 0xffffff
    this.slot = slot
    this.record(
      words[at]! >>> 24,
      words[at + 1]!,
      words[at + 2]!,
      words[at + 3]!,
      words[at + 4]!,
      bytes,
      at * 4 + HEADER,
      at * 4 + length
    )
    this.slot = undefined
  }

  /** Goes on with a record in parts that an incarnation before has begun. */
  resume(slot: Slot): void {
    this.peer.reader.resume(slot, this)
  }

  poll(): number {
    const { peer } = this
    if (peer.lost) return 0
    try {
      let read = 0
      let some: number
      do {
        some = peer.reader.poll(this, LOOK_RECORDS)
        read += some
      } while (some === LOOK_RECORDS && read < POLL_RECORDS && !this.system.dispatcher.late())
      if (read > 0 && peer.reader.release()) peer.doorbell.ring()
      return read
    } catch (error) {
      if (!(error instanceof CorruptLink)) throw error
      this.system.log(`the link from thread ${peer.thread} is corrupt at ${error.position}: ${error.problem}`)
      peer.lose()
      return 0
    }
  }

  record(
    kind: number,
    a: number,
    b: number,
    c: number,
    d: number,
    bytes: Bytes,
    offset: number,
    end: number
  ): void {
    try {
      if (kind === Peer.TELL) return this.message(a, b, c, undefined, d, bytes, offset, end)
      if (kind === Peer.ASK) return this.message(a, b, c, this.peer, d, bytes, offset, end)
      if (kind === Peer.BIND) return this.bind(a, b, bytes, offset, end)
      if (kind === Peer.FACE) return this.face(a, bytes, offset, end)
      if (kind >= Peer.FENCE) {
        if (kind === Peer.MOVED_TELL) return this.message(a, b, 0, undefined, d, bytes, offset, end, true)
        if (kind === Peer.MOVED_ASK) return this.message(a, b, 0, this.peer, d, bytes, offset, end, true)
        if (kind === Peer.HELD) return this.held(a, bytes, offset, end)
        // Before it is taken: a successor of this thread does not hear of it.
        if (kind === Peer.FENCE) this.peer.reader.fenced = a
        if (kind === Peer.CLOSED) this.peer.reader.closed = a
      }
      // What the runtime says to itself is not said again to a successor.
      this.peer.reader.take()
      switch (kind) {
        case Peer.SUCCESS:
        case Peer.FAILURE:
          return this.answer(kind === Peer.SUCCESS, d, bytes, offset, end)
        case Peer.ABANDONED:
          return this.peer.settle(d)?.replier.abandon(Wire.reason.decode(bytes, offset, end))
        case Peer.ELEMENT:
          return this.element(d, bytes, offset, end)
        case Peer.FINISHED:
          return this.peer.settle(d)?.replier.succeed(undefined)
        case Peer.CREDIT:
          return this.peer.sources.get(d)?.grant(a)
        case Peer.UNWANTED:
          return this.unwanted(d)
        case Peer.SPAWN:
          return this.nursery.spawn(a, b, d, (codec) => this.decode(codec, bytes, offset, end))
        case Peer.SPAWNED:
          return this.spawned(
            {
              id: { instance: a >>> 0, version: Wire.version.decode(bytes, offset, end) },
              target: b,
              version: c
            },
            d
          )
        case Peer.NOT_SPAWNED:
          return this.peer.settle(d)?.replier.fail(Wire.failure.decode(bytes, offset, end))
        case Peer.END:
          return this.nursery.finish(this.find(b, c), d)
        case Peer.ENDED:
          return this.peer.settle(d)?.replier.succeed(undefined)
        case Peer.STATS:
          return this.peer.answer(Peer.STATS_ARE, d, undefined, Wire.nothing)
        case Peer.STATS_ARE:
          return this.peer.settle(d)?.replier.succeed(undefined)
        case Peer.DEAD_LETTER:
          return this.system.publish(Wire.deadLetter.decode(bytes, offset, end), undefined)
        case Peer.CANCEL:
          return this.nursery.cancel(d)
        case Peer.LOST:
          return a === this.peer.thread ? this.peer.lose() : this.mesh.lose(a)
        case Peer.DOWN:
          return this.mesh.down(a, kept.decode(bytes, offset, end))
        case Peer.REGISTER:
          return this.system.registry.told(this.peer, Wire.registration.decode(bytes, offset, end))
        case Peer.UNREGISTER:
          return this.system.registry.untold(a, b >>> 0)
        case Peer.BROADCAST:
          return this.broadcast(a, b, bytes, offset, end)
        case Peer.HELLO:
          this.peer.reader.lose((a >>> 0) + b * 2 ** 32)
          this.system.registry.tell(this.peer)
          return this.mesh.homes.succeeded(this.peer.thread)
        case Peer.GIVEN_UP:
          return this.givable.get(d)?.giveUp()
        case Peer.ROOM:
          return this.mesh.mailboxes?.room(b)
        case Peer.REVIVE:
          return this.nursery.revive(a, b, c, d, (codec) => this.decode(codec, bytes, offset, end))
        case Peer.FENCE:
          return this.mesh.homes.fence(a)
        case Peer.RELEASED:
          return this.released(a, b === 1, bytes, offset, end)
        case Peer.CLOSED:
          return this.mesh.homes.move?.isClosed(this.peer.thread)
        case Peer.SETTLED:
          return this.mesh.homes.hasSettled(this.peer.thread, a)
        case Peer.UNBIND:
          return this.mesh.refs.unbind(this.peer, a, b, Wire.key.decode(bytes, offset, end))
        case Peer.UNBOUND:
          return this.bound.unbound(b)
        case Peer.LISTEN:
          return this.listen(a, b, d)
        case Peer.LISTENERS:
          return this.listeners(a === 1, d, Wire.addresses.decode(bytes, offset, end))
        case Peer.SHUTDOWN:
          return this.shutdown(a, d)
        case Peer.SHUT:
          return this.peer.settle(d)?.replier.succeed(Wire.late.decode(bytes, offset, end))
        case Peer.QUIET:
          return this.quiet(a, d)
        case Peer.IS_QUIET:
          return this.peer.settle(d)?.replier.succeed(undefined)
        default:
          if (this.peer.lives.record(kind, a, b, c, d, (codec) => this.decode(codec, bytes, offset, end))) {
            return
          }
          this.system.log(`thread ${this.peer.thread} sent a record of the unknown kind ${kind}`)
      }
    } catch (error) {
      this.misread(error)
    }
  }

  /** A record does not decode; what else is thrown is not for this. */
  protected misread(error: unknown): void {
    if (!(error instanceof CodecError)) throw error
    this.system.log(`a record from thread ${this.peer.thread} does not decode: ${error.message}`)
  }

  /** What a message is for: an actor, a key, or what passes it on. */
  protected receiver(address: number, target: number, version: number): Receiver | undefined {
    return version === 0
      ? this.bound.get(target)
      : this.instance(address, target, version) ?? this.find(target, version)
  }

  /** Who awaits the answer to a message. */
  protected replier(
    _target: Target,
    _tag: string,
    asker: Peer.Peer | undefined,
    correlation: number,
    codecs: Wire.MessageCodecs
  ): Replier | undefined {
    if (asker === undefined) return undefined
    if (codecs.stream) return new RemoteStream(asker, correlation, codecs)
    if (!codecs.interruptible) return new RemoteReplier(asker, correlation, codecs)
    const replier = new GivableReplier(asker, correlation, codecs)
    const { givable } = this
    givable.set(correlation, replier)
    if (givable.size > this.pruneAt) {
      for (const [other, { done }] of givable) if (done) givable.delete(other)
      this.pruneAt = Math.max(PRUNE_AT, givable.size * 2)
    }
    return replier
  }

  /** A handle of the peer stands for a key from now on, also for a successor of this thread. */
  private bind(type: number, handle: number, bytes: Bytes, offset: number, end: number): void {
    const host = this.system.kinds[type]
    const key = Wire.key.decode(bytes, offset, end)
    const slot = this.keep(offset, end)
    if (host !== undefined) this.bound.add(handle, host.local(key), slot)
  }

  /** The same for a face. */
  private face(number: number, bytes: Bytes, offset: number, end: number): void {
    this.faces[number] = new Face(Wire.face.decode(bytes, offset, end))
    this.keep(offset, end)
  }

  /** Keeps the record in hand for a successor of this thread; where it is kept. */
  private keep(offset: number, end: number): Slot | undefined {
    const { parking, peer, slot } = this
    if (slot !== undefined) return slot
    const whole = peer.reader.slot
    if (whole !== undefined) {
      whole.keep()
      return whole
    }
    if (parking !== undefined) return parking.keep(peer.reader, peer.thread, offset, end)
    peer.reader.take()
    return undefined
  }

  /** A key stays at its old place for a moment. */
  private held(type: number, bytes: Bytes, offset: number, end: number): void {
    const { move } = this.mesh.homes
    const host = this.system.kinds[type]
    const slot = this.keep(offset, end)
    if (move === undefined || host === undefined) slot?.take()
    else move.held(this.peer.thread, host, Wire.key.decode(bytes, offset, end), slot)
  }

  /** A key has left its old place. */
  private released(type: number, withState: boolean, bytes: Bytes, offset: number, end: number): void {
    const host = this.system.kinds[type]
    if (host === undefined) return
    const codec = released(host, withState)
    const { key, state } = this.decode(codec, bytes, offset, end)
    this.mesh.homes.move?.isReleased(this.peer.thread, host, key, state)
  }

  private shutdown(millis: number, correlation: number): void {
    const { context, shutdown } = this.system
    Effect.runForkWith(context)(shutdown.end(millis)).addObserver((exit) =>
      this.peer.answer(Peer.SHUT, correlation, Exit.isSuccess(exit) ? exit.value : [], Wire.late)
    )
  }

  private quiet(millis: number, correlation: number): void {
    Effect.runFork(quiet(this.mesh, millis)).addObserver(() =>
      this.peer.answer(Peer.IS_QUIET, correlation, undefined, Wire.nothing)
    )
  }

  private message(
    address: number,
    target: number,
    version: number,
    asker: Peer.Peer | undefined,
    correlation: number,
    bytes: Bytes,
    offset: number,
    end: number,
    moved = false
  ): void {
    const ref = this.receiver(address, target, version)
    const { mailboxes } = this.mesh
    if (mailboxes !== undefined) this.peer.reader.came = this.came(mailboxes, ref, target, version)
    const index = Peer.messageOf(address)
    const host = ref === undefined ? this.system.kinds[Peer.hostOf(address)] : ref.host
    const message = address >= 0
      ? host?.protocol.messages[index]
      : ref && this.faced(address)?.message(ref.protocol, index)
    if (ref === undefined || message === undefined) {
      if (ref === undefined) {
        if (version < 0) this.mesh.mailboxes?.releaseSpawned(target)
      } else if (reserved(ref, version)) ref.mailbox!.release()
      const { name, tag } = address >= 0
        ? { name: this.mesh.contracts.name(Peer.hostOf(address)), tag: message?.tag }
        : { name: this.faced(address)?.name, tag: this.faced(address)?.offers[index]?.tag }
      this.take()
      this.system.deadLetter("Ended", { name: name ?? "unknown", key: ref?.key }, tag ?? "unknown", undefined)
      asker?.answer(Peer.ABANDONED, correlation, new DeadRef(), Wire.reason)
      return
    }
    const codecs = (host === undefined ? sending(ref.protocol) : host.wire).messages[message.index]!
    const replier = this.replier(ref, message.tag, asker, correlation, codecs)
    let payload: unknown
    try {
      payload = this.decode(codecs.payload, bytes, offset, end)
    } catch (error) {
      this.take()
      if (reserved(ref, version)) ref.mailbox!.release()
      this.system.deadLetter("InvalidMessage", ref, message.tag, undefined)
      replier?.abandon(new InvalidMessage({ issue: Failure.of(error) }))
      return
    }
    this.offset = offset
    this.end = end
    if (isForwarder(ref) || (ref.host.bounds !== undefined && !reserved(ref, version))) {
      this.take()
      // For the one to whom it was sent it is handled; it is sent anew to whom it is passed on.
      this.system.counts[HANDLED]!++
      return ref.forward(message.tag, payload, replier)
    }
    const { move } = this.mesh.homes
    const received = moved && move !== undefined
      ? move.receive(ref as KeyedRef, message, payload, replier, this)
      : ref.receive(message, payload, replier, this)
    if (!received) {
      this.take()
      this.system.deadLetter("Ended", ref, message.tag, payload)
      replier?.abandon(new DeadRef())
    }
  }

  /** Hands a message to all who are to hear it on this thread: decoded once, as every kind of actor has it. */
  private broadcast(address: number, what: number, bytes: Bytes, offset: number, end: number): void {
    const face = this.faced(address)
    if (face === undefined) return
    const values = new Map<Protocol, unknown>()
    visit(this.system, what, face.name, (ref) => {
      const { protocol } = ref
      const message = face.message(protocol, Peer.messageOf(address))
      if (message === undefined || (what === PROTOCOL && !face.covers(protocol))) return
      if (!values.has(protocol)) {
        values.set(
          protocol,
          this.decode(sending(protocol).messages[message.index]!.payload, bytes, offset, end)
        )
      }
      hand(ref, message, values.get(protocol))
    })
  }

  /** Says who would hear a broadcast here. */
  private listen(face: number, what: number, correlation: number): void {
    const faced = this.faces[face]
    if (faced !== undefined) answer(this.peer, what, faced.name, faced, correlation)
  }

  private listeners(more: boolean, correlation: number, addresses: ReadonlyArray<Address>): void {
    const waiting = more ? this.peer.awaited(correlation) : this.peer.settle(correlation)
    const listing = waiting?.replier as Listing | undefined
    listing?.page(addresses)
    if (!more) listing?.succeed(undefined)
  }

  /** Where a message that comes is counted, if it took a place in a bounded mailbox; -1 if it did not. */
  private came(
    mailboxes: SharedMailboxes,
    ref: Receiver | undefined,
    target: number,
    version: number
  ): number {
    const { thread } = this.peer
    if (version < 0) return mailboxes.cameToSpawned(thread, target)
    return ref !== undefined && reserved(ref, version) ? mailboxes.came(thread, ref.mailbox!.slot!) : -1
  }

  /** Through which face of the peer's a message comes. */
  private faced(address: number): Face | undefined {
    return this.faces[Peer.hostOf(address) ^ Peer.FACE_BIT]
  }

  /** Decodes what may hold references. */
  private decode<A>(codec: Pick<Codec<A>, "decode">, bytes: Bytes, offset: number, end: number): A {
    crossing.system = this.system
    try {
      return codec.decode(bytes, offset, end)
    } finally {
      crossing.system = undefined
    }
  }

  private answer(success: boolean, correlation: number, bytes: Bytes, offset: number, end: number): void {
    const waiting = this.peer.settle(correlation)
    if (waiting?.codecs === undefined) return
    const { codecs, replier } = waiting
    let value: unknown
    try {
      value = this.decode(success ? codecs.success : codecs.error, bytes, offset, end)
    } catch (error) {
      replier.abandon(new InvalidMessage({ issue: Failure.of(error) }))
      return
    }
    if (success) replier.succeed(value)
    else replier.fail(value)
  }

  private element(correlation: number, bytes: Bytes, offset: number, end: number): void {
    const { peer } = this
    const waiting = peer.awaited(correlation)
    // Nobody waits for it any more, or what it answers was sent before this thread was started again.
    if (waiting === undefined || !isStreamReplier(waiting.replier)) return peer.unwanted(correlation)
    try {
      waiting.replier.element(this.decode(waiting.codecs!.success, bytes, offset, end))
    } catch (error) {
      peer.settle(correlation)
      waiting.replier.abandon(new InvalidMessage({ issue: Failure.of(error) }))
      peer.unwanted(correlation)
    }
  }

  private unwanted(correlation: number): void {
    const { sources } = this.peer
    const source = sources.get(correlation)
    sources.delete(correlation)
    source?.cancel()
  }

  /** An actor has started there. */
  private spawned(place: Place, correlation: number): void {
    const waiting = this.peer.settle(correlation)
    if (waiting !== undefined) return waiting.replier.succeed(place)
    // Whoever asked for it has been told that the thread had ended: it was this thread's successor that started it.
    this.peer.write(Peer.END, 0, place.target, place.version, 0, undefined, Wire.nothing)
  }

  /** The instance of a swarm, if the address is of one. */
  private instance(address: number, target: number, version: number): Forwarder | undefined {
    const name = address < 0 ? this.faced(address)?.name : undefined
    return name === undefined ? undefined : swarmsOf(this.system).get(name)?.ref(target >>> 0, version)
  }

  /** The actor at a place; the places of bounded mailboxes have negative versions. */
  private find(target: number, version: number): Receiver | undefined {
    if (version < 0) return this.bounded.get(target, -version)
    return this.system.directory.get(target >>> 0, version) as Receiver | undefined
  }
}
