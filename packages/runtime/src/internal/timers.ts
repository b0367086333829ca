/** An actor's timers, by their keys. */
import * as Duration from "effect/Duration"
import type { Bell } from "./alarm.ts"
import { signal } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import { type Incarnation, OwnMessage } from "./ownMessage.ts"
import type { MessageType } from "./protocol.ts"

/** The shortest interval, in milliseconds: an actor that tells itself something all the time needs no timer. */
const SHORTEST = 1

class Timer extends OwnMessage implements Bell {
  private readonly timers: Timers
  readonly key: unknown
  /** In milliseconds; 0 for one that runs off once. */
  private readonly interval: number
  due: number
  place = -1
  serial = 0
  /** Cancelled, replaced, or done. */
  dead = false
  /** It has run off, and is not handled yet. */
  private told = false

  constructor(
    timers: Timers,
    incarnation: Incarnation,
    key: unknown,
    due: number,
    interval: number,
    message: MessageType,
    payload: unknown
  ) {
    super(incarnation, message, payload)
    this.timers = timers
    this.key = key
    this.due = due
    this.interval = interval
  }

  ring(now: number): void {
    this.timers.rung(this)
    if (this.interval === 0) return
    // At a fixed rate; what was missed is left out.
    this.due += this.interval * (1 + Math.floor((now - this.due) / this.interval))
    this.timers.again(this)
  }

  /** Whether the actor has to be told of it: not if it is about to hear of it anyway. */
  tell(): boolean {
    const first = !this.told
    this.told = true
    return first
  }

  protected take(): boolean {
    this.told = false
    if (this.dead) return false
    if (this.interval === 0) this.timers.done(this)
    return true
  }
}

export class Timers {
  private readonly ref: LocalRef
  private readonly incarnation: Incarnation
  private readonly byKey = new Map<unknown, Timer>()

  constructor(ref: LocalRef, incarnation: Incarnation) {
    this.ref = ref
    this.incarnation = incarnation
  }

  startOnce(key: unknown, delay: Duration.Input, tag: string, payload?: unknown): void {
    this.start(key, Duration.toMillis(delay), 0, tag, payload)
  }

  startEvery(key: unknown, interval: Duration.Input, tag: string, payload?: unknown): void {
    const millis = Math.max(SHORTEST, Duration.toMillis(interval))
    this.start(key, millis, millis, tag, payload)
  }

  cancel(key: unknown): boolean {
    const timer = this.byKey.get(key)
    if (timer === undefined) return false
    this.done(timer)
    this.ref.system.alarm.remove(timer)
    return true
  }

  cancelAll(): void {
    for (const key of Array.from(this.byKey.keys())) this.cancel(key)
  }

  isActive(key: unknown): boolean {
    return this.byKey.has(key)
  }

  // What its timers call.

  rung(timer: Timer): void {
    if (timer.tell()) signal(this.ref, timer)
  }

  again(timer: Timer): void {
    this.ref.system.alarm.add(timer)
  }

  done(timer: Timer): void {
    timer.dead = true
    this.byKey.delete(timer.key)
  }

  private start(key: unknown, delay: number, interval: number, tag: string, payload: unknown): void {
    const { incarnation, ref } = this
    this.cancel(key)
    const made = incarnation.over ? undefined : ref.make(tag, payload)
    if (made === undefined) return
    const { alarm } = ref.system
    const timer = new Timer(this, incarnation, key, alarm.now + delay, interval, made.message, made.payload)
    this.byKey.set(key, timer)
    alarm.add(timer)
  }
}
