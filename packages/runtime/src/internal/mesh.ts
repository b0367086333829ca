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
import * as Failure from "./failure.ts"
import { ENDED as CELL_ENDED, type Replier } from "./hot/cell.ts"
import type { Links } from "./hot/dispatcher.ts"
import { Doorbell } from "./hot/doorbell.ts"
import { CorruptLink, linkBytes, LinkReader, LinkWriter, type Sink } from "./hot/link.ts"
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
import { type MailboxFabric, SharedMailboxes } from "./sharedMailboxes.ts"
import * as Wire from "./wire.ts"

/** The shared memory of a mesh, and its shape: what every thread is given. */
export interface Fabric {
  /** Doorbells, then a link for each ordered pair of threads. */
  readonly memory: SharedArrayBuffer
  /** Threads, the one that made the system included. */
  readonly threads: number
  /** Bytes of a link's ring, a power of two. */
  readonly capacity: number
  /** The names of the actors that the workers host; a host's number is its place here. */
  readonly hosts: ReadonlyArray<string>
  /** The places of bounded mailboxes; undefined if no actor that the workers host has one. */
  readonly mailboxes: MailboxFabric | undefined
  /** How long an idle thread looks for messages before it sleeps, in milliseconds. */
  readonly spinMillis: number
}

/** A doorbell has a cache line of its own. */
const BELL_WORDS = 16

const bellBytes = (threads: number): number => threads * BELL_WORDS * 4

/** Allocates the memory of a mesh. */
export const fabric = (options: Omit<Fabric, "memory">): Fabric => ({
  ...options,
  memory: new SharedArrayBuffer(
    bellBytes(options.threads) + options.threads * options.threads * linkBytes(options.capacity)
  )
})

const linkOffset = ({ capacity, threads }: Fabric, from: number, to: number): number =>
  bellBytes(threads) + (from * threads + to) * linkBytes(capacity)

/** Records taken from one link before the next has its turn. */
const POLL_RECORDS = 256
/** How long a thread that looks for messages keeps its event loop waiting, in milliseconds. */
const LOOK_MILLIS = 0.02

export class Mesh implements Links {
  readonly system: System
  private readonly peers: ReadonlyArray<Peer.Peer>
  private readonly doorbell: Doorbell
  private readonly ports: Bells.Ports
  private readonly spinMillis: number
  private readonly names: ReadonlyArray<string>
  private readonly inboxes: ReadonlyArray<Inbox>
  readonly place: (actor: string, key: string) => number
  /** The bounded mailboxes that the threads share. */
  readonly mailboxes: SharedMailboxes | undefined
  private readonly keys = new Map<string, RemoteRef>()
  private lastWork = 0
  private parked = false
  private opened = false
  private closed = false

  constructor(system: System, fabric: Fabric, ports: Bells.Ports) {
    this.system = system
    this.names = fabric.hosts
    this.spinMillis = fabric.spinMillis
    this.place = Place.make(fabric.threads - 1)
    const words = new Int32Array(fabric.memory, 0, bellBytes(fabric.threads) >> 2)
    this.doorbell = new Doorbell(words, system.thread * BELL_WORDS)
    const peers: Array<Peer.Peer> = []
    for (let thread = 0; thread < fabric.threads; thread++) {
      if (thread === system.thread) continue
      peers.push(
        new Peer.Peer(
          system,
          thread,
          new Doorbell(words, thread * BELL_WORDS, ports[thread]),
          new LinkWriter(fabric.memory, linkOffset(fabric, system.thread, thread), fabric.capacity),
          new LinkReader(fabric.memory, linkOffset(fabric, thread, system.thread), fabric.capacity)
        )
      )
    }
    this.peers = peers
    this.ports = ports
    Bells.listen(ports, this.wake)
    const directory = new Directory()
    const bounded = new Directory()
    this.inboxes = peers.map((peer) => new Inbox(this, peer, directory, bounded))
    this.mailboxes = fabric.mailboxes === undefined ? undefined : new SharedMailboxes(
      fabric.mailboxes,
      system.thread,
      fabric.threads,
      (thread, slot) => {
        const peer = this.peer(thread)
        if (!peer.lost) peer.write(Peer.ROOM, 0, slot, 0, 0, undefined, Wire.nothing)
      }
    )
  }

  /** The peer with this thread's number. */
  peer(thread: number): Peer.Peer {
    return this.peers.find((peer) => peer.thread === thread)!
  }

  /** Whether the workers host this actor, so that its keys are spread over them. */
  hosts(name: string): boolean {
    return this.names.includes(name)
  }

  /** The number of the host of this name, or -1. */
  number(name: string): number {
    return this.names.indexOf(name)
  }

  /** The name of the host with this number. */
  name(host: number): string | undefined {
    return this.names[host]
  }

  /** The host with this number, if this thread has it. */
  host(index: number): LocalHost | undefined {
    const name = this.names[index]
    return name === undefined ? undefined : this.system.hosts.get(name)
  }

  /** A reference to a key that lives on another thread: the same for the same key. */
  keyed(contract: RemoteContract, key: string, thread: number): RemoteRef {
    const name = `${contract.host}/${key}`
    let ref = this.keys.get(name)
    if (ref === undefined) {
      const peer = this.peer(thread)
      const { bounds } = contract
      const mailbox = bounds && new Mailbox(bounds, this.shared(contract.name, key))
      ref = new RemoteRef(contract, peer, peer.bind(contract.host, key), 0, key, mailbox)
      this.keys.set(name, ref)
    }
    return ref
  }

  /** The slot of a key's bounded mailbox, of an actor that the workers host. */
  shared(actor: string, key: string): Shared | "none" {
    return this.mailboxes!.keyed(actor, key)
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
    return {
      name: actor.name,
      host: this.number(actor.name),
      protocol: compile(actor.protocol as never, this.system.validate),
      wire: Wire.of(actor),
      bounds: actor.mailbox
    }
  }

  /** What the other threads have done; those that have ended are left out. */
  readonly stats: Effect.Effect<ReadonlyArray<ThreadStats>> = Effect.suspend(() =>
    Effect.forEach(
      this.peers.filter((peer) => !peer.lost),
      (peer) =>
        request<ThreadStats>(peer, (replier) =>
          peer.request(Peer.STATS, 0, 0, 0, undefined, Wire.nothing, replier)),
      {
        concurrency: "unbounded"
      }
    )
  ).pipe(Effect.orDie)

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

  /** A thread has ended. */
  lose(thread: number): void {
    const lost = this.inboxes.find(({ peer }) => peer.thread === thread)!
    // What it said before it ended counts.
    while (lost.poll() > 0);
    lost.peer.lose()
    // Only the thread that made the system learns of it by itself.
    if (this.system.thread === 0) this.spread(thread)
  }

  /** Tells the others that a thread has ended: nothing waits for it any more. */
  private spread(thread: number): void {
    for (const peer of this.peers) peer.write(Peer.LOST, thread, 0, 0, 0, undefined, Wire.nothing)
  }

  /** Nothing comes in or goes out any more. */
  close(): void {
    this.spread(this.system.thread)
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
    if (now - this.lastWork < this.spinMillis) {
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
class Inbox implements Sink {
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

  constructor(mesh: Mesh, peer: Peer.Peer, directory: Directory, bounded: Directory) {
    this.mesh = mesh
    this.system = mesh.system
    this.peer = peer
    this.directory = directory
    this.bounded = bounded
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
      switch (kind) {
        case Peer.TELL:
          return this.message(a, b, c, undefined, d, bytes, offset, end)
        case Peer.ASK:
          return this.message(a, b, c, this.peer, d, bytes, offset, end)
        case Peer.SUCCESS:
        case Peer.FAILURE:
          return this.answer(kind === Peer.SUCCESS, d, bytes, offset, end)
        case Peer.ABANDONED:
          return this.peer.settle(d)?.replier.abandon(Wire.reason.decode(bytes, offset, end))
        case Peer.BIND: {
          const host = this.mesh.host(a)
          if (host !== undefined) this.bound[b] = host.local(Wire.key.decode(bytes, offset, end))
          return
        }
        case Peer.SPAWN:
          return this.spawn(a, d, bytes, offset, end)
        case Peer.SPAWNED:
          return this.peer.settle(d)?.replier.succeed({ target: b, version: c })
        case Peer.NOT_SPAWNED:
          return this.peer.settle(d)?.replier.fail(Wire.failure.decode(bytes, offset, end))
        case Peer.END:
          return this.end(b, c, d)
        case Peer.ENDED:
          return this.peer.settle(d)?.replier.succeed(undefined)
        case Peer.STATS:
          return this.peer.answer(Peer.STATS_ARE, d, this.system.threadStats(), Wire.stats)
        case Peer.STATS_ARE:
          return this.peer.settle(d)?.replier.succeed(Wire.stats.decode(bytes, offset, end))
        case Peer.DEAD_LETTER:
          return this.system.publish(Wire.deadLetter.decode(bytes, offset, end), undefined)
        case Peer.CANCEL:
          return this.starting.get(d)?.interruptUnsafe()
        case Peer.LOST:
          return a === this.peer.thread ? this.peer.lose() : this.mesh.lose(a)
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
    const index = Peer.messageOf(address)
    const host = ref?.host ?? this.mesh.host(Peer.hostOf(address))
    const message = host?.protocol.messages[index]
    const codecs = host?.wire.messages[index]
    if (ref === undefined || message === undefined || codecs === undefined) {
      if (ref !== undefined) ref.mailbox?.release()
      else if (version < 0) this.mesh.mailboxes?.releaseSpawned(target)
      const to = { name: this.mesh.name(Peer.hostOf(address)) ?? "unknown", key: ref?.key }
      this.system.deadLetter("Ended", to, message?.tag ?? "unknown", undefined)
      asker?.answer(Peer.ABANDONED, correlation, new DeadRef(), Wire.reason)
      return
    }
    const replier = asker === undefined ? undefined : new RemoteReplier(asker, correlation, codecs)
    let payload: unknown
    try {
      payload = codecs.payload.decode(bytes, offset, end)
    } catch (error) {
      ref.mailbox?.release()
      this.system.deadLetter("InvalidMessage", ref, message.tag, undefined)
      replier?.abandon(new InvalidMessage({ issue: Failure.of(error) }))
      return
    }
    if (!ref.receive(message, payload, replier)) {
      this.system.deadLetter("Ended", ref, message.tag, payload)
      replier?.abandon(new DeadRef())
    }
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

  private end(target: number, version: number, correlation: number): void {
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
