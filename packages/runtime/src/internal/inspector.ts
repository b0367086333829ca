/**
 * What one thread knows of its actors where they are inspected: each has a record, which lies in a slot of its own as
 * long as it lives, so that a list is read page by page while actors come and go.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { ActorInfo, Failure as LastFailure, Subject } from "../Inspect.ts"
import { Essential } from "../Message.ts"
import * as Failure from "./failure.ts"
import {
  BUSY,
  ENDING,
  type Handler,
  HELD,
  IDLE,
  type Message,
  READY,
  type Replier,
  RUNNING,
  SIGNALLED,
  STARTING
} from "./hot/cell.ts"
import { NEXT, STASH, Step } from "./hot/step.ts"
import type { Wanted } from "./inspectWire.ts"
import { type EndObserver, type Life, lifeOf, signal, type SystemSignal } from "./life.ts"
import type { LocalHost } from "./localHost.ts"
import type { LocalRef } from "./localRef.ts"
import { type Kept, PostMortem } from "./postMortem.ts"
import type { MessageType } from "./protocol.ts"
import type { System } from "./system.ts"
import { Trails } from "./trails.ts"

/** How a system is inspected; the same on all its threads. */
export interface Inspection {
  /** What goes into post-mortem when an actor fails that nobody oversees. */
  readonly postMortem: "actor" | "system" | undefined
  /** How many messages an actor keeps in post-mortem. */
  readonly keep: number
  /** Whether the whole system is in post-mortem when the thread begins. */
  readonly frozen: boolean
}

/** Slots that one page looks at, however few of them it lists: about a millisecond. */
const SLOTS = 8192

/** What is known of one actor. */
export class Record {
  readonly slot: number
  readonly spawnedAt: number
  handled = 0
  /** In milliseconds; 0 if there was none. */
  lastMessageAt = 0
  failures = 0
  lastFailure: LastFailure | undefined = undefined
  /** The incarnation that is suspended. */
  suspended: Life | undefined = undefined
  /** Only essential messages are handled. */
  postMortem = false
  /** The message in hand is to be kept. */
  keeping = false
  kept: Kept | undefined = undefined

  constructor(slot: number, spawnedAt: number) {
    this.slot = slot
    this.spawnedAt = spawnedAt
  }
}

export class Inspector {
  readonly system: System
  readonly inspection: Inspection
  readonly postMortem: PostMortem
  readonly trails: Trails
  private readonly clock: Clock.Clock
  private readonly slots: Array<LocalRef | undefined> = []
  private readonly free: Array<number> = []

  constructor(system: System, context: Context.Context<never>, inspection: Inspection) {
    this.system = system
    this.inspection = inspection
    this.clock = Context.get(context, Clock.Clock)
    this.postMortem = new PostMortem(this)
    this.trails = new Trails(system.thread)
  }

  get now(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  born(ref: LocalRef): void {
    const slot = this.free.pop() ?? this.slots.length
    this.slots[slot] = ref
    ref.inspected = new Record(slot, this.now)
  }

  died(ref: LocalRef): void {
    const { kept, slot } = ref.inspected!
    this.slots[slot] = undefined
    this.free.push(slot)
    kept?.end()
  }

  /** An actor has failed; true if it is in post-mortem now, and what would come of it does not. */
  failed(ref: LocalRef, cause: Cause.Cause<unknown>, tag: string): boolean {
    const record = ref.inspected!
    record.failures++
    record.lastFailure = { at: this.now, tag, problem: Failure.ofCause(cause) }
    return this.postMortem.catches(ref, cause, tag)
  }

  /** Handlers in the order of the protocol, of which is known when they are called. */
  handlers(host: LocalHost, handlers: ReadonlyArray<Handler>): ReadonlyArray<Handler> {
    return handlers.map((handler, index) => this.inspected(host.protocol.messages[index]!, handler))
  }

  private inspected(message: MessageType, handler: Handler): Handler {
    const { clock, postMortem, trails } = this
    const essential = Context.get(message.rpc.annotations, Essential)
    return (state, payload, cell) => {
      const record = (cell as LocalRef).inspected
      if (record === undefined) return handler(state, payload, cell)
      if ((record.postMortem || postMortem.frozen) && !essential) {
        record.keeping = true
        return new Step(STASH, state, undefined)
      }
      record.handled++
      record.lastMessageAt = clock.currentTimeMillisUnsafe()
      if (trails.none) return handler(state, payload, cell)
      return trails.follow(
        record.lastMessageAt,
        cell as LocalRef,
        message,
        payload,
        () => handler(state, payload, cell)
      )
    }
  }

  /** The handlers of signals: in post-mortem they wait. */
  signals(handlers: Readonly<{ [tag: string]: Handler | undefined }>): typeof handlers {
    const entries = Object.entries(handlers).map(([tag, handler]) => [
      tag,
      handler && this.postMortem.signal(tag, handler)
    ])
    return Object.fromEntries(entries)
  }

  /** Keeps the message in hand for after the post-mortem; false if its handler stashes it. */
  keeps(ref: LocalRef, message: Message, payload: unknown, replier: Replier | undefined): boolean {
    const record = ref.inspected!
    if (!record.keeping) return false
    record.keeping = false
    this.postMortem.keep(ref, message, payload, replier)
    return true
  }

  /** Whether an actor without anything in hand is to stay all the same. */
  holds(ref: LocalRef): boolean {
    return ref.inspected!.postMortem || this.postMortem.frozen
  }

  // What is asked of it.

  /** Actors from a slot on, and the slot after them; undefined for the end. */
  page(
    from: number,
    limit: number,
    wanted: Wanted
  ): { readonly actors: ReadonlyArray<ActorInfo>; readonly next: number | undefined } {
    const { slots } = this
    const actors: Array<ActorInfo> = []
    const parent = wanted.parent === undefined ? undefined : this.system.lookup(wanted.parent)
    // Who has ended has no children.
    if (wanted.parent !== undefined && parent === undefined) return { actors, next: undefined }
    const end = Math.min(slots.length, from + SLOTS)
    let slot = from
    for (; slot < end && actors.length < limit; slot++) {
      const ref = slots[slot]
      if (ref === undefined || ref.status >= ENDING) continue
      if (parent !== undefined && ref.owner?.actor !== parent) continue
      if (wanted.actor !== undefined && ref.name !== wanted.actor) continue
      if (wanted.failed !== undefined && ref.inspected!.failures > 0 !== wanted.failed) continue
      actors.push(this.describe(ref))
    }
    return { actors, next: slot >= slots.length ? undefined : slot }
  }

  describe(ref: LocalRef): ActorInfo {
    const record = ref.inspected!
    const { now, high } = ref.depth
    const { life, mailbox, owner } = ref
    const parent = owner?.actor
    return {
      ...subjectOf(ref),
      actor: ref.name,
      key: ref.key,
      parent: parent && subjectOf(parent),
      status: this.suspends(ref) ? "suspended" : statuses[ref.status]!,
      postMortem: record.postMortem || this.postMortem.frozen,
      waiting: now,
      high,
      capacity: mailbox?.bounds.capacity,
      stashed: life?.handling?.size ?? 0,
      kept: record.kept?.size ?? 0,
      handled: record.handled,
      failures: record.failures,
      restarts: life?.oversight === undefined ? 0 : Effect.runSync(life.oversight.generation),
      spawnedAt: record.spawnedAt,
      lastMessageAt: record.lastMessageAt === 0 ? undefined : record.lastMessageAt,
      lastFailure: record.lastFailure
    }
  }

  /** Has an actor take no messages after the one in hand; false if it ends before. */
  suspend(ref: LocalRef): Effect.Effect<boolean> {
    return Effect.callback((resume) => {
      if (this.suspends(ref)) return resume(Effect.succeed(true))
      let life: Life | undefined
      const observer: EndObserver = { ended: () => resume(Effect.succeed(false)) }
      const suspension = new Suspension(this, () => {
        life?.unobserve(observer)
        resume(Effect.succeed(true))
      })
      if (!signal(ref, suspension)) return resume(Effect.succeed(false))
      life = lifeOf(ref)
      life.observe(observer)
      return Effect.sync(() => {
        suspension.cancelled = true
        life.unobserve(observer)
      })
    })
  }

  suspended(ref: LocalRef): void {
    ref.inspected!.suspended = lifeOf(ref)
    ref.status = HELD
  }

  /** Whether an actor is suspended, and nobody else has it in hand. */
  suspends(ref: LocalRef): boolean {
    const { inspected, life, status } = ref
    return status === HELD && life !== undefined && inspected!.suspended === life
  }

  /** An actor is suspended no more; whether it was. */
  release(ref: LocalRef): boolean {
    const was = this.suspends(ref)
    ref.inspected!.suspended = undefined
    return was
  }

  resume(ref: LocalRef): void {
    if (this.release(ref)) this.system.dispatcher.rest(ref)
  }
}

/** Takes an actor out of its turn. */
class Suspension implements SystemSignal {
  readonly index = -1
  readonly tag = "suspend"
  /** Whoever wanted it does not wait for it any more. */
  cancelled = false
  private readonly inspector: Inspector
  private readonly done: () => void

  constructor(inspector: Inspector, done: () => void) {
    this.inspector = inspector
    this.done = done
  }

  handle(state: unknown, cell: unknown): unknown {
    if (!this.cancelled) {
      this.inspector.suspended(cell as LocalRef)
      this.done()
    }
    // That it takes no step of an actor that is held, the dispatcher knows.
    return new Step(NEXT, state, undefined)
  }
}

export const subjectOf = (ref: LocalRef): Subject => ({
  thread: ref.system.thread,
  address: ref.toJSON()
})

const statuses: { readonly [status: number]: ActorInfo["status"] } = {
  [IDLE]: "idle",
  [READY]: "ready",
  [RUNNING]: "running",
  [BUSY]: "busy",
  [STARTING]: "starting",
  [SIGNALLED]: "ready",
  [HELD]: "held",
  [ENDING]: "ending"
}
