/**
 * What a thread does when the workers that keys live on have changed: it sends by the new places, hands over the keys
 * that it had, and keeps what comes for keys that it will have until their old places have let go of them.
 *
 * | record | says |
 * | --- | --- |
 * | `FENCE` | what I send from now on goes by the new places: nothing comes after it to an old one |
 * | `MOVED_TELL`, `MOVED_ASK` | a message that waited at the old place: it goes before all that came to the new one |
 * | `RELEASED` | a key is the new place's, with its state, if that has a schema |
 * | `HELD` | a key will be released later: its message in hand, or its finalizers, take their time |
 * | `CLOSED` | all keys that are not held are the new places' |
 * | `SETTLED` | to the thread that made the system: this thread has nothing more to do |
 *
 * So what one sender sends to a key keeps its order, and a key has one incarnation at a time. A thread hears of the
 * change from whoever says `FENCE` first, so that nothing comes by the new places before it knows of them. A thread that
 * ends meanwhile has a successor, which finds in shared memory what was said to the one before, and says all of it again.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { DeadRef, InvalidMessage, ThreadLost } from "../AskError.ts"
import type { Codec } from "../Codec.ts"
import * as Failure from "./failure.ts"
import * as Handover from "./handover.ts"
import { BUSY, ENDED, ENDING, HELD as OVERSEEN, type Replier, STARTING } from "./hot/cell.ts"
import { MOVING, type Slot } from "./hot/chunk.ts"
import type { Arrival } from "./hot/dispatcher.ts"
import { Parcel } from "./hot/parking.ts"
import { NEXT, Step } from "./hot/step.ts"
import type { KeyedRef } from "./keyedRef.ts"
import { awaitEnd, end, signal } from "./life.ts"
import type { LocalHost } from "./localHost.ts"
import type { LocalRef } from "./localRef.ts"
import type { Mesh } from "./mesh.ts"
import * as Peer from "./peer.ts"
import type { Place } from "./place.ts"
import type { MessageType } from "./protocol.ts"
import * as Wire from "./wire.ts"

/** A state that moves; undefined where there is none to move. */
type Moving = { readonly state: unknown } | undefined

/** A message that waits for an actor that leaves. */
interface Waiting {
  readonly asker: Replier | undefined
  readonly message: MessageType
  readonly payload: unknown
}

/** An actor that leaves. */
class Leaving {
  /** Its state, when that is final. */
  state: Moving = undefined
  /** What waits for it and has not been passed on. */
  readonly waiting: Array<Waiting> = []
  /** What was passed on, and is not known to have been read. */
  readonly passed: Array<Parcel> = []
}

/** How long one waits for room. */
const AGAIN = Duration.millis(1)

/** A message that waited at a key's old place. */
interface Moved {
  readonly message: MessageType
  readonly payload: unknown
  readonly replier: Replier | undefined
}

/** What another thread has said of its keys, as their old place. */
class Owner {
  /** Those that it will release later, and where that is written down for a successor of this thread. */
  readonly held = new Map<string, Slot | undefined>()
  /** Those that wait here for it to let go of them. */
  readonly waiting = new Set<LocalRef>()
}

const stateOf = (ref: LocalRef): Moving => {
  const { host, state, status } = ref
  // One that has moved here and has not started since.
  if (state instanceof Handover.Inherited) return { state: state.state }
  // What it has become does not move along, so that its state would be another's.
  const whole = status !== STARTING && status !== OVERSEEN && host.isItself(ref)
  return whole ? { state } : undefined
}

const idOf = (actor: string, key: string): string => `${actor}/${key}`

export class Move {
  readonly epoch: number
  private readonly mesh: Mesh
  /** Where keys lived before. */
  private readonly before: Place
  /**
   * Those that leave this thread; undefined until all others have said that they send by the new places.
   */
  private leaving: Map<LocalRef, Leaving> | undefined = undefined
  /** Whether all keys but those that are held have been let go of. */
  private closed = false
  /** Whether one waits for the others to read, and for room. */
  private releasing = false
  private passing = false
  private readonly owners = new Map<number, Owner>()
  /** The keys that were released to this thread. */
  private readonly released = new Set<string>()
  /** What waited at the old places of those that wait here. */
  private readonly moved = new Map<LocalRef, Array<Moved>>()
  /** Threads that have ended meanwhile: their places in bounded mailboxes are given back when all keys have a home. */
  readonly mourned = new Set<number>()
  private readonly deadline: Fiber.Fiber<void>

  constructor(mesh: Mesh, epoch: number, before: Place, millis: number) {
    this.mesh = mesh
    this.epoch = epoch
    this.before = before
    const late = Effect.sync(() => this.leaving?.forEach((_, ref) => this.handOver(ref)))
    this.deadline = Effect.runFork(Effect.andThen(Effect.sleep(Duration.millis(millis)), late))
  }

  /** Nobody asks for the rest of it. */
  stop(): void {
    this.deadline.interruptUnsafe()
  }

  /** Goes on as far as it can: called when anything was said that it waits for. */
  check(): void {
    const { epoch, mesh } = this
    if (!mesh.taking || mesh.homes.move !== this) return
    if (this.leaving === undefined) {
      if (!mesh.others.every(({ lost, reader }) => lost || reader.fenced >= epoch)) return
      this.close()
    }
    if (!this.closed || this.leaving!.size > 0) return
    for (const { lost, reader, thread } of mesh.others) {
      if (!lost && reader.closed < epoch) return
      if (!lost && (this.owners.get(thread)?.held.size ?? 0) > 0) return
    }
    mesh.homes.settled(epoch)
  }

  // As an old place.

  /** Nothing comes any more for keys that have left: what lives of them goes. */
  private close(): void {
    const { mesh } = this
    const refs = mesh.localHosts.flatMap((host) => host.leaving())
    this.leaving = new Map(refs.map((ref) => [ref, new Leaving()]))
    // Those that can go now go together.
    this.releasing = true
    for (const ref of refs) {
      if (ref.status === BUSY || ref.status === STARTING || ref.status === OVERSEEN) {
        // When its message in hand is done, this goes before the next.
        signal(ref, { index: -1, tag: "Move", handle: () => this.leave(ref) })
      } else {
        this.handOver(ref)
      }
      if (ref.status !== ENDED) Effect.runFork(awaitEnd(ref)).addObserver(() => this.release())
    }
    this.releasing = false
    this.release()
  }

  private leave(ref: LocalRef): Step {
    this.handOver(ref)
    return new Step(NEXT, ref.state, undefined)
  }

  /** Takes what waits for an actor, and ends it. */
  private handOver(ref: LocalRef): void {
    const leaving = this.leaving!.get(ref)
    if (ref.status >= ENDING || leaving === undefined) return
    leaving.state = stateOf(ref)
    // What is stashed waits again.
    ref.life?.handling?.unstash()
    while (ref.size > 0) {
      const { asker, message, payload } = ref as unknown as Waiting
      if ((message as unknown) === ref.host.pill) {
        ref.drop()
        continue
      }
      leaving.waiting.push({ asker, message, payload })
      // Its place in a bounded mailbox goes along.
      if (asker instanceof Parcel) asker.place = undefined
      ref.withdraw()
    }
    end(ref, Exit.void)
    this.pass(ref, leaving)
  }

  /**
   * Lets go of the keys whose actors have ended. Before that all other threads have read what those have sent: what the
   * next incarnations send to the same receivers comes after it, though it takes another way.
   */
  private release(): void {
    if (this.releasing) return
    const { epoch, mesh } = this
    const ended = Array.from(this.leaving!).filter(([ref, { waiting }]) =>
      ref.status === ENDED && waiting.length === 0
    )
    if (this.closed && ended.length === 0) return
    this.releasing = true
    Effect.runFork(mesh.read).addObserver(() => {
      if (mesh.homes.move !== this) return
      this.releasing = false
      for (const [ref, { passed, state }] of ended) {
        this.leaving!.delete(ref)
        // They have been read where they went.
        for (const parcel of passed) parcel.take()
        this.say(ref, Peer.RELEASED, state)
      }
      if (!this.closed) {
        this.closed = true
        for (const ref of this.leaving!.keys()) this.say(ref, Peer.HELD)
        for (const peer of mesh.others) peer.write(Peer.CLOSED, epoch, 0, 0, 0, undefined, Wire.nothing)
      }
      this.check()
      this.release()
    })
  }

  private say(
    { host, key }: LocalRef,
    kind: typeof Peer.HELD | typeof Peer.RELEASED,
    state?: Moving
  ): void {
    const { mesh } = this
    const peer = mesh.peer(mesh.homes.place(host.name, key!))
    const { type } = host.contract
    const codec = state && Handover.codec(host.behaviour.state)
    if (codec !== undefined) {
      try {
        return peer.write(kind, type, 1, 0, 0, { key: key!, state: state!.state }, codec)
      } catch (error) {
        host.system.log(`the state of ${host.name} ${key} does not move along: ${Failure.of(error)}`)
      }
    }
    peer.write(kind, type, 0, 0, 0, key!, Wire.key)
  }

  /** Passes on what waited for an actor, as far as there is room: what has not gone out survives this thread. */
  private pass(ref: LocalRef, { passed, waiting }: Leaving): void {
    const to = ref.host.away(ref.key!)!
    while (waiting.length > 0) {
      const { asker, message, payload } = waiting[0]!
      const parcel = asker instanceof Parcel ? asker : undefined
      const replier = parcel === undefined ? asker : parcel.asker
      const refuse = (reason: "ThreadLost" | "InvalidMessage", askReason: unknown): void => {
        if (parcel === undefined) ref.mailbox?.returned()
        else ref.mailbox?.release()
        ref.mailbox?.wake()
        ref.system.deadLetter(reason, ref, message.tag, payload)
        asker?.abandon(askReason)
      }
      const home = this.mesh.refs.route(to)
      if (typeof home === "number") {
        refuse("ThreadLost", new ThreadLost({ thread: home }))
      } else {
        const { contract, peer, target } = to
        const codecs = contract.wire.messages[message.index]!
        try {
          const there = Peer.address(contract.host, message.index)
          if (!peer.pass(target, there, payload, codecs, replier, parcel)) return this.passLater()
          ref.mailbox?.passed(parcel === undefined)
          if (parcel !== undefined && parcel.state === MOVING) passed.push(parcel)
        } catch (error) {
          refuse("InvalidMessage", new InvalidMessage({ issue: Failure.of(error) }))
        }
      }
      waiting.shift()
    }
    this.release()
  }

  private passLater(): void {
    if (this.passing) return
    this.passing = true
    Effect.runFork(Effect.sleep(AGAIN)).addObserver(() => {
      this.passing = false
      if (this.mesh.homes.move !== this) return
      for (const [ref, leaving] of this.leaving!) if (leaving.waiting.length > 0) this.pass(ref, leaving)
    })
  }

  // As a new place.

  /** A key has its first incarnation here: it waits until its old place has let go of it. */
  hold(ref: LocalRef): void {
    const thread = this.before(ref.name, ref.key!)
    const { mesh } = this
    if (thread === mesh.system.thread || !mesh.hosts(ref.name) || ref.host.isAway(ref.key!)) return
    const { lost, reader } = mesh.peer(thread)
    const id = idOf(ref.name, ref.key!)
    const owner = this.owner(thread)
    if (lost || this.released.has(id) || (reader.closed >= this.epoch && !owner.held.has(id))) return
    ref.status = STARTING
    owner.waiting.add(ref)
  }

  /** A message that waited at the old place. */
  receive(
    keyed: KeyedRef,
    message: MessageType,
    payload: unknown,
    replier: Replier | undefined,
    arrival: Arrival
  ): boolean {
    const ref = keyed.host.incarnation(keyed.key)
    if (ref === undefined) return false
    const parked = arrival.park(replier)
    const moved = this.moved.get(ref)
    if (moved !== undefined) moved.push({ message, payload, replier: parked })
    else if (this.waits(ref)) this.moved.set(ref, [{ message, payload, replier: parked }])
    // Its key has been released before this thread ended, and this one is its successor.
    else {
      ref.mailbox?.keepsPlace(parked)
      ref.system.dispatcher.enqueue(ref, message, payload, parked)
    }
    return true
  }

  private waits(ref: LocalRef): boolean {
    for (const { waiting } of this.owners.values()) if (waiting.has(ref)) return true
    return false
  }

  held(thread: number, host: LocalHost, key: string, slot: Slot | undefined): void {
    this.owner(thread).held.set(idOf(host.name, key), slot)
  }

  /** An old place has let go of a key. */
  isReleased(thread: number, host: LocalHost, key: string, state: Moving): void {
    const owner = this.owner(thread)
    const id = idOf(host.name, key)
    this.released.add(id)
    owner.held.get(id)?.take()
    owner.held.delete(id)
    if (state !== undefined) host.inherit(key, new Handover.Inherited(state.state))
    for (const ref of owner.waiting) {
      if (ref.host === host && ref.key === key) this.free(owner, ref)
    }
    this.check()
  }

  /** An old place has let go of all keys but those that it holds, or it has ended for good. */
  isClosed(thread: number): void {
    const owner = this.owner(thread)
    if (this.mesh.peer(thread).lost) this.forget(owner)
    for (const ref of owner.waiting) if (!owner.held.has(idOf(ref.name, ref.key!))) this.free(owner, ref)
    this.check()
  }

  /** A thread has a successor, which will say all of it again. */
  isSucceeded(thread: number): void {
    this.mourned.add(thread)
    this.forget(this.owner(thread))
    this.mesh.peer(thread).reader.closed = 0
  }

  private forget({ held }: Owner): void {
    for (const slot of held.values()) slot?.take()
    held.clear()
  }

  /** What waited at the old place goes before what came to this one. */
  private free({ waiting }: Owner, ref: LocalRef): void {
    waiting.delete(ref)
    const moved = this.moved.get(ref) ?? []
    this.moved.delete(ref)
    if (ref.status >= ENDING) {
      for (const { message, payload, replier } of moved) {
        ref.mailbox?.release()
        ref.system.deadLetter("Ended", ref, message.tag, payload)
        replier?.abandon(new DeadRef())
      }
      return
    }
    const { dispatcher } = ref.system
    for (const { message, payload, replier } of moved.toReversed()) {
      ref.mailbox?.keepsPlace(replier)
      ref.restore(message, payload, replier)
    }
    dispatcher.rest(ref)
  }

  private owner(thread: number): Owner {
    let owner = this.owners.get(thread)
    if (owner === undefined) this.owners.set(thread, owner = new Owner())
    return owner
  }
}

/** What `RELEASED` says. */
interface Released {
  readonly key: string
  readonly state: Moving
}

/** What reads it: a key, and its state, if that has come along. */
export const released = (host: LocalHost, withState: boolean): Pick<Codec<Released>, "decode"> => ({
  decode: (bytes, offset, end) => {
    const codec = withState ? Handover.codec(host.behaviour.state) : undefined
    if (codec === undefined) return { key: Wire.key.decode(bytes, offset, end), state: undefined }
    const { key, state } = codec.decode(bytes, offset, end)
    return { key, state: { state } }
  }
})
