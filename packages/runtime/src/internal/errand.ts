/** What a router's members are given: a message that is done when it is answered, and one that several answer. */
import type * as Tracer from "effect/Tracer"
import type { Reason } from "../AskError.ts"
import { isAsker } from "./ask.ts"
import type { Replier } from "./hot/cell.ts"
import { carried } from "./observedAsk.ts"
import type { Ref } from "./ref.ts"

/** A message for a member. */
export interface Job {
  readonly tag: string
  readonly payload: unknown
  readonly replier: Replier | undefined
}

/** Who gives its members errands. */
interface Giver<Member> {
  /** A member has done what it was given. */
  done(member: Member, ref: Ref, reason: Reason | undefined): void
  /** A member had ended before it could take a message. */
  again(job: Job): void
  unheard(tag: string, error: unknown): void
}

/** A message in a member's hands. */
export class Errand<Member> implements Replier {
  private readonly router: Giver<Member>
  private readonly member: Member
  private readonly ref: Ref
  private readonly job: Job
  private settled = false

  /** The sender's, where messages are traced. */
  get span(): Tracer.AnySpan | undefined {
    return carried(this.job.replier)
  }

  constructor(router: Giver<Member>, member: Member, ref: Ref, job: Job) {
    this.router = router
    this.member = member
    this.ref = ref
    this.job = job
  }

  get done(): boolean {
    return this.settled
  }

  /** Whether the asker has given up. */
  get unwanted(): boolean {
    const { replier } = this.job
    return isAsker(replier) && replier.unwanted
  }

  set onGivenUp(hook: () => void) {
    const { replier } = this.job
    if (isAsker(replier)) replier.onGivenUp = hook
  }

  succeed(value: unknown): void {
    this.settle(undefined, () => this.job.replier?.succeed(value))
  }

  fail(error: unknown): void {
    const { replier, tag } = this.job
    this.settle(
      undefined,
      () => (replier === undefined ? this.router.unheard(tag, error) : replier.fail(error))
    )
  }

  abandon(reason: Reason): void {
    const { job, member, ref, router } = this
    // It came too late for the member: nobody has taken it, and another one may.
    if (reason._tag === "DeadRef" && !this.settled) {
      this.settled = true
      router.done(member, ref, reason)
      return router.again(job)
    }
    this.settle(reason, () => job.replier?.abandon(reason))
  }

  private settle(reason: Reason | undefined, tell: () => void): void {
    if (this.settled) return
    this.settled = true
    // First: whoever hears the answer may have another message for the same member.
    this.router.done(this.member, this.ref, reason)
    tell()
  }
}

/** The first answer of several; none when all are abandoned. */
export class First implements Replier {
  private readonly replier: Replier
  private open: number
  done = false

  get span(): Tracer.AnySpan | undefined {
    return carried(this.replier)
  }

  constructor(replier: Replier, open: number) {
    this.replier = replier
    this.open = open
  }

  succeed(value: unknown): void {
    if (this.settle()) this.replier.succeed(value)
  }

  fail(error: unknown): void {
    if (this.settle()) this.replier.fail(error)
  }

  abandon(reason: unknown): void {
    if (--this.open === 0 && this.settle()) this.replier.abandon(reason)
  }

  private settle(): boolean {
    const first = !this.done
    this.done = true
    return first
  }
}
