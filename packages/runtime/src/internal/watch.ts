/** What ties an actor to others: whose ends it is told of, and with whom it dies. */
import * as Cause from "effect/Cause"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import type { ActorRef } from "../ActorRef.ts"
import { LinkBroken } from "../Signal.ts"
import { exitOfNobody, subjectOf } from "./ending.ts"
import * as Failure from "./failure.ts"
import { ENDING } from "./hot/cell.ts"
import { NEXT, Step } from "./hot/step.ts"
import { crash, type EndObserver, lifeOf, signal, type SystemSignal } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import type { Subject } from "./ref.ts"

/** What is watched, by the references that were given, and the same for links. */
export class Watches {
  readonly watched = new Map<unknown, Tie>()
  readonly linked = new Map<unknown, Tie>()

  /** Nobody's end concerns this incarnation any more. */
  clear(): void {
    for (const tie of this.watched.values()) tie.cut()
    for (const tie of this.linked.values()) tie.cut()
    this.watched.clear()
    this.linked.clear()
  }
}

/** One actor's interest in the end of another: told of it, it is the signal that says so. */
abstract class Tie implements EndObserver, SystemSignal {
  readonly index = -1
  abstract readonly tag: "Terminated" | "LinkBroken"
  protected readonly ref: LocalRef
  readonly other: ActorRef<never>
  /** Under what it is found. */
  protected readonly identity: unknown
  /** Who ends; undefined for a reference that no one actor stands behind. */
  private readonly subject: Subject | undefined
  protected exit: Exit.Exit<void, unknown> = Exit.void
  private cancelled = false

  constructor(ref: LocalRef, other: ActorRef<never>, identity: unknown, subject: Subject | undefined) {
    this.ref = ref
    this.other = other
    this.identity = identity
    this.subject = subject
  }

  /** Whoever it is about is told to tell; at once, if that one has ended. */
  tie(): void {
    if (this.subject === undefined) this.ended(exitOfNobody(this.other.key))
    else this.subject.observe(this)
  }

  /** Nothing of it is heard any more, a signal that waits included. */
  cut(): void {
    this.cancelled = true
    this.subject?.unobserve(this)
  }

  ended(exit: Exit.Exit<void, unknown>): void {
    this.exit = exit
    if (!this.cancelled) this.arrive()
  }

  protected abstract arrive(): void
  protected abstract forget(): void

  handle(state: unknown, cell: unknown): unknown {
    if (this.cancelled) return new Step(NEXT, state, undefined)
    this.forget()
    return this.ref.host.signals[this.tag]!(state, { ref: this.other, exit: this.exit }, cell)
  }
}

class Watch extends Tie {
  readonly tag = "Terminated"

  protected arrive(): void {
    if (this.ref.host.signals.Terminated === undefined) this.forget()
    else signal(this.ref, this)
  }

  protected forget(): void {
    this.ref.life?.watches?.watched.delete(this.identity)
  }
}

class Link extends Tie {
  readonly tag = "LinkBroken"

  protected arrive(): void {
    if (this.ref.host.signals.LinkBroken !== undefined) {
      signal(this.ref, this)
      return
    }
    this.forget()
    if (Exit.isSuccess(this.exit)) return
    const cause = broken(this.exit.cause, this.other)
    // Not from within the other's end: a long chain of links would exhaust the stack.
    this.ref.system.soon(() => crash(this.ref, cause, this))
  }

  protected forget(): void {
    this.ref.life?.watches?.linked.delete(this.identity)
  }
}

/** What breaks a link says who failed first, however many links it goes along. */
const broken = (cause: Cause.Cause<unknown>, { key, name }: ActorRef<never>): Cause.Cause<unknown> => {
  const error = Cause.findError(cause)
  // By its tag: on another thread it was an object of another class.
  if (error._tag === "Success" && hasProperty(error.success, "_tag") && error.success._tag === "LinkBroken") {
    return cause
  }
  const failure = Failure.ofCause(cause)
  return Cause.fail(new LinkBroken({ actor: name, ...(key === undefined ? {} : { key }), failure }))
}

/** Tells an actor of the end of another. */
export const watch = (ref: LocalRef, other: ActorRef<never>): void => {
  const subject = subjectOf(other)
  if (ref.status >= ENDING || subject === ref) return
  const { watched } = watchesOf(ref)
  const identity = identityOf(other, subject)
  if (watched.has(identity)) return
  const tie = new Watch(ref, other, identity, subject)
  watched.set(identity, tie)
  tie.tie()
}

export const unwatch = (ref: LocalRef, other: ActorRef<never>): void => cut(ref.life?.watches?.watched, other)

/** Ties two actors to each other: each way is a tie of its own. */
export const link = (ref: LocalRef, other: ActorRef<never>): void => {
  const subject = subjectOf(other)
  fasten(ref, other)
  subject?.fasten(ref)
}

export const unlink = (ref: LocalRef, other: ActorRef<never>): void => {
  unfasten(ref, other)
  subjectOf(other)?.unfasten(ref)
}

/** Has an actor die with another. */
export const fasten = (ref: LocalRef, other: ActorRef<never>): void => {
  const subject = subjectOf(other)
  if (ref.status >= ENDING || subject === ref) return
  const { linked } = watchesOf(ref)
  const identity = identityOf(other, subject)
  if (linked.has(identity)) return
  const tie = new Link(ref, other, identity, subject)
  linked.set(identity, tie)
  tie.tie()
}

export const unfasten = (ref: LocalRef, other: ActorRef<never>): void => cut(ref.life?.watches?.linked, other)

const cut = (ties: Map<unknown, Tie> | undefined, other: ActorRef<never>): void => {
  if (ties === undefined) return
  const identity = tied(ties, other)
  ties.get(identity)?.cut()
  ties.delete(identity)
}

/** Under what a tie to an actor is found, whichever reference to it that was tied by. */
const tied = (ties: Map<unknown, Tie>, other: ActorRef<never>): unknown => {
  const identity = identityOf(other, subjectOf(other))
  if (ties.has(identity)) return identity
  // It may have ended since, or have been on its way to its thread: then it was known as something else.
  for (const [known, tie] of ties) {
    if (Equal.equals(tie.other, other) || identityOf(tie.other, subjectOf(tie.other)) === identity) {
      return known
    }
  }
  return identity
}

/** A key is the same whichever incarnation lives; the references to an actor may be several. */
const identityOf = (ref: ActorRef<never>, subject: Subject | undefined): unknown =>
  ref.key === undefined && subject !== undefined ? subject.who : ref

const watchesOf = (ref: LocalRef): Watches => {
  const life = lifeOf(ref)
  return life.watches ??= new Watches()
}
