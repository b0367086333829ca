/**
 * What the lives of actors on this thread and on another one have to do with each other: who watches whom, who ends
 * whom, who oversees whom. One for each peer; both directions.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ActorId from "../ActorId.ts"
import type { ActorRef } from "../ActorRef.ts"
import { ThreadLost } from "../AskError.ts"
import * as Codec from "../Codec.ts"
import type { Overseer } from "../Overseer.ts"
import { SpawnError } from "../SpawnError.ts"
import { Anybody, type Birth } from "./birth.ts"
import { crossing } from "./crossing.ts"
import { exitOfNobody } from "./ending.ts"
import * as ExitWire from "./exitWire.ts"
import * as Failure from "./failure.ts"
import type { EndObserver } from "./life.ts"
import { LocalRef } from "./localRef.ts"
import type { Oversight } from "./oversight.ts"
import * as Peer from "./peer.ts"
import type { Ref, Stop, Subject } from "./ref.ts"
import type { RemoteChild } from "./remoteChild.ts"
import type { System } from "./system.ts"
import * as Watch from "./watch.ts"
import * as Wire from "./wire.ts"

/** An actor as it is addressed on its thread. */
export interface Addressed {
  readonly target: number
  readonly version: number
}

/** A reference to whatever actor. */
const reference = Codec.make(Anybody)

/** Those that may be started again where their thread has ended. */
const Kept = Schema.Array(Schema.Struct({ target: Schema.Int, version: Schema.Int }))
export const kept = Codec.make(Kept)

/** Why it did not start, if that is what it was told to do. */
export const refusal = Codec.make(Schema.UndefinedOr(Schema.String))

const stops: ReadonlyArray<Stop> = ["queued", "next", "kill"]

/** What an overseer has done with a child, by the numbers that are sent. */
export const RESUME = 0
export const HALT = 1
export const START = 2
export const FINISH = 3
export const REFUSE = 4

/** What came of it. */
export interface Obeyed {
  readonly done: boolean
  /** Why it did not start; as text, where that was found out there. */
  readonly failure: unknown
}

/** An actor of the peer that is watched here. */
interface Watching extends Addressed {
  readonly observer: EndObserver
  correlation: number
}

export class Lives {
  private readonly system: System
  private readonly peer: Peer.Peer
  /** The actor that the peer addresses so. */
  private readonly find: (target: number, version: number) => Ref | undefined
  private readonly watching = new Map<EndObserver, Watching>()
  private readonly answers = new Map<number, Watching>()
  /** Those of this thread that the peer watches, by the correlations. */
  private readonly watched = new Map<number, readonly [subject: Subject, observer: EndObserver]>()
  /** The actors that were spawned there for this thread, by their places. */
  private readonly children = new Map<number, RemoteChild>()

  constructor(system: System, peer: Peer.Peer, find: (target: number, version: number) => Ref | undefined) {
    this.system = system
    this.peer = peer
    this.find = find
  }

  // What this thread wants.

  /** How those end that were on the peer's thread. */
  get lost(): Exit.Exit<never, ThreadLost> {
    return Exit.fail(new ThreadLost({ thread: this.peer.thread }))
  }

  observe({ target, version }: Addressed, observer: EndObserver): void {
    if (this.peer.lost) return observer.ended(this.lost)
    const watching: Watching = { target, version, observer, correlation: 0 }
    this.watching.set(observer, watching)
    if (crossing.system === undefined) return this.watch(watching)
    // A record is being written in which the reference is: there cannot be another one within it.
    this.system.soon(() => {
      if (this.watching.get(observer) === watching) this.watch(watching)
    })
  }

  private watch(watching: Watching): void {
    const correlation = watching.correlation = this.peer.writer.correlation()
    this.answers.set(correlation, watching)
    const { target, version } = watching
    this.peer.write(Peer.WATCH, 0, target, version, correlation, undefined, Wire.nothing)
  }

  unobserve(observer: EndObserver): void {
    const watching = this.watching.get(observer)
    if (watching === undefined) return
    this.forget(watching)
    this.peer.answer(Peer.UNWATCH, watching.correlation, undefined, Wire.nothing)
  }

  private forget({ correlation, observer }: Watching): void {
    this.watching.delete(observer)
    this.answers.delete(correlation)
  }

  private tell(watching: Watching, exit: Exit.Exit<void, unknown>): void {
    this.forget(watching)
    watching.observer.ended(exit)
  }

  terminate({ target, version }: Addressed, how: Stop, done: () => void = () => {}): void {
    if (this.peer.lost) return done()
    const number = stops.indexOf(how)
    const answer = { succeed: done, fail: done, abandon: done }
    this.peer.request(Peer.TERMINATE, number, target, version, undefined, Wire.nothing, answer)
  }

  link(kind: typeof Peer.LINK | typeof Peer.UNLINK, { target, version }: Addressed, to: LocalRef): void {
    this.peer.write(kind, 0, target, version, 0, to.self as unknown as Ref, reference)
  }

  /** An actor was spawned there for this thread. */
  add(child: RemoteChild): void {
    this.children.set(place(child.id), child)
  }

  remove(child: RemoteChild): void {
    this.children.delete(place(child.id))
  }

  /** Those that may be started again by who oversees them here. */
  get overseen(): ReadonlyArray<RemoteChild> {
    return Array.from(this.children.values()).filter(({ overseen }) => overseen)
  }

  /** The actor of this thread that has spawned one there, by the address of that. */
  parentOf(address: string): LocalRef | undefined {
    const id = ActorId.parse(address.split(":")[1] ?? "")
    return Result.isFailure(id) ? undefined : this.children.get(place(id.success))?.owner?.actor
  }

  /** Those that an actor of this thread has spawned there. */
  childrenOf(parent: LocalRef): ReadonlyArray<ActorRef<never>> {
    const all = Array.from(this.children.values())
    return all.filter(({ owner }) => owner?.actor === parent).map(({ remote }) =>
      remote as unknown as ActorRef<never>
    )
  }

  // What the peer wants, and what it answers.

  /** Takes a record; false if it is none of these. */
  record(kind: number, a: number, b: number, c: number, d: number, read: Read): boolean {
    switch (kind) {
      case Peer.WATCH:
        this.watchFor(b, c, d)
        return true
      case Peer.UNWATCH: {
        const [subject, observer] = this.watched.get(d) ?? []
        this.watched.delete(d)
        subject?.unobserve(observer!)
        return true
      }
      case Peer.GONE: {
        const watching = this.answers.get(d)
        if (watching !== undefined) this.tell(watching, ExitWire.decode(read(ExitWire.codec)))
        return true
      }
      case Peer.TERMINATE: {
        const ended = (): void => this.peer.answer(Peer.ENDED, d, undefined, Wire.nothing)
        const subject = this.find(b, c)?.subject
        if (subject === undefined) ended()
        else subject.terminate(stops[a] ?? "queued", ended)
        return true
      }
      case Peer.LINK:
      case Peer.UNLINK: {
        const other = read(reference) as unknown as ActorRef<never>
        const ref = this.find(b, c)?.subject
        if (ref instanceof LocalRef) (kind === Peer.LINK ? Watch.fasten : Watch.unfasten)(ref, other)
        return true
      }
      case Peer.LEFT:
        this.children.get(place({ instance: b >>> 0, version: c }))?.left()
        return true
      case Peer.SEIZED:
        this.children.get(place({ instance: b >>> 0, version: c }))?.held(
          ExitWire.decode(read(ExitWire.codec))
        )
        return true
      case Peer.COMMAND:
        this.obey(d, this.oversight(b, c), (child) => this.execute(a, child))
        return true
      case Peer.OBEYED: {
        const obeyed: Obeyed = { done: a === 1, failure: read(refusal) }
        this.peer.settle(d)?.replier.succeed(obeyed)
        return true
      }
      default:
        return false
    }
  }

  private watchFor(target: number, version: number, correlation: number): void {
    const gone = (exit: Exit.Exit<void, unknown>): void =>
      this.peer.answer(Peer.GONE, correlation, ExitWire.encode(exit), ExitWire.codec)
    const ref = this.find(target, version)
    const subject = ref?.subject
    if (subject === undefined) {
      return gone(
        this.system.mesh!.departed.get(target >>> 0, version) ?? exitOfNobody(ref?.key ?? keyOf(version))
      )
    }
    const observer: EndObserver = {
      ended: (exit) => {
        this.watched.delete(correlation)
        gone(exit)
      }
    }
    this.watched.set(correlation, [subject, observer])
    subject.observe(observer)
  }

  /** Oversees for the peer. */
  private readonly overseers: readonly [Overseer, Overseer] = [this.overseer(false), this.overseer(true)]

  private overseer(refuses: boolean): Overseer {
    return {
      held: ({ ref }, exit) =>
        Effect.sync(() => {
          const { instance, version } = this.system.directory.id(ref as unknown as LocalRef)
          this.peer.write(Peer.SEIZED, 0, instance, version, 0, ExitWire.encode(exit), ExitWire.codec)
        }),
      refuses
    }
  }

  /** Who oversees here for the peer those that refuse, or keep, what comes while they are down. */
  overseeing(refuses: boolean): Overseer {
    return this.overseers[refuses ? 1 : 0]
  }

  private oversight(instance: number, version: number): Oversight | undefined {
    const ref = this.system.directory.get(instance >>> 0, version)
    return ref instanceof LocalRef ? ref.life?.oversight : undefined
  }

  private execute(command: number, child: Oversight): Effect.Effect<boolean, unknown> {
    switch (command) {
      case RESUME:
        return child.resume
      case HALT:
        return Effect.as(child.halt, true)
      case START:
        return Effect.as(child.start, true)
      case REFUSE:
        return Effect.sync(() => {
          child.refuse()
          return true
        })
      default:
        return Effect.as(child.end, true)
    }
  }

  /** Starts one again that was on this thread before it ended itself. */
  revive(instance: number, version: number, correlation: number, { args, parent }: Birth): void {
    this.obey(correlation, this.oversight(instance, version), (child) => {
      child.args = args
      child.bornOf(parent)
      return Effect.as(child.start, true)
    })
  }

  private obey(
    correlation: number,
    child: Oversight | undefined,
    command: (child: Oversight) => Effect.Effect<boolean, unknown>
  ): void {
    const answer = (done: boolean, failure: string | undefined): void =>
      this.peer.write(Peer.OBEYED, done ? 1 : 0, 0, 0, correlation, failure, refusal)
    if (child === undefined) return answer(false, undefined)
    Effect.runFork(command(child)).addObserver((exit) => {
      if (Exit.isSuccess(exit)) answer(exit.value, undefined)
      else answer(false, ofStart(exit.cause))
    })
  }

  // What becomes of it all when the peer's thread ends.

  /** It has ended, and will have a successor, which has these again. */
  down(again: ReadonlyArray<Addressed>): void {
    const places = new Set(again.map(({ target, version }) => `${target}/${version}`))
    this.leave()
    for (const watching of Array.from(this.watching.values())) {
      this.answers.delete(watching.correlation)
      if (places.has(`${watching.target}/${watching.version}`)) this.watch(watching)
      else this.tell(watching, this.lost)
    }
  }

  /** It has ended for good. */
  lose(): void {
    this.leave()
    for (const watching of Array.from(this.watching.values())) this.tell(watching, this.lost)
  }

  private leave(): void {
    for (const [subject, observer] of this.watched.values()) subject.unobserve(observer)
    this.watched.clear()
    for (const child of Array.from(this.children.values())) child.lost(this.lost)
  }
}

/** Why a start failed, as text. */
export const ofStart = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.findError(cause)
  return error._tag === "Success" && error.success instanceof SpawnError
    ? Failure.of(error.success.cause)
    : Failure.ofCause(cause)
}

/** Reads the payload of the record in hand. */
export type Read = <A>(codec: Codec.Codec<A>) => A

/** Of a key there is no version. */
const keyOf = (version: number): string | undefined => version === 0 ? "" : undefined

/** A number for a place and its generation. */
const place = ({ instance, version }: { readonly instance: number; readonly version: number }): number =>
  instance * 0x100 + version
