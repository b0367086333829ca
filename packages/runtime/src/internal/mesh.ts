/**
 * The threads of a system, and what goes between them: every pair has a link each way, so that a message from one
 * worker to another passes no third thread.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Any } from "../Actor.ts"
import type { ThreadStats } from "../ActorSystem.ts"
import { DeadRef, InvalidMessage, MailboxesExhausted, type Reason as AskReason } from "../AskError.ts"
import type { Bytes } from "../Codec.ts"
import { CodecError } from "../Codec.ts"
import * as Bells from "./bells.ts"
import { Directory } from "./directory.ts"
import * as Fabric from "./fabric.ts"
import * as Failure from "./failure.ts"
import { ENDED as CELL_ENDED, type Replier } from "./hot/cell.ts"
import type { Arrival, Links } from "./hot/dispatcher.ts"
import { Doorbell } from "./hot/doorbell.ts"
import { KEPT, PARTIAL, type Slot, WAITING } from "./hot/chunk.ts"
import { BURIED } from "./hot/counts.ts"
import { CorruptLink, HEADER, LinkReader, LinkWriter, type Sink } from "./hot/link.ts"
import { type Memory, Parcel, Parking, type Registry } from "./hot/parking.ts"
import type { KeyedRef } from "./keyedRef.ts"
import { awaitEnd, end } from "./life.ts"
import type { LocalHost } from "./localHost.ts"
import type { LocalRef } from "./localRef.ts"
import { Mailbox, type Shared } from "./mailbox.ts"
import * as Peer from "./peer.ts"
import * as Place from "./place.ts"
import { compile } from "./protocol.ts"
import { type RemoteContract, RemoteRef } from "./remoteRef.ts"
import { request } from "./request.ts"
import type { System } from "./system.ts"
import { SharedMailboxes } from "./sharedMailboxes.ts"
import * as Wire from "./wire.ts"

/** Records taken from one link before the next has its turn. */
const POLL_RECORDS = 256
/** How long a thread that looks for messages keeps its event loop waiting, in milliseconds. */
const LOOK_MILLIS = 0.02

/** What a worker's thread has that survives it, and how it came to it. */
export interface Inheritance {
  /** How many threads with this number there were before. */
  readonly incarnation: number
  /** The chunks in which messages wait that were read and not taken. */
  readonly parked: ReadonlyArray<Memory>
}

export class Mesh implements Links {
  readonly system: System
  private readonly fabric: Fabric.Fabric
  private readonly peers: ReadonlyArray<Peer.Peer>
  private readonly doorbell: Doorbell
  private readonly ports: Array<Bells.Port | undefined>
  private readonly inboxes: ReadonlyArray<Inbox>
  readonly place: (actor: string, key: string) => number
  private readonly directory: Directory
  private readonly bounded: Directory
  /** The bounded mailboxes that the threads share. */
  readonly mailboxes: SharedMailboxes | undefined
  private readonly keys = new Map<string, RemoteRef>()
  private readonly contracts: Array<RemoteContract> = []
  /** Undefined for the thread that made the system: nothing survives that one. */
  private readonly parking: Parking | undefined
  private lastWork = 0
  private parked = false
  private opened = false
  private closed = false

  constructor(
    system: System,
    fabric: Fabric.Fabric,
    ports: Bells.Ports,
    survival?: { readonly registry: Registry; readonly inheritance: Inheritance }
  ) {
    this.system = system
    this.fabric = fabric
    this.place = Place.make(fabric.threads - 1)
    const incarnation = survival?.inheritance.incarnation ?? 0
    this.directory = new Directory(incarnation)
    this.bounded = new Directory(incarnation)
    const parking = survival && new Parking(survival.registry, survival.inheritance.parked)
    this.parking = parking
    const words = Fabric.bells(fabric)
    this.doorbell = new Doorbell(words, Fabric.bell(system.thread))
    // One that ended asleep would be rung in vain.
    this.doorbell.stay()
    const { capacity, memory } = fabric
    const peers: Array<Peer.Peer> = []
    for (let thread = 0; thread < fabric.threads; thread++) {
      if (thread === system.thread) continue
      peers.push(
        new Peer.Peer(
          system,
          thread,
          new Doorbell(words, Fabric.bell(thread), ports[thread]),
          new LinkWriter(memory, Fabric.linkOffset(fabric, system.thread, thread), capacity),
          new LinkReader(memory, Fabric.linkOffset(fabric, thread, system.thread), capacity, parking, thread)
        )
      )
    }
    this.peers = peers
    this.ports = ports.slice()
    Bells.listen(ports, this.wake)
    this.inboxes = peers.map((peer) => new Inbox(this, peer, this.directory, this.bounded, parking))
    this.mailboxes = fabric.mailboxes === undefined ? undefined : new SharedMailboxes(
      fabric.mailboxes,
      system.thread,
      fabric.threads,
      (thread, slot) => {
        const peer = this.peer(thread)
        if (!peer.lost) peer.write(Peer.ROOM, 0, slot, 0, 0, undefined, Wire.nothing)
      }
    )
    if (incarnation > 0) {
      this.mailboxes?.inherit()
      for (const peer of peers) {
        const { written } = peer.writer
        peer.write(Peer.HELLO, written | 0, Math.floor(written / 2 ** 32), 0, 0, undefined, Wire.nothing)
      }
    }
  }

  /** Takes over what an incarnation before left: after this, its messages are in the mailboxes of their actors. */
  inherit(): void {
    if (this.parking === undefined) return
    const left = this.parking.adopt()
    Fabric.settle(this.fabric, this.system.thread, left.filter(({ state }) => state === WAITING).length)
    // Handles first: the messages that use them may lie before them.
    for (const slot of left) if (slot.state === KEPT) this.inbox(slot.from).replay(slot)
    for (const slot of left) if (slot.state === WAITING) this.inbox(slot.from).replay(slot)
    for (const slot of left) if (slot.state === PARTIAL) this.inbox(slot.from).resume(slot)
  }

  /** The peer with this thread's number. */
  peer(thread: number): Peer.Peer {
    return this.peers.find((peer) => peer.thread === thread)!
  }

  private inbox(thread: number): Inbox {
    return this.inboxes.find(({ peer }) => peer.thread === thread)!
  }

  /** Whether the workers host this actor, so that its keys are spread over them. */
  hosts(name: string): boolean {
    return this.fabric.hosts.includes(name)
  }

  /** The number of the host of this name, or -1. */
  number(name: string): number {
    return this.fabric.hosts.indexOf(name)
  }

  /** The name of the host with this number. */
  name(host: number): string | undefined {
    return this.fabric.hosts[host]
  }

  /** The host with this number, if this thread has it. */
  host(index: number): LocalHost | undefined {
    const name = this.fabric.hosts[index]
    return name === undefined ? undefined : this.system.hosts.get(name)
  }

  /** A reference to a key that lives on another thread: the same for the same key. */
  keyed(contract: RemoteContract, key: string, thread: number): RemoteRef {
    const name = `${contract.host}/${key}`
    let ref = this.keys.get(name)
    if (ref === undefined) {
      const peer = this.peer(thread)
      const { bounds } = contract
      const mailbox = bounds && new Mailbox(bounds, this.shared(contract.name, key, thread))
      ref = new RemoteRef(contract, peer, peer.bind(contract.host, key), 0, key, mailbox)
      this.keys.set(name, ref)
    }
    return ref
  }

  /** The slot of a key's bounded mailbox, of an actor that the workers host. */
  shared(actor: string, key: string, home: number): Shared | "none" {
    return this.mailboxes!.keyed(actor, key, home)
  }

  /** A reference to an actor that this peer has spawned for this thread. */
  spawned(contract: RemoteContract, peer: Peer.Peer, target: number, version: number): RemoteRef {
    const { bounds } = contract
    const mailbox = bounds &&
      new Mailbox(bounds, this.mailboxes!.spawned(peer.thread, target, version))
    return new RemoteRef(contract, peer, target, version, undefined, mailbox)
  }

  /** What sending to an actor of this contract needs. */
  contract(actor: Any): RemoteContract {
    const contract = {
      name: actor.name,
      host: this.number(actor.name),
      protocol: compile(actor.protocol as never, this.system.validate),
      wire: Wire.of(actor),
      bounds: actor.mailbox
    }
    this.contracts[contract.host] = contract
    return contract
  }

  /** What each thread has done. */
  readonly stats: Effect.Effect<ReadonlyArray<ThreadStats>> = Effect.suspend(() =>
    // Whoever answers has counted what it was told before. Who does not, has ended, and counts no more.
    Effect.forEach(
      this.peers,
      (peer) =>
        Effect.ignore(
          request<void>(
            peer,
            (replier) => peer.request(Peer.STATS, 0, 0, 0, undefined, Wire.nothing, replier)
          )
        ),
      { concurrency: "unbounded", discard: true }
    )
  ).pipe(
    Effect.andThen(Effect.sync(() =>
      Array.from({ length: this.fabric.threads }, (_, thread) => {
        const own = thread === this.system.thread ? this.system.counts : Fabric.counts(this.fabric, thread)
        return Fabric.stats(this.fabric, thread, own)
      })
    ))
  )

  /** The living worker on which this thread has spawned the fewest actors; any, if none lives. */
  leastLoaded(): Peer.Peer {
    return this.peers.reduce((least, peer) =>
      least.lost || (!peer.lost && peer.actors < least.actors) ? peer : least
    )
  }

  /** Shows a dead letter to the thread that made the system, where they are looked at. */
  forward(letter: Wire.Letter): void {
    if (this.system.thread !== 0) this.peer(0).write(Peer.DEAD_LETTER, 0, 0, 0, 0, letter, Wire.deadLetter)
  }

  /** A thread has ended, and will have a successor. */
  down(thread: number): void {
    const inbox = this.inbox(thread)
    // What it said before it ended counts.
    while (inbox.poll() > 0);
    inbox.peer.fail()
    // Only the thread that made the system learns of it by itself.
    if (this.system.thread === 0) this.spread(Peer.DOWN, thread)
  }

  /** A thread has ended for good, and left these chunks: what nobody took is dead letters. */
  lose(thread: number, parked: ReadonlyArray<Memory> = []): void {
    const inbox = this.inbox(thread)
    if (inbox.peer.lost) return
    while (inbox.poll() > 0);
    inbox.peer.reader.lose(Fabric.written(this.fabric, thread, this.system.thread))
    const first = this.system.thread === 0
    // What came to the thread is counted before anybody else reads what did not.
    if (first) this.buryParked(thread, parked)
    this.bury(inbox.peer)
    inbox.peer.lose()
    if (first) this.spread(Peer.LOST, thread)
  }

  /** What was sent to a thread that is lost, and not read by it. Nobody else reads that link any more. */
  private bury({ thread, writer }: Peer.Peer): void {
    const keys = new Map(
      Array.from(this.keys.values()).filter(({ peer }) => peer.thread === thread)
        .map((ref) => [ref.target, ref.key])
    )
    const { capacity, memory } = this.fabric
    const offset = Fabric.linkOffset(this.fabric, this.system.thread, thread)
    const reader = new LinkReader(memory, offset, capacity)
    const sink: Sink = {
      record: (kind, a, b, c) => {
        if (kind !== Peer.TELL && kind !== Peer.ASK) return reader.take()
        reader.receive()
        this.buried(a, c === 0 ? keys.get(b) : undefined)
      }
    }
    try {
      do {
        writer.drain()
        writer.publish()
        while (reader.poll(sink, POLL_RECORDS) > 0) reader.release()
      } while (writer.keeps)
    } catch (error) {
      if (!(error instanceof CorruptLink)) throw error
      this.system.log(`the link to thread ${thread} is not to be read at ${error.position}: ${error.problem}`)
    }
    reader.lose(writer.written)
  }

  /** What a thread that is lost had read and not taken. */
  private buryParked(thread: number, parked: ReadonlyArray<Memory>): void {
    const left = new Parking({ add: () => {}, remove: () => {} }, parked).adopt()
    const waiting = left.filter(({ state }) => state === WAITING)
    Fabric.settle(this.fabric, thread, waiting.length)
    const keys = new Map<string, string>()
    for (const slot of left) {
      if (slot.state !== KEPT) continue
      const { bytes, words } = slot.chunk
      const [length, , handle] = words.subarray(slot.record)
      const at = slot.record * 4
      keys.set(`${slot.from} ${handle}`, Wire.key.decode(bytes, at + HEADER, at + (length! & 0xffffff)))
    }
    for (const slot of waiting) {
      const [, to, target, version] = slot.chunk.words.subarray(slot.record)
      slot.take()
      this.buried(to!, version === 0 ? keys.get(`${slot.from} ${target}`) : undefined)
    }
  }

  private buried(address: number, key: string | undefined): void {
    const host = Peer.hostOf(address)
    const { protocol } = this.contracts[host] ?? this.host(host) ?? {}
    const tag = protocol?.messages[Peer.messageOf(address)]?.tag ?? "unknown"
    this.system.deadLetter("ThreadLost", { name: this.name(host) ?? "unknown", key }, tag, undefined, BURIED)
  }

  /** Tells the others that a thread has ended: nothing waits for it any more. */
  private spread(kind: number, thread: number): void {
    for (const peer of this.peers) {
      if (peer.thread !== thread) peer.write(kind, thread, 0, 0, 0, undefined, Wire.nothing)
    }
  }

  /** A thread has a successor, which is woken over this port. */
  revive(thread: number, port: Bells.Port): void {
    this.ports[thread]?.close()
    this.ports[thread] = port
    Bells.listen([port], this.wake)
    this.peer(thread).doorbell = new Doorbell(Fabric.bells(this.fabric), Fabric.bell(thread), port)
    // Whoever rang meanwhile did so in vain.
    port.postMessage(null)
  }

  /** Nothing comes in or goes out any more. */
  close(): void {
    this.spread(Peer.LOST, this.system.thread)
    this.flush()
    this.closed = true
    for (const peer of this.peers) peer.lose()
    Bells.close(this.ports)
  }

  /** Takes in messages from now on: whatever is to receive them is hosted. */
  open(): void {
    this.opened = true
    this.system.dispatcher.arm()
  }

  poll(): number {
    let read = 0
    if (!this.opened) return read
    for (let i = 0; i < this.inboxes.length; i++) read += this.inboxes[i]!.poll()
    // What a slice takes in is work too: the time to look for more begins anew.
    if (read > 0) this.lastWork = 0
    return read
  }

  flush(): void {
    for (let i = 0; i < this.peers.length; i++) this.peers[i]!.flush()
  }

  idle(): boolean {
    if (this.closed) return false
    // Told to sleep already, and nobody has rung: whoever publishes will.
    if (this.parked) return this.look()
    const now = performance.now()
    if (this.lastWork === 0) this.lastWork = now
    if (now - this.lastWork < this.fabric.spinMillis) {
      const end = now + LOOK_MILLIS
      do {
        if (this.look()) return true
      } while (performance.now() < end)
      this.system.dispatcher.later()
      return false
    }
    this.doorbell.announce()
    if (this.look()) {
      this.doorbell.stay()
      return true
    }
    this.parked = true
    return false
  }

  private readonly wake = (): void => {
    this.parked = false
    this.system.dispatcher.slice()
  }

  /** Whether anything came in, or there is room for what was kept. */
  private look(): boolean {
    for (let i = 0; i < this.peers.length; i++) {
      const peer = this.peers[i]!
      if (!peer.lost && ((this.opened && peer.reader.ready) || peer.writer.unblocked)) {
        this.lastWork = 0
        return true
      }
    }
    return false
  }
}

/** What comes from one peer. */
class Inbox implements Sink, Arrival {
  private readonly mesh: Mesh
  private readonly system: System
  readonly peer: Peer.Peer
  /** Actors that others spawned here, by place; those with bounded mailboxes have places of their own. */
  private readonly directory: Directory
  private readonly bounded: Directory
  /** Keys by the peer's handles for them. */
  private readonly bound: Array<KeyedRef> = []
  /** The starts in flight for the peer, by their correlations. */
  private readonly starting = new Map<number, Fiber.Fiber<unknown, unknown>>()
  private readonly parking: Parking | undefined
  /** The message in hand: where its payload lies, and its slot, if it waited in one before. */
  private offset = 0
  private end = 0
  private slot: Slot | undefined = undefined

  constructor(
    mesh: Mesh,
    peer: Peer.Peer,
    directory: Directory,
    bounded: Directory,
    parking: Parking | undefined
  ) {
    this.mesh = mesh
    this.system = mesh.system
    this.peer = peer
    this.directory = directory
    this.bounded = bounded
    this.parking = parking
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
      const read = peer.reader.poll(this, POLL_RECORDS)
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
      // What the runtime says to itself is not said again to a successor.
      this.peer.reader.take()
      switch (kind) {
        case Peer.SUCCESS:
        case Peer.FAILURE:
          return this.answer(kind === Peer.SUCCESS, d, bytes, offset, end)
        case Peer.ABANDONED:
          return this.peer.settle(d)?.replier.abandon(Wire.reason.decode(bytes, offset, end))
        case Peer.SPAWN:
          return this.spawn(a, d, bytes, offset, end)
        case Peer.SPAWNED:
          return this.peer.settle(d)?.replier.succeed({ target: b, version: c })
        case Peer.NOT_SPAWNED:
          return this.peer.settle(d)?.replier.fail(Wire.failure.decode(bytes, offset, end))
        case Peer.END:
          return this.finish(b, c, d)
        case Peer.ENDED:
          return this.peer.settle(d)?.replier.succeed(undefined)
        case Peer.STATS:
          return this.peer.answer(Peer.STATS_ARE, d, undefined, Wire.nothing)
        case Peer.STATS_ARE:
          return this.peer.settle(d)?.replier.succeed(undefined)
        case Peer.DEAD_LETTER:
          return this.system.publish(Wire.deadLetter.decode(bytes, offset, end), undefined)
        case Peer.CANCEL:
          return this.starting.get(d)?.interruptUnsafe()
        case Peer.LOST:
          return a === this.peer.thread ? this.peer.lose() : this.mesh.lose(a)
        case Peer.DOWN:
          return this.mesh.down(a)
        case Peer.HELLO:
          this.peer.reader.lose((a >>> 0) + b * 2 ** 32)
          return this.mesh.mailboxes?.ended(this.peer.thread)
        case Peer.ROOM:
          return this.mesh.mailboxes?.room(b)
        default:
          this.system.log(`thread ${this.peer.thread} sent a record of the unknown kind ${kind}`)
      }
    } catch (error) {
      if (!(error instanceof CodecError)) throw error
      this.system.log(`a record from thread ${this.peer.thread} does not decode: ${error.message}`)
    }
  }

  /** A handle of the peer stands for a key from now on, also for a successor of this thread. */
  private bind(index: number, handle: number, bytes: Bytes, offset: number, end: number): void {
    const { parking, peer } = this
    const host = this.mesh.host(index)
    if (host !== undefined) this.bound[handle] = host.local(Wire.key.decode(bytes, offset, end))
    if (this.slot !== undefined) return
    if (parking === undefined) peer.reader.take()
    else if (peer.reader.slot === undefined) parking.keep(peer.reader, peer.thread, offset, end)
    else peer.reader.slot.keep()
  }

  private message(
    address: number,
    target: number,
    version: number,
    asker: Peer.Peer | undefined,
    correlation: number,
    bytes: Bytes,
    offset: number,
    end: number
  ): void {
    const ref: LocalRef | KeyedRef | undefined = version === 0
      ? this.bound[target]
      : this.find(target, version)
    if (this.mesh.mailboxes !== undefined && this.slot === undefined) this.placed(ref, target, version)
    const index = Peer.messageOf(address)
    const host = ref?.host ?? this.mesh.host(Peer.hostOf(address))
    const message = host?.protocol.messages[index]
    const codecs = host?.wire.messages[index]
    if (ref === undefined || message === undefined || codecs === undefined) {
      if (ref !== undefined) ref.mailbox?.release()
      else if (version < 0) this.mesh.mailboxes?.releaseSpawned(target)
      const to = { name: this.mesh.name(Peer.hostOf(address)) ?? "unknown", key: ref?.key }
      this.take()
      this.system.deadLetter("Ended", to, message?.tag ?? "unknown", undefined)
      asker?.answer(Peer.ABANDONED, correlation, new DeadRef(), Wire.reason)
      return
    }
    const replier = asker === undefined ? undefined : new RemoteReplier(asker, correlation, codecs)
    let payload: unknown
    try {
      payload = codecs.payload.decode(bytes, offset, end)
    } catch (error) {
      this.take()
      ref.mailbox?.release()
      this.system.deadLetter("InvalidMessage", ref, message.tag, undefined)
      replier?.abandon(new InvalidMessage({ issue: Failure.of(error) }))
      return
    }
    this.offset = offset
    this.end = end
    if (!ref.receive(message, payload, replier, this)) {
      this.take()
      this.system.deadLetter("Ended", ref, message.tag, payload)
      replier?.abandon(new DeadRef())
    }
  }

  /** The message that has come took a place in a bounded mailbox, if its actor has one. */
  private placed(ref: LocalRef | KeyedRef | undefined, target: number, version: number): void {
    const { mailboxes } = this.mesh
    if (version < 0) return mailboxes!.receivedSpawned(this.peer.thread, target)
    const slot = ref?.mailbox?.slot
    if (slot !== undefined) mailboxes!.received(this.peer.thread, slot)
  }

  private answer(success: boolean, correlation: number, bytes: Bytes, offset: number, end: number): void {
    const waiting = this.peer.settle(correlation)
    if (waiting?.codecs === undefined) return
    const { codecs, replier } = waiting
    let value: unknown
    try {
      value = (success ? codecs.success : codecs.error).decode(bytes, offset, end)
    } catch (error) {
      replier.abandon(new InvalidMessage({ issue: Failure.of(error) }))
      return
    }
    if (success) replier.succeed(value)
    else replier.fail(value)
  }

  private spawn(index: number, correlation: number, bytes: Bytes, offset: number, end: number): void {
    const { bounded, directory, peer } = this
    const refuse = (failure: string): void =>
      peer.answer(Peer.NOT_SPAWNED, correlation, failure, Wire.failure)
    const host = this.mesh.host(index)
    if (host === undefined) return refuse(`thread ${this.system.thread} does not host it`)
    let args: unknown
    try {
      args = host.wire.args.decode(bytes, offset, end)
    } catch (error) {
      return refuse(Failure.of(error))
    }
    const place = host.bounds && this.mesh.mailboxes!.open()
    if (host.bounds !== undefined && place === undefined) return refuse(new MailboxesExhausted().message)
    const started = Effect.runForkWith(host.context)(host.spawnDecoded(args, host.owner))
    this.starting.set(correlation, started)
    started.addObserver((exit) => {
      this.starting.delete(correlation)
      if (Exit.isSuccess(exit)) {
        const ref = exit.value as unknown as LocalRef
        const { target, version } = place === undefined
          ? directory.add(ref)
          : { target: place.place, version: -bounded.put(place.place, ref) }
        place?.assign(ref.mailbox!, version)
        Effect.runForkWith(host.context)(awaitEnd(ref)).addObserver(() => {
          if (place === undefined) return directory.remove(target)
          bounded.clear(target)
          place.close()
        })
        peer.write(Peer.SPAWNED, 0, target, version, correlation, undefined, Wire.nothing)
      } else {
        place?.close()
        const error = Cause.findError(exit.cause)
        refuse(error._tag === "Success" ? Failure.of(error.success.cause) : Failure.ofCause(exit.cause))
      }
    })
  }

  /** The actor at a place; the places of bounded mailboxes have negative versions. */
  private find(target: number, version: number): LocalRef | undefined {
    return version < 0 ? this.bounded.get(target, -version) : this.directory.get(target, version)
  }

  private finish(target: number, version: number, correlation: number): void {
    const ref = this.find(target, version)
    const ended = (): void => this.peer.answer(Peer.ENDED, correlation, undefined, Wire.nothing)
    if (ref === undefined) return ended()
    end(ref, undefined)
    if (ref.status === CELL_ENDED) ended()
    else Effect.runForkWith(ref.host.context)(awaitEnd(ref)).addObserver(ended)
  }
}

/** Answers an ask of another thread. */
class RemoteReplier implements Replier {
  private readonly peer: Peer.Peer
  private readonly correlation: number
  private readonly codecs: Wire.MessageCodecs
  done = false

  constructor(peer: Peer.Peer, correlation: number, codecs: Wire.MessageCodecs) {
    this.peer = peer
    this.correlation = correlation
    this.codecs = codecs
  }

  succeed(value: unknown): void {
    this.answer(Peer.SUCCESS, value, this.codecs.success)
  }

  fail(error: unknown): void {
    this.answer(Peer.FAILURE, error, this.codecs.error)
  }

  abandon(reason: AskReason): void {
    if (this.done) return
    this.done = true
    this.peer.answer(Peer.ABANDONED, this.correlation, reason, Wire.reason)
  }

  private answer(kind: number, value: unknown, codec: Wire.MessageCodecs["success"]): void {
    if (this.done) return
    try {
      this.peer.answer(kind, this.correlation, value, codec)
      this.done = true
    } catch (error) {
      this.abandon(new InvalidMessage({ issue: error instanceof Error ? error.message : String(error) }))
    }
  }
}
