/**
 * The threads of a system, and what goes between them: every pair has a link each way, so that a message from one
 * worker to another passes no third thread.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type { ThreadStats } from "../ActorSystem.ts"
import type { Place } from "../Placement.ts"
import type { Codec } from "../Codec.ts"
import * as Bells from "./bells.ts"
import * as Burial from "./burial.ts"
import { BoundedPlaces, type SharedPlace } from "./boundedPlaces.ts"
import { Contracts } from "./contracts.ts"
import { Departed } from "./departed.ts"
import * as Fabric from "./fabric.ts"
import { KEPT, MOVING, PARTIAL, type Slot, WAITING } from "./hot/chunk.ts"
import { BURIED, LOCAL } from "./hot/counts.ts"
import type { Links } from "./hot/dispatcher.ts"
import { Doorbell } from "./hot/doorbell.ts"
import { LinkReader, LinkWriter } from "./hot/link.ts"
import { Names } from "./hot/names.ts"
import { type Memory, Parking, type Registry } from "./hot/parking.ts"
import { Homes } from "./homes.ts"
import { Inbox } from "./inbox.ts"
import { awaitEnd } from "./life.ts"
import { type Addressed, kept } from "./lives.ts"
import type { LocalHost } from "./localHost.ts"
import type { LocalRef } from "./localRef.ts"
import type { Shared } from "./mailbox.ts"
import type { Membership } from "./membership.ts"
import { ObservedInbox, ObservedPeer } from "./observed.ts"
import * as Peer from "./peer.ts"
import { RemoteRefs } from "./remoteRefs.ts"
import { request } from "./request.ts"
import { SharedMailboxes } from "./sharedMailboxes.ts"
import type { System } from "./system.ts"
import * as Wire from "./wire.ts"

/** How long a thread that looks for messages keeps its event loop waiting, in milliseconds. */
const LOOK_MILLIS = 0.02

/** How long one waits before one asks a thread again that has ended meanwhile. */
const AGAIN = Duration.millis(5)

/** What a worker's thread has that survives it, and how it came to it. */
export interface Inheritance {
  /** How many threads with this number there were before. */
  readonly incarnation: number
  /** The chunks in which messages wait that were read and not taken. */
  readonly parked: ReadonlyArray<Memory>
  /** The actors that may be started again. */
  readonly again: ReadonlyArray<Kept>
}

/** An actor whose thread has ended, and that somebody on another one may start again. */
export interface Kept extends Addressed {
  readonly type: number
  readonly id: { readonly instance: number; readonly version: number }
  /** Whether it refuses what comes while it is down. */
  readonly refuses: boolean
}

export class Mesh implements Links {
  readonly system: System
  private readonly fabric: Fabric.Fabric
  /** Every other thread that there can be, by its number; undefined at this one's. */
  private readonly all: ReadonlyArray<Inbox | undefined>
  /** Those that take part. */
  private peers: ReadonlyArray<Peer.Peer> = []
  private readonly doorbell: Doorbell
  private readonly ports: Array<Bells.Port | undefined> = []
  private inboxes: ReadonlyArray<Inbox> = []
  private readonly membership: Membership
  /** Where the keys live. */
  readonly homes: Homes
  readonly types: Names
  private readonly bounded: BoundedPlaces
  readonly departed = new Departed()
  /** The bounded mailboxes that the threads share. */
  readonly mailboxes: SharedMailboxes | undefined
  /** What it knows of the kinds of actors on other threads. */
  readonly contracts: Contracts
  /** Its references to these. */
  readonly refs: RemoteRefs
  /** What those before this thread have left, until it is open. */
  private left: ReadonlyArray<Slot> = []
  private readonly again: ReadonlyArray<Kept>
  /** The threads that have ended for good. */
  private readonly gone = new Set<number>()
  private lastWork = 0
  private parked = false
  private opened = false
  private closed = false

  constructor(
    system: System,
    fabric: Fabric.Fabric,
    survival?: { readonly registry: Registry; readonly inheritance: Inheritance }
  ) {
    this.system = system
    this.fabric = fabric
    this.types = new Names(fabric.types)
    this.membership = Fabric.membership(fabric)
    this.homes = new Homes(this, this.membership)
    const incarnation = survival?.inheritance.incarnation ?? 0
    this.bounded = new BoundedPlaces(incarnation)
    this.again = survival?.inheritance.again ?? []
    const parking = survival && new Parking(survival.registry, survival.inheritance.parked)
    const words = Fabric.bells(fabric)
    this.doorbell = new Doorbell(words, Fabric.bell(system.thread))
    // One that ended asleep would be rung in vain.
    this.doorbell.stay()
    const { capacity, memory } = fabric
    const observed = system.observer !== undefined
    if (fabric.metrics !== undefined) {
      system.observer?.metrics?.share(fabric.metrics, fabric.hosts, fabric.threads)
    }
    this.contracts = new Contracts(this, fabric.hosts)
    this.refs = new RemoteRefs(this, Peer.nobody(system, this.doorbell))
    this.all = Array.from({ length: fabric.threads }, (_, thread) => {
      if (thread === system.thread) return undefined
      const peer = new (observed ? ObservedPeer : Peer.Peer)(
        system,
        thread,
        new Doorbell(words, Fabric.bell(thread)),
        new LinkWriter(memory, Fabric.linkOffset(fabric, system.thread, thread), capacity),
        new LinkReader(memory, Fabric.linkOffset(fabric, thread, system.thread), capacity, parking, thread)
      )
      return new (observed ? ObservedInbox : Inbox)(this, peer, this.bounded, parking)
    })
    // After the epoch was looked at: its members are among them.
    for (const thread of this.membership.present) this.admit(thread)
    this.mailboxes = fabric.mailboxes === undefined ? undefined : new SharedMailboxes(
      fabric.mailboxes,
      system.thread,
      fabric.threads,
      (thread, slot) => {
        const peer = this.peer(thread)
        if (!peer.lost) peer.write(Peer.ROOM, 0, slot, 0, 0, undefined, Wire.nothing)
      }
    )
    if (this.mailboxes !== undefined) {
      for (const inbox of this.all) if (inbox !== undefined) inbox.peer.reader.ledger = this.mailboxes.ledger
    }
    if (parking !== undefined && incarnation > 0) {
      this.left = this.adopt(parking)
      // Before this thread counts anything itself.
      Fabric.settle(fabric, system.thread, this.left.filter(({ state }) => state === WAITING).length)
      this.mailboxes?.inherit(this.again.filter(({ version }) => version < 0).map(({ target }) => target))
      for (const peer of this.peers) {
        const { written } = peer.writer
        peer.write(Peer.HELLO, written | 0, Math.floor(written / 2 ** 32), 0, 0, undefined, Wire.nothing)
      }
    }
    this.homes.resume()
  }

  /** The peer with this thread's number. */
  peer(thread: number): Peer.Peer {
    return this.inbox(thread).peer
  }

  /** The same, if there is one. */
  find(thread: number): Peer.Peer | undefined {
    return this.all[thread]?.peer
  }

  get token(): string {
    return this.fabric.token
  }

  private inbox(thread: number): Inbox {
    return this.all[thread]!
  }

  /** The other threads that take part. */
  get others(): ReadonlyArray<Peer.Peer> {
    return this.peers
  }

  /** The hosts of this thread whose keys are spread over the workers. */
  get localHosts(): ReadonlyArray<LocalHost> {
    return Array.from(this.system.hosts.values()).filter(({ name }) => this.hosts(name))
  }

  /** Whether it takes in messages. */
  get taking(): boolean {
    return this.opened
  }

  /** A thread takes part from now on; one that was lost comes back as another. */
  admit(thread: number): void {
    const inbox = this.all[thread]
    if (inbox === undefined) return
    inbox.peer.lost = false
    this.gone.delete(thread)
    if (this.system.thread === 0) this.membership.admit(thread)
    if (this.inboxes.includes(inbox)) return
    this.inboxes = [...this.inboxes, inbox]
    this.peers = [...this.peers, inbox.peer]
  }

  /** Whether a thread has ended for good. */
  isGone(thread: number): boolean {
    return this.gone.has(thread)
  }

  private takesPart(thread: number): boolean {
    return thread === this.system.thread || this.inboxes.includes(this.inbox(thread))
  }

  /** What those before this thread left. A message that they had written for another thread counts if it went out. */
  private adopt(parking: Parking): ReadonlyArray<Slot> {
    return parking.adopt().filter((slot) => {
      if (slot.state !== MOVING) return true
      const { writer } = this.peer(slot.to)
      const went = writer.reached(slot.filled)
      if (went) {
        slot.take()
      } else {
        slot.wait()
        this.system.counts[LOCAL]!++
        writer.count(-1)
      }
      return !went
    })
  }

  /** A thread takes part no longer. */
  private dismiss(thread: number): void {
    this.inboxes = this.inboxes.filter(({ peer }) => peer.thread !== thread)
    this.peers = this.peers.filter((peer) => peer.thread !== thread)
  }

  /** Whether the workers host this actor, so that its keys are spread over them. */
  hosts(name: string): boolean {
    return this.fabric.hosts.includes(name)
  }

  /** Does something to every other thread that is not lost. */
  tellAll(tell: (peer: Peer.Peer) => void): void {
    for (const peer of this.peers) if (!peer.lost) tell(peer)
  }

  /** Keys may live elsewhere now, on these workers: nothing is sent before it is looked up where. */
  unsettle(workers: ReadonlyArray<number>): void {
    for (const thread of workers) this.admit(thread)
    for (const thread of this.gone) if (!workers.includes(thread)) this.dismiss(thread)
    this.refs.unsettle()
    for (const host of this.localHosts) host.unsettle()
  }

  /** The slot of a key's bounded mailbox, of an actor that the workers host. */
  shared(actor: string, key: string, home: number): Shared | "none" {
    return this.mailboxes!.keyed(actor, key, home)
  }

  /** Makes the mailbox of an actor of this thread one that the others share; undefined if there is no room for it. */
  share(
    ref: LocalRef,
    place = this.bounded.of(ref) ? undefined : this.mailboxes?.open()
  ): SharedPlace | undefined {
    if (place === undefined) return this.bounded.of(ref)
    const shared = this.bounded.put(place.place, ref)
    place.assign(ref.mailbox!, -shared.generation)
    Effect.runForkWith(ref.host.context)(awaitEnd(ref)).addObserver(() => {
      this.bounded.clear(place.place)
      place.close()
    })
    return shared
  }

  /** The same for one of this thread's predecessor, whose mailbox has a place already. */
  shareAgain(ref: LocalRef, { target, version }: Addressed): void {
    this.bounded.adopt(target, -version, ref)
    const close = (): void => {
      this.bounded.clear(target)
      this.mailboxes!.close(target)
    }
    ref.observe({ ended: close })
  }

  private readonly asked = (peer: Peer.Peer): Effect.Effect<void, unknown> =>
    request<void>(peer, (replier) => peer.request(Peer.STATS, 0, 0, 0, undefined, Wire.nothing, replier))

  /** Waits until all others have read what this thread has written so far; those that have ended for good aside. */
  readonly read: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach(
      this.peers,
      (peer) =>
        Effect.retry(this.asked(peer), { while: () => !peer.lost, schedule: Schedule.spaced(AGAIN) }).pipe(
          Effect.ignore
        ),
      { concurrency: "unbounded", discard: true }
    )
  )

  /** Waits until nothing waits for what others have spawned on a worker, for so long at most. */
  quiet(thread: number, millis: number): Effect.Effect<void> {
    const peer = this.peer(thread)
    return Effect.ignore(
      request<void>(
        peer,
        (replier) => peer.request(Peer.QUIET, millis, 0, 0, undefined, Wire.nothing, replier)
      )
    )
  }

  /** What each thread has done. */
  readonly stats: Effect.Effect<ReadonlyArray<ThreadStats>> = Effect.suspend(() =>
    // Whoever answers has counted what it was told before. Who does not, has ended, and counts no more.
    Effect.forEach(this.peers, (peer) => Effect.ignore(this.asked(peer)), {
      concurrency: "unbounded",
      discard: true
    })
  ).pipe(
    Effect.andThen(Effect.sync(() =>
      Array.from({ length: this.fabric.threads }, (_, thread) => {
        const own = thread === this.system.thread ? this.system.counts : Fabric.counts(this.fabric, thread)
        return Fabric.stats(this.fabric, thread, own)
      }).filter(({ accepted, sent, thread }) => this.takesPart(thread) || accepted > 0 || sent > 0)
    ))
  )

  /** The worker at this place; undefined if there is none. Of those that are given up only if no other is left. */
  worker(place: Exclude<Place, "here">): Peer.Peer | undefined {
    const workers = this.homes.workers.map((thread) => this.peer(thread))
    if (typeof place === "number") return workers.find(({ thread }) => thread === place)
    const load = place === "fewest"
      ? (peer: Peer.Peer) => peer.actors
      : ({ thread }: Peer.Peer) => Fabric.waiting(this.fabric, thread)
    return workers.reduce((least, peer) => {
      if (least.lost || peer.lost) return peer.lost ? least : peer
      const more = load(peer) - load(least)
      return more < 0 || (more === 0 && peer.actors < least.actors) ? peer : least
    })
  }

  /** Shows a dead letter to the thread that made the system, where they are looked at. */
  forward(letter: Wire.Letter): void {
    if (this.system.thread !== 0) this.peer(0).write(Peer.DEAD_LETTER, 0, 0, 0, 0, letter, Wire.deadLetter)
  }

  /** A thread has ended, and will have a successor, where these may be started again. */
  down(thread: number, again?: ReadonlyArray<Addressed>): void {
    const inbox = this.inbox(thread)
    // What it said before it ended counts.
    while (inbox.poll() > 0);
    const overseen = again ?? this.overseen(thread)
    inbox.peer.down = true
    inbox.peer.fail()
    this.system.registry.down(thread, overseen)
    inbox.peer.lives.down(overseen)
    // Only the thread that made the system learns of it by itself.
    if (this.system.thread === 0) this.spread(Peer.DOWN, thread, overseen, kept)
  }

  /** The actors on another thread that somebody on this one may start again. */
  overseen(thread: number): ReadonlyArray<Kept> {
    return this.peer(thread).lives.overseen.map(({ place }) => place)
  }

  /** An actor has ended that another thread may address, and may have spawned. */
  hasLeft(ref: LocalRef, exit: Exit.Exit<void, unknown>): void {
    const id = this.system.directory.known(ref)
    if (id === undefined) return
    const place = this.bounded.of(ref)
    if (place === undefined) this.departed.add(id.instance, id.version, exit)
    else this.departed.add(place.place, -place.generation, exit)
    if (this.system.thread === 0) return
    this.peer(0).write(Peer.LEFT, 0, id.instance, id.version, 0, undefined, Wire.nothing)
  }

  /** A thread has ended for good, and left these chunks: what nobody took is dead letters. */
  lose(thread: number, parked: ReadonlyArray<Memory> = []): void {
    const inbox = this.inbox(thread)
    if (this.gone.has(thread)) return
    this.gone.add(thread)
    const first = this.system.thread === 0
    if (first) this.membership.lose(thread)
    // Unless another one has its number already, and reads what this thread had sent.
    if (first || this.membership.gone.includes(thread)) this.bury(inbox, parked)
    inbox.peer.lose()
    this.system.registry.down(thread, [])
    inbox.peer.lives.lose()
    if (first) this.spread(Peer.LOST, thread)
    this.homes.lost(thread)
    if (!this.homes.workers.includes(thread)) this.dismiss(thread)
  }

  /** What a thread that has ended for good has said counts; what nobody took there is dead letters. */
  private bury(inbox: Inbox, parked: ReadonlyArray<Memory>): void {
    const { thread } = inbox.peer
    while (inbox.poll() > 0);
    inbox.peer.reader.lose(Fabric.written(this.fabric, thread, this.system.thread))
    // What came to the thread is counted before anybody else reads what did not.
    if (this.system.thread === 0) Burial.parked(this.fabric, thread, parked, this.buried)
    const refs = this.refs.on(inbox.peer)
    const keys = new Map(refs.map(({ key, target }) => [target, key]))
    Burial.sent(this.system, this.fabric, inbox.peer, keys, this.buried)
    // A handle that it was told of may be among what it has not read.
    this.refs.forget(refs)
  }

  private readonly buried: Burial.Bury = (address, key) => {
    const host = Peer.hostOf(address)
    const tag = this.contracts.protocol(host)?.messages[Peer.messageOf(address)]?.tag ?? "unknown"
    this.system.deadLetter("ThreadLost", { name: this.contracts.name(host), key }, tag, undefined, BURIED)
  }

  /** Tells the others that a thread has ended: nothing waits for it any more. */
  private spread(kind: typeof Peer.LOST, thread: number): void
  private spread<A>(kind: typeof Peer.DOWN, thread: number, value: A, codec: Codec<A>): void
  private spread(kind: number, thread: number, value?: unknown, codec: Codec<any> = Wire.nothing): void {
    for (const peer of this.peers) {
      if (peer.thread !== thread) peer.write(kind, thread, 0, 0, 0, value, codec)
    }
  }

  /** A thread is there, or has a successor, which is woken over this port. */
  revive(thread: number, port: Bells.Port): void {
    this.ports[thread]?.close()
    this.ports[thread] = port
    Bells.listen([port], this.wake)
    const peer = this.peer(thread)
    peer.down = false
    peer.doorbell = new Doorbell(Fabric.bells(this.fabric), Fabric.bell(thread), port)
    // It may have said itself that it was its end. One that has left comes back when keys may live on it.
    if (!this.gone.has(thread)) this.admit(thread)
    // Whoever rang meanwhile did so in vain.
    port.postMessage(null)
  }

  /** Nothing comes in or goes out any more. */
  close(): void {
    this.spread(Peer.LOST, this.system.thread)
    this.flush()
    this.closed = true
    this.homes.stop()
    for (const peer of this.peers) peer.lose()
    Bells.close(this.ports)
  }

  /** Takes in messages from now on: whatever is to receive them is hosted. */
  open(): void {
    for (const actor of this.again) this.system.kinds[actor.type]?.again(actor)
    this.inherit()
    this.opened = true
    for (const thread of this.membership.gone) this.lose(thread)
    this.homes.move?.check()
    this.system.dispatcher.arm()
  }

  /** Takes over what those before this thread left: its messages are in the mailboxes of their actors then. */
  private inherit(): void {
    const { left } = this
    this.left = []
    // Handles first: the messages that use them may lie before them.
    for (const slot of left) if (slot.state === KEPT) this.inbox(slot.from).replay(slot)
    // What waited at a key's old place goes before what came to this one.
    const waiting = left.filter(({ state }) => state === WAITING)
    for (const slot of waiting) if (Inbox.moved(slot)) this.inbox(slot.from).replay(slot)
    for (const slot of waiting) if (!Inbox.moved(slot)) this.inbox(slot.from).replay(slot)
    for (const slot of left) if (slot.state === PARTIAL) this.inbox(slot.from).resume(slot)
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
