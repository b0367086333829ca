/**
 * An actor on this thread. One object is its cell, its reference and its handlers' context: a tell follows no
 * pointer, and an idle actor is nothing else.
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ActorId } from "../ActorId.ts"
import type { ActorRef } from "../ActorRef.ts"
import type { Depth } from "../Mailbox.ts"
import type { Address } from "./address.ts"
import { Cell, ENDED, ENDING, HELD, IDLE, type Message, type Replier } from "./hot/cell.ts"
import { REFUSED } from "./hot/counts.ts"
import type { Arrival } from "./hot/dispatcher.ts"
import { handlingOf, pipeToSelf } from "./handling.ts"
import type { Spawner } from "./host.ts"
import type { Record } from "./inspector.ts"
import type { KeyedRef } from "./keyedRef.ts"
import {
  awaitEnd,
  end,
  type EndObserver,
  exitOf,
  leave,
  type Life,
  lifeOf,
  signal,
  stopNext
} from "./life.ts"
import type { LocalHost } from "./localHost.ts"
import type { Mailbox } from "./mailbox.ts"
import type { Owned, Owner } from "./owner.ts"
import type { MessageType, Protocol } from "./protocol.ts"
import { type Stop, type Subject, type Target, withRef } from "./ref.ts"
import { ended, invalid, type Refusal, unknown } from "./refusal.ts"
import type { System } from "./system.ts"
import type { Timers } from "./timers.ts"
import * as Watch from "./watch.ts"

class Local extends Cell implements Target {
  /** What is known of it, where actors are inspected; others do not have the field. */
  declare inspected?: Record
  readonly host: LocalHost
  readonly key: string | undefined
  /** Fiber, scope and what is owed; made when the first of them is needed. */
  life: Life | undefined = undefined
  owner: Owner | undefined = undefined
  /** The neighbours among what `owner` owns, in the order of their starts. */
  previous: Owned | undefined = undefined
  next: Owned | undefined = undefined

  constructor(host: LocalHost, key: string | undefined, status: number) {
    super(status)
    this.host = host
    this.key = key
  }

  get name(): string {
    return this.host.name
  }

  get system(): System {
    return this.host.system
  }

  get subject(): Subject {
    return this as unknown as LocalRef
  }

  /** Its bounds; undefined for an actor without. */
  get mailbox(): Mailbox | undefined {
    return undefined
  }

  get depth(): Depth {
    return { now: this.size, high: this.high }
  }

  get protocol(): Protocol {
    return this.host.protocol
  }

  get token(): string {
    return this.system.token
  }

  get over(): boolean {
    return this.status === ENDED
  }

  get id(): ActorId | undefined {
    return this.key === undefined ? this.system.directory.id(this) : undefined
  }

  get known(): ActorId | undefined {
    return this.system.directory.known(this)
  }

  get address(): Address {
    const { host, mailbox, system } = this
    if (this.key !== undefined) return host.addressOf(this.key)
    const id = system.directory.id(this)
    if (mailbox === undefined && host.everywhere) return { _tag: "Spawned", id }
    const place = mailbox && system.mesh?.share(this as unknown as LocalRef)
    const { name } = host
    return place === undefined
      ? { _tag: "Other", id, name }
      : { _tag: "Other", id, name, mailbox: { ...place, ...mailbox!.bounds } }
  }

  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined {
    const host = this.host
    const message = host.protocol.get(tag)
    if (message === undefined) return unknown(host.name, tag)
    let value = payload
    if (message.construct !== undefined) {
      try {
        value = message.construct(payload)
      } catch (issue) {
        return invalid(issue)
      }
    }
    return this.admit(message, value, replier)
  }

  /** Takes a message that fits. */
  admit(message: MessageType, value: unknown, replier: Replier | undefined): Refusal | undefined {
    return this.system.dispatcher.send(this, message, value, replier) ? undefined : ended
  }

  /** Takes a message from another thread; false when the actor has ended. */
  receive(message: MessageType, payload: unknown, replier: Replier | undefined, arrival: Arrival): boolean {
    return this.system.dispatcher.receive(this as unknown as LocalRef, message, payload, replier, arrival)
  }
}

export class LocalRef extends withRef(Local) implements Subject, Owned {
  observe(observer: EndObserver): void {
    if (this.status === ENDED) observer.ended(exitOf(this))
    else lifeOf(this).observe(observer)
  }

  unobserve(observer: EndObserver): void {
    this.life?.unobserve(observer)
  }

  terminate(how: Stop, done?: () => void): void {
    // Its overseer has it in hand already: nothing is running that could be stopped.
    const suspended = this.system.observer?.inspector?.suspends(this) === true
    if (this.status === HELD && how !== "queued" && !suspended) return done?.()
    if (done !== undefined) {
      const observer: EndObserver = {
        ended: done,
        held: () => {
          this.unobserve(observer)
          done()
        }
      }
      this.observe(observer)
    }
    if (this.status >= ENDING) return
    if (how === "next" && !suspended) signal(this, stopNext)
    else if (how !== "queued") leave(this, how === "kill" ? Exit.interrupt() : Exit.void)
    // Nothing waits, and nothing is begun: there need be no start for it to stop.
    else if (this.status === IDLE && this.handlers === undefined) leave(this, Exit.void)
    else this.last()
  }

  finish(): Effect.Effect<unknown> | undefined {
    end(this, Exit.void)
    return this.status === ENDED ? undefined : awaitEnd(this)
  }

  /** Puts what stops the actor behind what is queued. */
  /** Takes the next message out to send it on: its place in a bounded mailbox goes along. */
  withdraw(): void {
    Cell.prototype.drop.call(this)
  }

  /** Puts a message before all that wait which has come with its place. */
  restore(message: Message, payload: unknown, replier: Replier | undefined): void {
    Cell.prototype.putFirst.call(this, message, payload, replier, this.system.dispatcher.pool)
  }

  protected last(): void {
    this.system.dispatcher.enqueue(this, this.host.pill, undefined, undefined)
  }

  get who(): this {
    return this
  }

  fasten(to: LocalRef): void {
    Watch.fasten(this, to as unknown as ActorRef<never>)
  }

  unfasten(from: LocalRef): void {
    Watch.unfasten(this, from as unknown as ActorRef<never>)
  }

  // The context of its handlers.

  get self(): LocalRef | KeyedRef {
    return this.key === undefined ? this : this.host.local(this.key)
  }

  /** The actor in whose scope it was spawned, wherever that is. */
  get parent(): ActorRef<never> | undefined {
    return (this.owner?.actor?.self ?? this.system.parents.get(this)) as ActorRef<never> | undefined
  }

  /** The actors that were spawned in its scope, in the order of their starts. */
  get children(): ReadonlyArray<ActorRef<never>> {
    const owner = this.life && this.system.owners.get(this.life)
    return owner === undefined ? [] : owner.all.map(({ ref }) => ref)
  }

  get ref(): ActorRef<never> {
    return this as unknown as ActorRef<never>
  }

  spawn({ host, overseer }: Spawner, args?: unknown): ActorRef<never> {
    return host.spawnUnder(this, args, overseer)
  }

  stop(ref: ActorRef<never>, options?: { readonly now?: boolean | undefined }): void {
    ;(ref as unknown as Target).subject?.terminate(options?.now === true ? "next" : "queued")
  }

  watch(ref: ActorRef<never>): void {
    Watch.watch(this, ref)
  }

  unwatch(ref: ActorRef<never>): void {
    Watch.unwatch(this, ref)
  }

  link(ref: ActorRef<never>): void {
    Watch.link(this, ref)
  }

  unlink(ref: ActorRef<never>): void {
    Watch.unlink(this, ref)
  }

  send(ref: LocalRef, tag: string, payload?: unknown): boolean {
    return ref.tellUnsafe(tag, payload)
  }

  pipeToSelf(
    effect: Effect.Effect<unknown, unknown>,
    onExit: (exit: Exit.Exit<unknown, unknown>) => readonly [tag: string, payload?: unknown]
  ): void {
    pipeToSelf(this, effect, onExit)
  }

  /** The next message that is read and dropped is the one that is given up for a newer one. */
  chooseOldest(): void {}

  /** Handles what does not wait for the effect in flight. */
  aside(): void {}

  /** An effect is in flight. */
  busy(): void {}

  get timers(): Timers {
    return handlingOf(this).timers
  }

  get stashed(): number {
    return this.life?.handling?.size ?? 0
  }

  unstashAll(): void {
    this.life?.handling?.unstash()
  }

  /** Makes a message of the actor to itself; undefined when it does not fit: then it is a dead letter. */
  make(
    tag: string,
    payload: unknown
  ): { readonly message: MessageType; readonly payload: unknown } | undefined {
    const message = this.host.protocol.get(tag)
    if (message === undefined) {
      this.system.deadLetter("UnknownMessage", this, tag, payload, REFUSED)
      return undefined
    }
    try {
      return { message, payload: message.construct === undefined ? payload : message.construct(payload) }
    } catch {
      this.system.deadLetter("InvalidMessage", this, tag, payload, REFUSED)
      return undefined
    }
  }
}
