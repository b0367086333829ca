/** References to several actors: which of them a message goes to, what waits for one, and who takes an ended one's place. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashRing from "effect/HashRing"
import * as PrimaryKey from "effect/PrimaryKey"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import type { Any } from "../Actor.ts"
import type { ActorRef } from "../ActorRef.ts"
import type { ActorSystem } from "../ActorSystem.ts"
import type { Reason } from "../AskError.ts"
import type { Group } from "../Group.ts"
import { Placement } from "../Placement.ts"
import type { SpawnError } from "../SpawnError.ts"
import * as finding from "./finding.ts"
import { Errand, First, type Job } from "./errand.ts"
import type { Replier } from "./hot/cell.ts"
import { REFUSED } from "./hot/counts.ts"
import { RunQueue } from "./hot/runQueue.ts"
import { hostedKey, systemKey } from "./keys.ts"
import type { EndObserver } from "./life.ts"
import { compile, type MessageType, type Protocol } from "./protocol.ts"
import { format, type Ref, withRef } from "./ref.ts"
import { ended, invalid, type Refusal, unknown } from "./refusal.ts"
import type { RemoteRef } from "./remoteRef.ts"
import type { System } from "./system.ts"
import { Virtual } from "./virtual.ts"

/** A strategy, as its constructors make it. */
interface Strategy {
  readonly _tag: "Idle" | "LeastLoaded" | "RoundRobin" | "Random" | "ConsistentHash" | "Broadcast"
  readonly key?: (message: { readonly tag: string; readonly payload: unknown }) => string
}

/** A member, or its place while another one is spawned for it. */
class Member implements PrimaryKey.PrimaryKey, EndObserver {
  readonly router: Router
  /** The same for whoever takes its place. */
  readonly key: string
  ref: Ref | undefined = undefined
  /** What it was given and has not answered, where that is known. */
  load = 0
  /** Its worker leaves: it is given nothing more. */
  leaves = false

  constructor(router: Router, key: string, ref: Ref) {
    this.router = router
    this.key = key
    this.become(ref)
  }

  [PrimaryKey.symbol](): string {
    return this.key
  }

  become(ref: Ref | undefined): void {
    this.ref?.subject?.unobserve(this)
    this.ref = ref
    this.load = 0
    this.leaves = false
    ref?.subject?.observe(this)
  }

  /** It has ended, and its thread says so. */
  ended(): void {
    this.router.lost(this)
  }
}

class Router extends Virtual {
  private readonly strategy: Strategy
  private readonly random: Random.Random
  private members: Array<Member> = []
  private ring: HashRing.HashRing<Member> | undefined = undefined
  private turn = -1
  private readonly waiting = new RunQueue<Job>(16)
  /** What becomes of a member's place when it has ended; undefined where somebody else says who the members are. */
  private readonly replace: ((place: string, done: (ref: Ref | undefined) => void) => void) | undefined

  constructor(
    system: System,
    name: string,
    protocol: Protocol,
    strategy: Strategy,
    random: Random.Random,
    replace: ((place: string, done: (ref: Ref | undefined) => void) => void) | undefined
  ) {
    super(system, name, protocol)
    this.strategy = strategy
    this.random = random
    this.replace = replace
  }

  /** Whether it has to hear of each message when it is done. */
  private get counts(): boolean {
    return this.strategy._tag === "Idle" || this.strategy._tag === "LeastLoaded"
  }

  /** Looks whether there are other members by now. */
  refresh: (() => void) | undefined = undefined

  /** The members are these from now on; whoever is one already stays where it is. */
  become(refs: ReadonlyMap<string, Ref>): void {
    const known = new Map(this.members.map((member) => [member.key, member]))
    this.ring = undefined
    this.members = Array.from(refs, ([key, ref]) => known.get(key) ?? new Member(this, key, ref))
    for (const member of known.values()) if (!refs.has(member.key)) member.become(undefined)
    for (const member of this.members) this.next(member)
  }

  deliver(tag: string, payload: unknown, asker: Replier | undefined): Refusal | undefined {
    const message = this.protocol.get(tag)
    if (message === undefined) return unknown(this.name, tag)
    if (this.over) return ended
    this.refresh?.()
    if (this.strategy._tag === "Broadcast") return this.spread(tag, payload, asker)
    // Where it waits, who hands it on has another span.
    const replier = asker ?? (this.counts ? this.system.observer?.told(this, tag) : undefined)
    while (this.members.length > 0) {
      if (this.strategy._tag === "Idle" && (this.waiting.size > 0 || this.idle() === undefined)) {
        this.waiting.push({ tag, payload, replier })
        return undefined
      }
      let member: Member | undefined
      try {
        member = this.pick(message, payload)
      } catch (issue) {
        return invalid(issue)
      }
      if (member === undefined) return ended
      const refusal = this.give(member, { tag, payload, replier })
      if (refusal === undefined) return undefined
      if (refusal.reason !== "Ended" && refusal.reason !== "ThreadLost") return refusal
      // It had ended and nobody knew: the message goes to another one.
      this.lost(member)
    }
    return ended
  }

  /** The scope closes: nobody takes what waits. */
  override close(): void {
    super.close()
    for (const member of this.members) member.become(undefined)
    this.members = []
    this.bury()
  }

  /** A worker leaves: others take the places of the members on it, each when it has done what it was given. */
  vacate(worker: number): void {
    for (const member of this.members) {
      if ((member.ref?.subject as Partial<RemoteRef> | undefined)?.peer?.thread !== worker) continue
      if (member.load === 0) this.lost(member)
      else member.leaves = true
    }
  }

  /** A member has done what it was given. */
  done(member: Member, ref: Ref, reason: Reason | undefined): void {
    // Whoever is in its place by now has nothing to do with it.
    if (member.ref !== ref) return
    member.load--
    const ended = reason?._tag === "ActorEnded" || reason?._tag === "DeadRef" ||
      reason?._tag === "ThreadLost"
    if (ended || (member.leaves && member.load === 0)) {
      this.lost(member)
    } else {
      this.next(member)
    }
  }

  unheard(tag: string, error: unknown): void {
    this.system.deadLetter("UnheardError", this, tag, error)
  }

  /** A member has ended. */
  lost(member: Member): void {
    if (member.ref === undefined) return
    member.become(undefined)
    const { replace } = this
    if (this.over) return
    if (replace === undefined) return this.leave(member)
    replace(member.key, (ref) => {
      if (this.over) return
      if (ref === undefined) return this.leave(member)
      member.become(ref)
      this.next(member)
    })
  }

  private leave(member: Member): void {
    const { members } = this
    this.members = members.filter((other) => other !== member)
    this.ring = undefined
    if (this.members.length === 0) this.bury()
  }

  private idle(): Member | undefined {
    return this.members.find(({ load, ref }) => load === 0 && ref !== undefined)
  }

  private pick(message: MessageType, payload: unknown): Member | undefined {
    const { members, strategy } = this
    switch (strategy._tag) {
      case "Idle":
        return this.idle()
      case "LeastLoaded":
        return members.reduce<Member | undefined>(
          (least, member) =>
            member.ref !== undefined && !(least !== undefined && least.load <= member.load) ? member : least,
          undefined
        )
      case "ConsistentHash": {
        this.ring ??= HashRing.addMany(HashRing.make<Member>(), members)
        const value = message.construct === undefined ? payload : message.construct(payload)
        const member = HashRing.get(this.ring, strategy.key!({ tag: message.tag, payload: value }))
        return member?.ref === undefined ? this.after(members.indexOf(member!)) : member
      }
      case "Random":
        return this.after(Math.floor(this.random.nextDoubleUnsafe() * members.length) - 1)
      default:
        this.turn = (this.turn + 1) % members.length
        return this.after(this.turn - 1)
    }
  }

  /** The next one after a place that is there, in a circle. */
  private after(place: number): Member | undefined {
    const { members } = this
    for (let i = 1; i <= members.length; i++) {
      const member = members[(place + i) % members.length]!
      if (member.ref !== undefined) return member
    }
    return undefined
  }

  private give(member: Member, job: Job): Refusal | undefined {
    const ref = member.ref!
    const { counts } = this
    const replier = counts ? new Errand(this, member, ref, job) : job.replier
    if (counts) member.load++
    const refusal = ref.deliver(job.tag, job.payload, replier)
    if (refusal === undefined) return undefined
    if (refusal.mailbox !== undefined) {
      // There is no room for it: what becomes of it is the member's mailbox's affair.
      ref.forward(job.tag, job.payload, replier)
      return undefined
    }
    if (counts) member.load--
    return refusal
  }

  private next(member: Member): void {
    while (this.strategy._tag === "Idle" && member.load === 0 && member.ref !== undefined) {
      const job = this.waiting.shift()
      if (job === undefined) return
      const refusal = this.give(member, job)
      if (refusal === undefined) continue
      if (refusal.reason === "Ended" || refusal.reason === "ThreadLost") {
        this.lost(member)
        // It had its turn: it goes before the others to whoever is next.
        this.requeue(job)
      } else this.refuse(job, refusal)
    }
  }

  /** A member had ended before it could take a message. */
  again(job: Job): void {
    if (this.strategy._tag === "Idle") return this.requeue(job)
    const refusal = this.deliver(job.tag, job.payload, job.replier)
    if (refusal !== undefined) this.refuse(job, refusal)
  }

  /** Puts a job back, to the head of what waits. */
  private requeue(job: Job): void {
    const rest: Array<Job> = [job]
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) rest.push(next)
    for (const next of rest) this.waiting.push(next)
    if (this.over || this.members.length === 0) return this.bury()
    const member = this.idle()
    if (member !== undefined) this.next(member)
  }

  private spread(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const refs = this.members.flatMap(({ ref }) => ref === undefined ? [] : [ref])
    if (refs.length === 0) return ended
    const first = replier && new First(replier, refs.length)
    for (const ref of refs) ref.forward(tag, payload, first)
    return undefined
  }

  private bury(): void {
    for (let job = this.waiting.shift(); job !== undefined; job = this.waiting.shift()) {
      this.refuse(job, ended)
    }
  }

  private refuse({ payload, replier, tag }: Job, refusal: Refusal): void {
    this.system.deadLetter(refusal.reason, this, tag, payload, REFUSED)
    replier?.abandon(refusal.askReason)
  }
}

class RouterRef extends withRef(Router) {}

interface PoolOptions {
  readonly strategy?: Strategy | undefined
  readonly args?: unknown
  readonly members?: number | undefined
}

/** Spawns the members in this scope. */
export const pool = (
  actor: Any,
  options?: PoolOptions
): Effect.Effect<ActorRef<never>, SpawnError, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<Scope.Scope>()
    const scope = Context.get(context, Scope.Scope)
    const host = Context.getUnsafe(context, hostedKey(actor.name))
    const members = Math.max(1, options?.members ?? host.workers.length)
    const spawn = (place: number): Effect.Effect<Ref, SpawnError> => {
      const { workers } = host
      const where = workers.length === 0 ? "here" : workers[place % workers.length]!
      const placed = Context.add(context, Placement, where)
      return host.spawn(options?.args, scope, placed) as unknown as Effect.Effect<Ref, SpawnError>
    }
    const refs = yield* Effect.forEach(Array.from({ length: members }, (_, i) => i), spawn, {
      concurrency: "unbounded"
    })
    const ref = new RouterRef(
      host.system,
      actor.name,
      compile(actor.protocol as never, host.system.validate),
      options?.strategy ?? { _tag: "Idle" },
      Context.get(context, Random.Random),
      (place, done) => {
        Effect.runForkWith(context)(spawn(Number(place))).addObserver((exit) =>
          done(Exit.isSuccess(exit) ? exit.value : undefined)
        )
      }
    )
    ref.become(new Map(refs.map((ref, place) => [String(place), ref])))
    const stay = host.onLeave((worker) => ref.vacate(worker))
    yield* Scope.addFinalizer(
      scope,
      Effect.sync(() => {
        stay()
        ref.close()
      })
    )
    return ref as unknown as ActorRef<never>
  })

/** Follows a group's members as long as this scope is open. */
export const group = (
  { name, protocol }: Group<any>,
  options?: { readonly strategy?: Strategy | undefined }
): Effect.Effect<ActorRef<never>, never, ActorSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<ActorSystem | Scope.Scope>()
    const system = Context.get(context, systemKey) as System
    const strategy = options?.strategy ?? { _tag: "Idle" }
    const random = Context.get(context, Random.Random)
    const ref = new RouterRef(system, name, compile(protocol, system.validate), strategy, random, undefined)
    let seen = -1
    const follow = (): void => {
      if (system.registry.version === seen) return
      seen = system.registry.version
      const members = system.registry.members(protocol, finding.group(name), false)
      ref.become(new Map(members.map((member) => [format(member), member])))
    }
    ref.refresh = follow
    follow()
    const stop = system.registry.listen(follow)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        stop()
        ref.close()
      })
    )
    return ref as unknown as ActorRef<never>
  })
