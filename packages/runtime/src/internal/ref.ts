/** What every kind of reference shares: `tell`, `offer` and `ask`, made of one synchronous delivery. */
import * as Effect from "effect/Effect"
import { pipeArguments } from "effect/Pipeable"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import { hasProperty } from "effect/Predicate"
import * as ActorId from "../ActorId.ts"
import type * as Stream from "effect/Stream"
import type { AskOptions } from "../ActorRef.ts"
import type { Depth } from "../Mailbox.ts"
import type { Address } from "./address.ts"
import type { Replier } from "./hot/cell.ts"
import { refTypeId as TypeId } from "./keys.ts"
import type { EndObserver } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import { type Mailbox, overflow, Waiter } from "./mailbox.ts"
import type { Protocol } from "./protocol.ts"
import { Question } from "./question.ts"
import type { Refusal } from "./refusal.ts"
import * as Streaming from "./streaming.ts"
import type { System } from "./system.ts"

/** How an actor is told to end: when what is queued is handled, after the message in hand, or within it. */
export type Stop = "queued" | "next" | "kill"

/** The one actor that a reference is about, as far as its life goes. */
export interface Subject {
  /** The same for all references to it. */
  readonly who: unknown
  /** Tells when it has ended; at once, if it has already. */
  observe(observer: EndObserver): void
  unobserve(observer: EndObserver): void
  /** Calls back when it has ended, or its overseer has it in hand. */
  terminate(how: Stop, done?: () => void): void
  /** Has it die with an actor of this thread. */
  fasten(to: LocalRef): void
  unfasten(from: LocalRef): void
}

/** What a kind of reference must know. */
export interface Target {
  /** Whose end is this reference's; undefined where no one actor stands behind it now. */
  readonly subject: Subject | undefined
  readonly name: string
  readonly key: string | undefined
  readonly system: System
  /** The mailbox, if it is bounded. */
  readonly mailbox: Mailbox | undefined
  /** How full the mailbox is, if that is known on this thread. */
  readonly depth: Depth | undefined
  readonly protocol: Protocol
  /** What no other system has than the one that it is of. */
  readonly token: string
  /** Its identity, given now if it has none; undefined for a key. */
  readonly id: ActorId.ActorId | undefined
  /** The same, unless it has none yet. */
  readonly known: ActorId.ActorId | undefined
  /** How other threads reach it. */
  readonly address: Address
  /** Hands a message over; undefined when it was accepted. */
  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined
}

/** A reference of any kind. */
export interface Ref extends Target, Equal.Equal {
  readonly [TypeId]: unknown
  tellUnsafe(tag: string, payload?: unknown): boolean
  forward(tag: string, payload: unknown, replier: Replier | undefined): void
}

/** A reference as one that is asked. */
export interface Asking {
  ask(tag: string, payload: unknown, options: AskOptions | undefined): Effect.Effect<any, any>
}

/** A reference that is no actor of this thread, and passes on what it is sent. */
export interface Forwarder extends Ref {
  readonly host: undefined
  readonly over: boolean
}

/** A reference as text, which outlives the system that it is of. */
export const format = ({ id, key, name, token }: Pick<Target, "id" | "key" | "name" | "token">): string => {
  const kind = encodeURIComponent(name)
  return key === undefined ? `${kind}:${ActorId.format(id!)}:${token}` : `${kind}/${key}`
}

const isRef = (u: unknown): u is Ref => hasProperty(u, TypeId)

/** Whether two references reach the same actor. One that has no identity yet is known to nobody else. */
const same = (one: Target, other: Target): boolean => {
  if (one.name !== other.name || one.key !== other.key || one.token !== other.token) return false
  if (one.key !== undefined) return one.system === other.system
  const { known } = one
  return known !== undefined && Equal.equals(known, other.known)
}

const variance = { _Rpcs: (rpcs: never): never => rpcs }

/** Tells, and waits for room where there is none. */
const tellOrWait = (target: Target, tag: string, payload: unknown): Effect.Effect<void> =>
  Effect.suspend(() => {
    const refusal = target.deliver(tag, payload, undefined)
    if (refusal === undefined) return Effect.void
    const { mailbox } = refusal
    if (mailbox !== undefined) return tellWhenRoom(target, mailbox, tag, payload)
    overflow(target, refusal, tag, payload, undefined)
    return Effect.void
  })

const tellWhenRoom = (target: Target, mailbox: Mailbox, tag: string, payload: unknown): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const waiter = new Waiter(target, tag, payload, undefined, () => resume(Effect.void))
    mailbox.wait(waiter)
    return Effect.sync(() => mailbox.leave(waiter))
  })

/** Adds the face of a reference to a class of targets. */
export const withRef = <Base extends abstract new(...args: Array<any>) => Target>(base: Base) => {
  abstract class Ref extends base {
    get [TypeId]() {
      return variance
    }

    [Equal.symbol](that: unknown): boolean {
      return this === that || (isRef(that) && same(this, that))
    }

    [Hash.symbol](): number {
      return this.key === undefined
        ? Hash.hash(this.id)
        : Hash.combine(Hash.string(this.name), Hash.string(this.key))
    }

    /** Passes a message on that somebody else was sent: whoever awaits the answer awaits it from here. */
    forward(tag: string, payload: unknown, replier: Replier | undefined): void {
      const refusal = this.deliver(tag, payload, replier)
      if (refusal === undefined) return
      if (refusal.mailbox?.bounds.overflow === "suspend") {
        refusal.mailbox.wait(new Waiter(this, tag, payload, replier, undefined))
      } else if (!overflow(this, refusal, tag, payload, replier)) {
        replier?.abandon(refusal.askReason)
      }
    }

    tellUnsafe(tag: string, payload?: unknown): boolean {
      const refusal = this.deliver(tag, payload, undefined)
      return refusal === undefined || overflow(this, refusal, tag, payload, undefined)
    }

    tell(tag: string, payload?: unknown): Effect.Effect<void> {
      // An Effect that may have to wait costs more than one that need not.
      if (this.mailbox?.bounds.overflow === "suspend") return tellOrWait(this, tag, payload)
      return Effect.sync(() => {
        this.tellUnsafe(tag, payload)
      })
    }

    offer(tag: string, payload?: unknown): Effect.Effect<boolean> {
      return Effect.sync(() => {
        const refusal = this.deliver(tag, payload, undefined)
        if (refusal === undefined) return true
        const policy = refusal.mailbox?.bounds.overflow
        return (policy === "dropOldest" || policy === "dropNewest") &&
          overflow(this, refusal, tag, payload, undefined)
      })
    }

    ask(tag: string, payload?: unknown, options?: AskOptions): Effect.Effect<any, any> {
      return new Question(this, tag, payload, options)
    }

    stream(tag: string, payload?: unknown): Stream.Stream<any, any> {
      return Streaming.make(this, tag, payload)
    }

    pipe() {
      return pipeArguments(this, arguments)
    }

    override toString(): string {
      return this.key === undefined ? `ActorRef(${this.name})` : `ActorRef(${this.name}, ${this.key})`
    }

    toJSON(): string {
      return format(this)
    }
  }
  return Ref
}
