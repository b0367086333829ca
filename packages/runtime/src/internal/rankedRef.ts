/** An actor on this thread whose contract says of its messages in which order they are handled. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { Aside } from "./aside.ts"
import { BoundedRef } from "./boundedRef.ts"
import { type BufferPool, BUSY, ENDING, HELD, type Message, type Replier } from "./hot/cell.ts"
import { takeAside } from "./handling.ts"
import { HANDLED } from "./hot/counts.ts"
import { type Entry, Lanes } from "./hot/lanes.ts"
import { Parcel } from "./hot/parking.ts"
import { Step } from "./hot/step.ts"
import { Joined } from "./hot/together.ts"
import { crash, type Debt, lifeOf, notAStep, reasonOf } from "./life.ts"
import type { LocalHost } from "./localHost.ts"
import { LocalRef } from "./localRef.ts"
import type { Mailbox } from "./mailbox.ts"
import type { MessageType } from "./protocol.ts"
import type { Refusal } from "./refusal.ts"

/** Messages that are handled beside an effect in flight before others have their turn. */
const ASIDE_MESSAGES = 256

const withRanks = <Base extends new(...args: Array<any>) => LocalRef>(base: Base) => {
  // Its own members are not private: a class that an expression makes must not have such.
  class Ranked extends base {
    /** What waits; undefined while nothing does. */
    waiting: Lanes | undefined = undefined
    /** The message that is read and dropped next, if it is not the first. */
    chosen: Entry | undefined = undefined
    /** Whether it has a turn beside the effect in flight before it. */
    asideSoon = false

    get lanes(): Lanes {
      return this.waiting ??= new Lanes(this.host.protocol.ranks!)
    }

    override admit(
      message: MessageType,
      value: unknown,
      replier: Replier | undefined
    ): Refusal | undefined {
      const { mailbox } = this
      if (
        mailbox === undefined || this.status >= ENDING || this.waiting?.find(message, value) === undefined
      ) {
        return super.admit(message, value, replier)
      }
      // It is given the place of the one that it replaces.
      mailbox.force()
      this.system.dispatcher.send(this, message, value, replier)
      return undefined
    }

    override put(message: Message, payload: unknown, replier: Replier | undefined, _pool: BufferPool): void {
      const { lanes } = this
      if (message === this.host.pill) {
        if (lanes.barred) return this.freed(replier)
        lanes.bar(message, payload, replier)
      } else {
        const type = message as MessageType
        const older = lanes.find(type, payload)
        if (older !== undefined) return this.supersede(older, payload, replier)
        lanes.add(type, payload, replier)
        if (type.interleave) this.busy()
      }
      this.grown()
    }

    override putFirst(
      message: Message,
      payload: unknown,
      replier: Replier | undefined,
      _pool: BufferPool
    ): void {
      const type = message as MessageType
      const newer = this.lanes.find(type, payload)
      if (newer === undefined) {
        this.mailbox?.force()
        this.lanes.addFirst(type, payload, replier)
        if (type.interleave) this.busy()
        return this.grown()
      }
      // What waits has replaced it.
      this.system.counts[HANDLED]!++
      newer.replier = both(replier, newer.replier)
    }

    override get message(): Message {
      return this.current.message
    }

    override get payload(): unknown {
      return this.current.payload
    }

    override get asker(): Replier | undefined {
      return this.current.replier
    }

    get current(): Entry {
      return this.chosen ?? this.lanes.first
    }

    override drop(): void {
      const { current } = this
      this.lanes.remove(current)
      this.chosen = undefined
      this.size--
      this.freed(current.replier)
    }

    override withdraw(): void {
      this.lanes.remove(this.current)
      this.chosen = undefined
      this.size--
    }

    override restore(message: Message, payload: unknown, replier: Replier | undefined): void {
      const type = message as MessageType
      const newer = this.lanes.find(type, payload)
      if (newer !== undefined) {
        // What waits has replaced it.
        this.system.counts[HANDLED]!++
        newer.replier = both(replier instanceof Parcel ? replier.open() : replier, newer.replier)
        return this.freed(replier)
      }
      this.lanes.addFirst(type, payload, replier)
      if (type.interleave) this.busy()
      this.grown()
    }

    override release(_pool: BufferPool): void {
      this.waiting = undefined
    }

    override chooseOldest(): void {
      this.chosen = this.lanes.lowest
    }

    override busy(): void {
      if (
        this.asideSoon || this.status !== BUSY || this.waiting === undefined || this.waiting.interleaved === 0
      ) return
      this.asideSoon = true
      this.system.dispatcher.aside(this)
    }

    override aside(): void {
      this.asideSoon = false
      const { waiting } = this
      if (waiting === undefined) return
      let left = Math.min(waiting.interleaved, ASIDE_MESSAGES)
      while (left-- > 0 && this.status === BUSY && waiting.interleaved > 0) {
        this.chosen = waiting.interleaving
        const { asker, message, payload } = this
        const replier = asker instanceof Parcel ? asker.open() : asker
        this.drop()
        this.handleAside(message as MessageType, payload, replier)
      }
      this.busy()
    }

    handleAside(message: MessageType, payload: unknown, replier: Replier | undefined): void {
      this.system.counts[HANDLED]!++
      if (replier !== undefined) lifeOf(this).owe(replier as Debt)
      let cause: Cause.Cause<unknown>
      try {
        const result = this.handlers![message.index]!(this.state, payload, new Aside(this, replier))
        if (result instanceof Step) {
          // Its handler may have ended the actor.
          if (this.status < HELD) takeAside(this, result, message, payload, replier)
          return
        }
        cause = notAStep(this, message)
      } catch (error) {
        cause = Cause.die(error)
      }
      crash(this, cause, message)
      replier?.abandon(reasonOf(Exit.failCause(cause)))
    }

    /** One more waits. */
    grown(): void {
      const size = ++this.size
      if (size > this.high) this.high = size
    }

    /** A newer message takes the place of an older one, and answers for it. */
    supersede(older: Entry, payload: unknown, replier: Replier | undefined): void {
      const asker = older.replier
      const waits = asker instanceof Parcel ? asker.open() : asker
      older.payload = payload
      older.replier = both(waits, replier)
      this.system.counts[HANDLED]!++
      this.freed(asker)
    }

    /** The place of a message, by what stood for its replier, is free. */
    freed(asker: Replier | undefined): void {
      const { mailbox } = this
      if (mailbox === undefined) return
      // What came from another thread has given its place back, or does when it is taken.
      if (!(asker instanceof Parcel)) mailbox.returned()
      if (this.status < ENDING) mailbox.wake()
    }
  }
  return Ranked
}

/** Who awaits the answer to a message, and to one that it has replaced. */
const both = (older: Replier | undefined, newer: Replier | undefined): Replier | undefined => {
  if (older === undefined) return newer
  if (newer === undefined) return older
  if (!(newer instanceof Parcel)) return new Joined(older, newer)
  // It waits where it survives its thread, with both.
  newer.also((inner) => both(older, inner))
  return newer
}

type Make<Args extends ReadonlyArray<unknown>> = new(
  host: LocalHost,
  key: string | undefined,
  status: number,
  ...args: Args
) => LocalRef

export const RankedRef: Make<[]> = withRanks(LocalRef)

export const RankedBoundedRef: Make<[mailbox: Mailbox]> = withRanks(BoundedRef)
