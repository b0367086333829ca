/** A reference to several actors of a kind: a message goes to whoever is idle, or waits for one to be. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import type { Any } from "../Actor.ts"
import type { ActorRef } from "../ActorRef.ts"
import type { Reason } from "../AskError.ts"
import { Placement } from "../Placement.ts"
import type { SpawnError } from "../SpawnError.ts"
import type { Host } from "./host.ts"
import type { Replier } from "./hot/cell.ts"
import { REFUSED } from "./hot/counts.ts"
import { RunQueue } from "./hot/runQueue.ts"
import { hostedKey } from "./keys.ts"
import { carried } from "./observedAsk.ts"
import { compile, type Protocol } from "./protocol.ts"
import { type Target, withRef } from "./ref.ts"
import { ended, type Refusal, unknown } from "./refusal.ts"
import { Virtual } from "./virtual.ts"

/** A message that waits for a member. */
interface Job {
  readonly tag: string
  readonly payload: unknown
  readonly replier: Replier | undefined
}

/** A member, or its place while another one is spawned for it. */
class Member {
  ref: Target | undefined
  busy = false
  readonly place: number

  constructor(ref: Target, place: number) {
    this.ref = ref
    this.place = place
  }
}

class Pooled extends Virtual {
  private readonly members: Array<Member>
  private readonly waiting = new RunQueue<Job>(16)
  /** Spawns a member in the place of one that has ended. */
  private readonly replace: (place: number, done: (ref: Target | undefined) => void) => void

  constructor(
    host: Host,
    name: string,
    protocol: Protocol,
    members: ReadonlyArray<Target>,
    replace: (place: number, done: (ref: Target | undefined) => void) => void
  ) {
    super(host.system, name, protocol)
    this.members = members.map((ref, place) => new Member(ref, place))
    this.replace = replace
  }

  deliver(tag: string, payload: unknown, asker: Replier | undefined): Refusal | undefined {
    if (this.protocol.get(tag) === undefined) return unknown(this.name, tag)
    if (this.over || this.members.length === 0) return ended
    // Who hands it on has another span.
    const replier = asker ?? this.system.observer?.told(this, tag)
    const member = this.waiting.size === 0 ? this.idle() : undefined
    if (member !== undefined) return this.give(member, { tag, payload, replier })
    this.waiting.push({ tag, payload, replier })
    return undefined
  }

  /** The scope closes: nobody takes what waits. */
  override close(): void {
    super.close()
    for (let job = this.waiting.shift(); job !== undefined; job = this.waiting.shift()) this.bury(job, ended)
  }

  /** A member has done what it was given. */
  done(member: Member, reason: Reason | undefined): void {
    member.busy = false
    if (reason?._tag === "ActorEnded" || reason?._tag === "DeadRef" || reason?._tag === "ThreadLost") {
      this.lost(member)
    } else {
      this.next(member)
    }
  }

  unheard(tag: string, error: unknown): void {
    this.system.deadLetter("UnheardError", this, tag, error)
  }

  private idle(): Member | undefined {
    return this.members.find(({ busy, ref }) => !busy && ref !== undefined)
  }

  private give(member: Member, job: Job): Refusal | undefined {
    member.busy = true
    const refusal = member.ref!.deliver(job.tag, job.payload, new Errand(this, member, job))
    if (refusal === undefined) return undefined
    member.busy = false
    if (refusal.reason !== "Ended" && refusal.reason !== "ThreadLost") return refusal
    // The member had ended and nobody knew: the message goes to another one.
    this.lost(member)
    return this.deliver(job.tag, job.payload, job.replier)
  }

  private next(member: Member): void {
    while (!member.busy && member.ref !== undefined) {
      const job = this.waiting.shift()
      if (job === undefined) return
      const refusal = this.give(member, job)
      if (refusal !== undefined) this.bury(job, refusal)
    }
  }

  private lost(member: Member): void {
    member.ref = undefined
    if (this.over) return
    this.replace(member.place, (ref) => {
      member.ref = ref
      if (ref !== undefined) return this.next(member)
      this.members.splice(this.members.indexOf(member), 1)
      if (this.members.length === 0) this.close()
    })
  }

  private bury({ payload, replier, tag }: Job, refusal: Refusal): void {
    this.system.deadLetter(refusal.reason, this, tag, payload, REFUSED)
    replier?.abandon(refusal.askReason)
  }
}

/** A message in a member's hands. */
class Errand implements Replier {
  private readonly pool: Pooled
  private readonly member: Member
  private readonly job: Job
  private settled = false

  /** The sender's, where messages are traced. */
  get span(): Tracer.AnySpan | undefined {
    return carried(this.job.replier)
  }

  constructor(pool: Pooled, member: Member, job: Job) {
    this.pool = pool
    this.member = member
    this.job = job
  }

  get done(): boolean {
    return this.settled
  }

  succeed(value: unknown): void {
    this.settle(undefined, () => this.job.replier?.succeed(value))
  }

  fail(error: unknown): void {
    const { replier, tag } = this.job
    this.settle(
      undefined,
      () => (replier === undefined ? this.pool.unheard(tag, error) : replier.fail(error))
    )
  }

  abandon(reason: Reason): void {
    this.settle(reason, () => this.job.replier?.abandon(reason))
  }

  private settle(reason: Reason | undefined, tell: () => void): void {
    if (this.settled) return
    this.settled = true
    tell()
    this.pool.done(this.member, reason)
  }
}

class PooledRef extends withRef(Pooled) {}

export const make = (
  actor: Any,
  options?: { readonly args?: unknown; readonly members?: number | undefined }
): Effect.Effect<ActorRef<never>, SpawnError, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<Scope.Scope>()
    const scope = Context.get(context, Scope.Scope)
    const host = Context.getUnsafe(context, hostedKey(actor.name))
    const members = Math.max(1, options?.members ?? host.workers)
    const spawn = (place: number): Effect.Effect<Target, SpawnError> => {
      const where = host.workers === 0 ? "here" : 1 + (place % host.workers)
      const placed = Context.add(context, Placement, where)
      return host.spawn(options?.args, scope, placed) as unknown as Effect.Effect<Target, SpawnError>
    }
    const refs = yield* Effect.forEach(Array.from({ length: members }, (_, i) => i), spawn, {
      concurrency: "unbounded"
    })
    const ref = new PooledRef(
      host,
      actor.name,
      compile(actor.protocol as never, host.system.validate),
      refs,
      (place, done) => {
        Effect.runForkWith(context)(spawn(place)).addObserver((exit) =>
          done(Exit.isSuccess(exit) ? exit.value : undefined)
        )
      }
    )
    yield* Scope.addFinalizer(scope, Effect.sync(() => ref.close()))
    return ref as unknown as ActorRef<never>
  })
