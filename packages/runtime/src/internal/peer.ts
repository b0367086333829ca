/**
 * Another thread, as this one sees it: the link to it, the link from it, the asks that it has to answer, and the
 * keys that it knows by a handle.
 */
import type { Reason } from "../AskError.ts"
import { ThreadLost } from "../AskError.ts"
import type { Codec } from "../Codec.ts"
import { isAsker, PendingAsk } from "./ask.ts"
import { crossing } from "./crossing.ts"
import type { Replier } from "./hot/cell.ts"
import { LOCAL } from "./hot/counts.ts"
import type { Doorbell } from "./hot/doorbell.ts"
import { FIRST_KIND, linkBytes, LinkReader, LinkWriter } from "./hot/link.ts"
import type { Parcel } from "./hot/parking.ts"
import type { Lives } from "./lives.ts"
import { isStreamReplier, type Upstream } from "./streaming.ts"
import type { System } from "./system.ts"
import * as Wire from "./wire.ts"

// The kinds of records, and what their four words are: a, b, c, d.

/** A message that nobody answers: host and message, target, version, 0. */
export const TELL = FIRST_KIND
/** A message that is to be answered: host and message, target, version, correlation. */
export const ASK = FIRST_KIND + 1
/** An answer: 0, 0, 0, correlation; the payload is the message's success. */
export const SUCCESS = FIRST_KIND + 2
/** A declared error: 0, 0, 0, correlation; the payload is the message's error. */
export const FAILURE = FIRST_KIND + 3
/** No answer will come: 0, 0, 0, correlation; the payload is the reason. */
export const ABANDONED = FIRST_KIND + 4
/** A handle for a key: type, handle, 0, 0; the payload is the key. */
export const BIND = FIRST_KIND + 5
/** Start an actor: type, any of the three below, 0, correlation; the payload is the arguments. */
export const SPAWN = FIRST_KIND + 6
/** Whoever asks for it oversees it. */
export const OVERSEEN = 1
/** Nobody waits until it has started. */
export const UNAWAITED = 2
/** It refuses what comes while it is down. */
export const REFUSING = 4
/**
 * It has started: its instance, target, version, correlation; the payload is the version of its identity. The target
 * version is negative if the mailbox is bounded; otherwise the two are the same.
 */
export const SPAWNED = FIRST_KIND + 7
/** It did not start: 0, 0, 0, correlation; the payload is the failure. */
export const NOT_SPAWNED = FIRST_KIND + 8
/** End a spawned actor, and tell when it has ended: 0, target, version, correlation. */
export const END = FIRST_KIND + 9
/** It has ended: 0, 0, 0, correlation. */
export const ENDED = FIRST_KIND + 10
/** Tell what you have done: 0, 0, 0, correlation. */
export const STATS = FIRST_KIND + 11
/** What a thread has done: 0, 0, 0, correlation; the payload is the statistics. */
export const STATS_ARE = FIRST_KIND + 12
/** A dead letter, for the thread that made the system: the payload is the letter. */
export const DEAD_LETTER = FIRST_KIND + 13
/** Whoever asked for a start does not want it any more: 0, 0, 0, the start's correlation. */
export const CANCEL = FIRST_KIND + 14
/** A thread has ended for good: thread, 0, 0, 0. From itself, as its last word, or from the one that made the system. */
export const LOST = FIRST_KIND + 15
/** There is room in a bounded mailbox: 0, slot, 0, 0. */
export const ROOM = FIRST_KIND + 16
/**
 * A thread has ended, and will have a successor: thread, 0, 0, 0. From the one that made the system; the payload are
 * the actors that may be started again there.
 */
export const DOWN = FIRST_KIND + 17
/** A face: its number, 0, 0, 0; the payload is the messages that are sent through it. */
export const FACE = FIRST_KIND + 19
/** Something is registered under a name: 0, 0, 0, 0; the payload is the registration. */
export const REGISTER = FIRST_KIND + 24
/** It is no more: the thread that registered it, its number, 0, 0. */
export const UNREGISTER = FIRST_KIND + 25
/** A message to all of a kind on a thread: face and message, of what kind they are, 0, 0. */
export const BROADCAST = FIRST_KIND + 26
/** The first word of a successor: how many messages those before it were given, low and high 32 bits, 0, 0. */
export const HELLO = FIRST_KIND + 18
/** An element of a streamed reply: 0, 0, 0, correlation; the payload is the element. */
export const ELEMENT = FIRST_KIND + 20
/** A streamed reply is complete: 0, 0, 0, correlation. */
export const FINISHED = FIRST_KIND + 21
/** So many more elements may come: credits, 0, 0, correlation of the ask. */
export const CREDIT = FIRST_KIND + 22
/** No more elements are wanted: 0, 0, 0, correlation of the ask. */
export const UNWANTED = FIRST_KIND + 23

/** Nobody waits for the answer to an ask whose handler wants to know: 0, 0, 0, correlation. */
export const GIVEN_UP = FIRST_KIND + 32
/** A key has left memory, have its handle back: type, handle, 0, 0; the payload is the key. */
export const UNBIND = FIRST_KIND + 37
/** Nothing comes by this handle any more: 0, handle, 0, 0. */
export const UNBOUND = FIRST_KIND + 38
/** End your actors within so many milliseconds: those, 0, 0, correlation. */
export const SHUTDOWN = FIRST_KIND + 33
/** They have: 0, 0, 0, correlation; the payload are those that have not. */
export const SHUT = FIRST_KIND + 34
/** Who would hear a broadcast there: face, of what kind they are, 0, correlation. */
export const LISTEN = FIRST_KIND + 35
/** They would: 1 if more follow, 0, 0, correlation; the payload are their addresses. */
export const LISTENERS = FIRST_KIND + 36
/** Tell something of your actors: 0, 0, 0, correlation; the payload says what. Where actors are inspected. */
export const INSPECT = FIRST_KIND + 60
/** It is this: 0, 0, 0, correlation; the payload is the answer. */
export const INSPECTED = FIRST_KIND + 61
/** The system is in post-mortem: 0, 0, 0, 0. */
export const POST_MORTEM = FIRST_KIND + 62
/** The span to which the next message belongs: 0, 0, 0, 0; the payload is the span. Where messages are traced. */
export const SPAN = FIRST_KIND + 30
/** Who waits for whom, for the actor that is asked: host, target, version, 0. Where circles of asks are looked for. */
export const PROBE = FIRST_KIND + 31

/** Tell when an actor has ended: 0, target, version, correlation. */
export const WATCH = FIRST_KIND + 40
/** Do not tell it any more: 0, 0, 0, the correlation. */
export const UNWATCH = FIRST_KIND + 41
/** It has ended: 0, 0, 0, correlation; the payload is how. */
export const GONE = FIRST_KIND + 42
/** Have an actor end: how, target, version, correlation. Answered by ENDED, also when its overseer has it in hand. */
export const TERMINATE = FIRST_KIND + 43
/** Have an actor die with another, which is the payload: 0, target, version, 0. */
export const LINK = FIRST_KIND + 44
/** And no longer: the same. */
export const UNLINK = FIRST_KIND + 45
/** An actor that was spawned for the peer has ended: 0, instance, version, 0. */
export const LEFT = FIRST_KIND + 46
/** One that the peer oversees is held: 0, instance, version, 0; the payload is how it would have ended. */
export const SEIZED = FIRST_KIND + 47
/** What an overseer has done with it: what, instance, version, correlation. */
export const COMMAND = FIRST_KIND + 48
/** Start it again, whose thread has ended: type, instance, version, correlation; the payload is the arguments. */
export const REVIVE = FIRST_KIND + 49
/** It is done: 1 if it was, 0, 0, correlation; the payload is why it did not start. */
export const OBEYED = FIRST_KIND + 50

// What threads say when the workers that keys live on change; see `move.ts`.

/** From now on I send by this epoch: epoch, 0, 0, 0. */
export const FENCE = FIRST_KIND + 80
/** A message that waited for a key at its old place: host and message, target, 0, 0. */
export const MOVED_TELL = FIRST_KIND + 81
/** The same, to be answered: host and message, target, 0, correlation. */
export const MOVED_ASK = FIRST_KIND + 82
/** A key that lives on at its old place for a moment: type, 0, 0, 0; the payload is the key. */
export const HELD = FIRST_KIND + 83
/** A key that lives there no more: type, 1 if its state comes along, 0, 0; the payload is the key, and the state. */
export const RELEASED = FIRST_KIND + 84
/** All other keys that have moved are the new places': epoch, 0, 0, 0. */
export const CLOSED = FIRST_KIND + 85
/** I am done with an epoch: epoch, 0, 0, 0. */
export const SETTLED = FIRST_KIND + 86
/** Say when nothing waits for your spawned actors any more: milliseconds, 0, 0, correlation. */
export const QUIET = FIRST_KIND + 87
/** Nothing does, or the time is up: 0, 0, 0, correlation. */
export const IS_QUIET = FIRST_KIND + 88

// The host goes with each message, so that one whose actor has ended has a name: 16 bits for each of the two.

export const address = (host: number, message: number): number => (host << 16) | message
export const hostOf = (address: number): number => address >>> 16
/** What a host that is a face is marked with: such an address is negative as a number of 32 bits. */
export const FACE_BIT = 0x8000
export const messageOf = (address: number): number => address & 0xffff

/** Bytes after which a peer is shown what was written, though more may follow. */
const PUBLISH_BYTES = 4096
/**
 * The same for a peer that has nothing to do, so that the two work at the same time and not in turn. Fewer would
 * wake it for less than waking costs.
 */
const PUBLISH_IDLE_BYTES = 1024

/** What waits for a record with its correlation. */
export interface Waiting {
  /** The codecs of the answer, if it is to an ask. */
  readonly codecs: Wire.MessageCodecs | undefined
  readonly replier: Replier
}

export class Peer {
  readonly system: System
  readonly thread: number
  doorbell: Doorbell
  readonly writer: LinkWriter
  readonly reader: LinkReader
  /** Its thread has ended for good. */
  lost = false
  /** Its thread has ended, and has no successor yet; on the thread that made the system. */
  down = false
  /** Actors that this thread has spawned there. */
  actors = 0
  /** How often its thread has ended. */
  ends = 0
  /** What the lives of actors here and there have to do with each other. */
  lives!: Lives
  private readonly waiting = new Map<number, Waiting>()
  /** The faces that it knows. */
  private readonly shown = new Set<number>()
  /** Where the elements are made that it asked for, by the correlations of its asks. */
  readonly sources = new Map<number, Upstream>()

  constructor(
    system: System,
    thread: number,
    doorbell: Doorbell,
    writer: LinkWriter,
    reader: LinkReader
  ) {
    this.system = system
    this.thread = thread
    this.doorbell = doorbell
    this.writer = writer
    this.reader = reader
  }

  tell<A>(target: number, version: number, address: number, value: A, codec: Codec<A>): void {
    // Before it is written: a message that is read was counted.
    this.writer.count(1)
    try {
      this.write(TELL, address, target, version, 0, value, codec)
    } catch (error) {
      this.writer.count(-1)
      throw error
    }
  }

  ask<A>(
    target: number,
    version: number,
    address: number,
    value: A,
    codecs: Wire.MessageCodecs,
    replier: Replier
  ): void {
    const correlation = this.await(replier, codecs)
    this.heed(replier, correlation, codecs)
    this.writer.count(1)
    try {
      this.write(ASK, address, target, version, correlation, value, codecs.payload)
    } catch (error) {
      this.writer.count(-1)
      this.waiting.delete(correlation)
      throw error
    }
  }

  /** Hears of it when nobody waits for the answer any more, and of how many elements may come. */
  private heed(replier: Replier, correlation: number, codecs: Wire.MessageCodecs): void {
    if (replier instanceof PendingAsk) {
      replier.onGivenUp = () => {
        this.waiting.delete(correlation)
        if (codecs.interruptible) this.answer(GIVEN_UP, correlation, undefined, Wire.nothing)
      }
    } else if (isStreamReplier(replier)) {
      replier.from(this.upstream(correlation))
    } else if (codecs.interruptible && isAsker(replier)) {
      // It is waited for all the same.
      const givenUp = (): void => this.answer(GIVEN_UP, correlation, undefined, Wire.nothing)
      // Perhaps while the message waited to be sent on.
      if (replier.unwanted) this.system.soon(givenUp)
      else replier.onGivenUp = givenUp
    }
  }

  /**
   * Passes on a message that waited for a key which has moved there; false if there is no room now. `parcel` is where it
   * waits: it does so until what was written is published.
   */
  pass(
    target: number,
    address: number,
    value: unknown,
    codecs: Wire.MessageCodecs,
    replier: Replier | undefined,
    parcel: Parcel | undefined
  ): boolean {
    const { system, writer } = this
    const correlation = replier === undefined ? 0 : this.await(replier, codecs)
    const kind = replier === undefined ? MOVED_TELL : MOVED_ASK
    const undo = (): void => {
      writer.count(-1)
      this.waiting.delete(correlation)
    }
    let room = true
    writer.count(1)
    crossing.system = system
    try {
      room = writer.addNow(kind, address, target, 0, correlation, value, codecs.payload.encode)
    } catch (error) {
      undo()
      throw error
    } finally {
      crossing.system = undefined
    }
    if (!room && !writer.idle) {
      undo()
      return false
    }
    // It came here, and is sent again.
    system.counts[LOCAL]!--
    if (replier !== undefined) this.heed(replier, correlation, codecs)
    if (room) {
      parcel?.move(this.thread, writer.position)
      if (this.due) this.flush()
      system.dispatcher.arm()
    } else {
      // It is longer than the ring: it dies with this thread from now on.
      parcel?.take()
      this.write(kind, address, target, 0, correlation, value, codecs.payload)
    }
    return true
  }

  /** What the elements of an ask come from. */
  private upstream(correlation: number): Upstream {
    return {
      grant: (credits) => this.write(CREDIT, credits, 0, 0, correlation, undefined, Wire.nothing),
      cancel: () => {
        this.waiting.delete(correlation)
        this.unwanted(correlation)
      }
    }
  }

  /** Says that nobody wants the elements of an ask. */
  unwanted(correlation: number): void {
    this.write(UNWANTED, 0, 0, 0, correlation, undefined, Wire.nothing)
  }

  /** Sends a request of the runtime itself, and waits for its answer; the request's correlation. */
  request<A>(
    kind: number,
    a: number,
    b: number,
    c: number,
    value: A,
    codec: Codec<A>,
    replier: Replier
  ): number {
    const correlation = this.await(replier, undefined)
    try {
      this.write(kind, a, b, c, correlation, value, codec)
    } catch (error) {
      this.waiting.delete(correlation)
      throw error
    }
    return correlation
  }

  answer<A>(kind: number, correlation: number, value: A, codec: Codec<A>): void {
    this.write(kind, 0, 0, 0, correlation, value, codec)
  }

  /** Tells the peer which handle stands for a key from now on. */
  bind(host: number, key: string): number {
    const handle = this.writer.handle()
    this.write(BIND, host, handle, 0, 0, key, Wire.key)
    return handle
  }

  /** Tells the peer which messages are sent through a face from now on. */
  show(number: number, face: Wire.Face): void {
    if (this.shown.has(number)) return
    this.shown.add(number)
    this.write(FACE, number, 0, 0, 0, face, Wire.face)
  }

  /** Tells the peer what is registered on this thread. */
  register(registration: Wire.Registration): void {
    this.write(REGISTER, 0, 0, 0, 0, registration, Wire.registration)
  }

  /** Tells the peer that it is no more. */
  unregister(thread: number, number: number): void {
    this.write(UNREGISTER, thread, number, 0, 0, undefined, Wire.nothing)
  }

  /** Sends a message to all of a kind there, through a face. Each who hears it counts it. */
  broadcast<A>(what: number, face: number, message: number, value: A, codec: Codec<A>): void {
    this.write(BROADCAST, address(FACE_BIT | face, message), what, 0, 0, value, codec)
  }

  /** What waits for this correlation, and goes on waiting. */
  awaited(correlation: number): Waiting | undefined {
    return this.waiting.get(correlation)
  }

  /** How many answers are waited for. */
  get open(): number {
    return this.waiting.size
  }

  /** Takes what waits for this correlation. */
  settle(correlation: number): Waiting | undefined {
    const waiting = this.waiting.get(correlation)
    if (waiting !== undefined) this.waiting.delete(correlation)
    return waiting
  }

  /** The thread has ended for good. */
  lose(): void {
    if (this.lost) return
    this.lost = true
    this.fail()
  }

  /** The thread has ended: nothing that waits for it will be answered. */
  fail(): void {
    this.ends++
    this.actors = 0
    const reason: Reason = new ThreadLost({ thread: this.thread })
    const waiting = Array.from(this.waiting.values())
    this.waiting.clear()
    for (const { replier } of waiting) replier.abandon(reason)
    for (const source of this.sources.values()) source.cancel()
    this.sources.clear()
    this.system.mesh?.mailboxes?.retry()
  }

  /** Makes visible what was written, and wakes the peer for it. */
  flush(): void {
    const { writer } = this
    if (this.lost) return
    if (writer.keeps) writer.drain()
    if (writer.publish()) this.doorbell.ring()
  }

  write<A>(kind: number, a: number, b: number, c: number, d: number, value: A, codec: Codec<A>): void {
    if (this.lost) return
    crossing.system = this.system
    try {
      if (!this.writer.add(kind, a, b, c, d, value, codec.encode)) {
        throw new RangeError("a message between threads may have 16 MiB at most")
      }
    } finally {
      crossing.system = undefined
    }
    if (this.due) this.flush()
    this.system.dispatcher.arm()
  }

  /** A sender that does not pause must not keep its peer waiting. */
  private get due(): boolean {
    const { writer } = this
    const { unpublished } = writer
    return unpublished >= PUBLISH_BYTES || (unpublished >= PUBLISH_IDLE_BYTES && writer.caughtUp) ||
      (writer.keeps && writer.unblocked)
  }

  private await(replier: Replier, codecs: Wire.MessageCodecs | undefined): number {
    const correlation = this.writer.correlation()
    this.waiting.set(correlation, { codecs, replier })
    return correlation
  }
}

/** A thread that there is not, and that is lost. */
export const nobody = (system: System, doorbell: Doorbell): Peer => {
  const capacity = 256
  const memory = new SharedArrayBuffer(linkBytes(capacity))
  const link = [memory, 0, capacity] as const
  const peer = new Peer(system, -1, doorbell, new LinkWriter(...link), new LinkReader(...link))
  peer.lost = true
  return peer
}
