/**
 * The keyed actors of one kind that are in memory, where that is bounded: in the order of their last messages. Those
 * that had none for long enough leave, and the first in that order when there are too many.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Passivation } from "../Actor.ts"
import type { Binding } from "./bindings.ts"
import { IDLE, type Replier } from "./hot/cell.ts"
import type { Arrival } from "./hot/dispatcher.ts"
import { KeyedRef } from "./keyedRef.ts"
import type { LocalHost } from "./localHost.ts"
import { end } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import type { Mailbox } from "./mailbox.ts"
import type { MessageType } from "./protocol.ts"
import type { Refusal } from "./refusal.ts"
import { WeakCache } from "./weakCache.ts"

/** Residents that are looked at for one to leave, when there are too many: the others have something in hand. */
const PROBES = 8
/** How soon that is tried again, in milliseconds. */
const AGAIN_MILLIS = 10

const none: ReadonlyArray<Binding> = []

/** A reference to a key whose incarnations leave when nobody needs them. */
export class ResidentRef extends KeyedRef {
  private readonly residents: Residents
  /** Its neighbours, while an incarnation is resident. */
  before: ResidentRef | undefined = undefined
  after: ResidentRef | undefined = undefined
  resident = false
  /** When its last message came. */
  used = 0
  /** The handles that other threads have for it. */
  bindings: ReadonlyArray<Binding> = none

  constructor(host: LocalHost, key: string, mailbox: Mailbox | undefined, residents: Residents) {
    super(host, key, mailbox)
    this.residents = residents
  }

  /** No incarnation is in memory any more. */
  left(): void {
    if (this.bindings.length > 0) this.bindings = this.bindings.filter((binding) => !binding.left(this))
  }

  override deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    this.residents.touch(this)
    return super.deliver(tag, payload, replier)
  }

  override receive(
    message: MessageType,
    payload: unknown,
    replier: Replier | undefined,
    arrival: Arrival
  ): boolean {
    this.residents.touch(this)
    return super.receive(message, payload, replier, arrival)
  }
}

export class Residents {
  private readonly host: LocalHost
  private readonly clock: Clock.Clock
  private readonly idleMillis: number
  private readonly capacity: number
  /** The references to those that are resident, and to others that somebody holds. */
  private readonly here = new Map<string, ResidentRef>()
  private readonly held = new WeakCache<string, ResidentRef>()
  private first: ResidentRef | undefined = undefined
  private last: ResidentRef | undefined = undefined
  /** Waits for the time when the next one leaves. */
  private sweeper: Fiber.Fiber<void> | undefined = undefined
  private closed = false

  constructor(host: LocalHost, { capacity, idleTimeToLive }: Passivation) {
    this.host = host
    this.clock = Context.get(host.context, Clock.Clock)
    this.idleMillis = idleTimeToLive === undefined ? Infinity : Duration.toMillis(idleTimeToLive)
    this.capacity = capacity ?? Infinity
    if (!(this.idleMillis > 0)) throw new TypeError(`${host.name}: an actor is idle for longer than no time`)
    if (!(this.capacity >= 1)) throw new TypeError(`${host.name}: at least one key is resident`)
  }

  /** The reference to a key, if there is one. */
  get(key: string): ResidentRef | undefined {
    // To ask a weak reference costs more than a message.
    return this.here.get(key) ?? this.held.get(key)
  }

  set(key: string, ref: ResidentRef): void {
    this.held.set(key, ref)
  }

  private get count(): number {
    return this.here.size
  }

  /** A message for a key comes. */
  touch(ref: ResidentRef): void {
    if (this.closed) return
    if (this.idleMillis < Infinity) ref.used = this.clock.currentTimeMillisUnsafe()
    if (ref.resident) {
      if (ref !== this.last) {
        this.unlink(ref)
        this.link(ref)
      }
    } else this.enter(ref)
    if (this.count > this.capacity) this.shrink(ref)
    if (this.sweeper === undefined && (this.idleMillis < Infinity || this.count > this.capacity)) this.sweep()
  }

  /** A key's incarnation has ended, and no other one is there. */
  left(ref: ResidentRef): void {
    if (!ref.resident) return
    this.unlink(ref)
    ref.resident = false
    this.here.delete(ref.key)
  }

  close(): void {
    this.closed = true
    this.sweeper?.interruptUnsafe()
  }

  /** Has the ones leave whose messages are the oldest, unless they have something in hand. */
  private shrink(except: ResidentRef | undefined): void {
    for (let i = 0; i < PROBES && this.count > this.capacity; i++) {
      const ref = this.first!
      if (ref === except) return
      this.leave(ref)
    }
  }

  /** The first one leaves, or goes to the end: what has something in hand is in use now. */
  private leave(ref: ResidentRef): void {
    this.left(ref)
    const living = ref.subject
    if (living === undefined) return
    if (isIdle(living)) return end(living, Exit.void)
    ref.used = this.clock.currentTimeMillisUnsafe()
    this.enter(ref)
  }

  private sweep(): void {
    this.sweeper = Effect.runForkWith(this.host.context)(this.sweeping)
    this.sweeper.addObserver(() => {
      this.sweeper = undefined
      // One may have come since the last look.
      if (!this.closed && this.wait < Infinity) this.sweep()
    })
  }

  /** How long until somebody may have to leave. */
  private get wait(): number {
    const { clock, first } = this
    if (first === undefined) return Infinity
    const idle = first.used + this.idleMillis - clock.currentTimeMillisUnsafe()
    return this.count > this.capacity ? Math.min(idle, AGAIN_MILLIS) : idle
  }

  private readonly sweeping: Effect.Effect<void> = Effect.suspend(() => {
    const { wait } = this
    if (wait === Infinity) return Effect.void
    return Effect.andThen(
      Effect.sleep(Math.max(1, wait)),
      Effect.suspend(() => {
        const now = this.clock.currentTimeMillisUnsafe()
        for (let left = this.count; left > 0 && this.first !== undefined; left--) {
          if (this.first.used + this.idleMillis > now) break
          this.leave(this.first)
        }
        this.shrink(undefined)
        return this.sweeping
      })
    )
  })

  private enter(ref: ResidentRef): void {
    this.link(ref)
    ref.resident = true
    this.here.set(ref.key, ref)
  }

  private link(ref: ResidentRef): void {
    ref.before = this.last
    if (this.last === undefined) this.first = ref
    else this.last.after = ref
    this.last = ref
  }

  private unlink(ref: ResidentRef): void {
    if (ref.before === undefined) this.first = ref.after
    else ref.before.after = ref.after
    if (ref.after === undefined) this.last = ref.before
    else ref.after.before = ref.before
    ref.before = undefined
    ref.after = undefined
  }
}

/** Nothing waits for it, it has nothing in hand, owes no answer, and has nobody who would end with it. */
const isIdle = (ref: LocalRef): boolean =>
  ref.status === IDLE && ref.size === 0 && (ref.life === undefined || !ref.life.occupied) &&
  ref.system.observer?.inspector?.holds(ref) !== true
