/**
 * A bounded mailbox as one thread sees it: who takes a place in it, and who waits for one here. The messages
 * themselves are in the actor's cell, or on their way to it. It is also the refusal of what it has no room for.
 */
import { MailboxFull } from "../AskError.ts"
import type { Bounded, Depth } from "../Mailbox.ts"
import type { Replier } from "./hot/cell.ts"
import { REFUSED } from "./hot/counts.ts"
import { type Gauge, PlainGauge, type SharedGauge } from "./hot/gauge.ts"
import { Parcel } from "./hot/parking.ts"
import type { Target } from "./ref.ts"
import { ended, exhausted, type Refusal } from "./refusal.ts"

/** Messages that may be on their way to a mailbox that drops its oldest, beyond its capacity. */
const AHEAD = 1024

/** What a thread does for the mailboxes that it shares with others. */
export interface Rooms {
  /** Somebody on this thread waits for room in this slot. */
  wait(slot: number, mailbox: Mailbox): void
  /** Nobody does any more. */
  leave(slot: number, mailbox: Mailbox): void
  /** There is room in this slot: tells the threads that wait. */
  wake(slot: number): void
}

/** A slot of shared memory that a mailbox has. */
export interface Shared {
  readonly gauge: SharedGauge
  readonly slot: number
  readonly rooms: Rooms
}

export class Mailbox implements Refusal {
  readonly bounds: Bounded
  /** None where the table of shared mailboxes had no slot left: then nothing can be accepted. */
  private gauge: Gauge | undefined
  private shared: Shared | undefined
  private first: Waiter | undefined = undefined
  private last: Waiter | undefined = undefined
  private waiting = 0
  private draining = false

  /** `shared` is a slot, "none" if there was none left, or undefined for a mailbox that only this thread knows. */
  constructor(bounds: Bounded, shared: Shared | "none" | undefined) {
    this.bounds = bounds
    this.gauge = shared === undefined ? new PlainGauge() : shared === "none" ? undefined : shared.gauge
    this.shared = shared === "none" ? undefined : shared
  }

  get mailbox(): this {
    return this
  }

  get reason(): "MailboxFull" {
    return "MailboxFull"
  }

  get askReason(): MailboxFull {
    return new MailboxFull({ capacity: this.bounds.capacity })
  }

  get depth(): Depth {
    const { bounds, gauge } = this
    if (gauge === undefined) return { now: 0, high: 0 }
    // What is on its way beyond the capacity pushes the oldest out when it arrives.
    const most = bounds.overflow === "dropOldest" ? bounds.capacity : Infinity
    return { now: Math.min(gauge.held, most), high: Math.min(gauge.high, most) }
  }

  /** Whether more is held, or on its way, than may stay. */
  get overfull(): boolean {
    return this.gauge!.held > this.bounds.capacity
  }

  /** Takes a place, or says why there is none. */
  reserve(): Refusal | undefined {
    const { gauge } = this
    if (gauge === undefined) return exhausted
    if (gauge.closed) return ended
    // Who waits goes first.
    if (this.first !== undefined && !this.draining) return this
    return gauge.reserve(this.limit) ? undefined : this
  }

  /** Takes a place, though there may be none: for what must get in. */
  force(): void {
    this.gauge?.reserve(Infinity)
  }

  /** Gives back a place that was taken for a message that was not sent. */
  cancel(): void {
    this.gauge!.cancel()
    this.wake()
  }

  /** A message from another thread waits here: it gives its place back when it is taken, whoever takes it. */
  keepsPlace(replier: Replier | undefined): void {
    if (replier instanceof Parcel) replier.place = this.shared?.gauge
  }

  /** A message that waits moves to another thread, with its place; it had come from this thread, or from another. */
  passed(own: boolean): void {
    this.shared?.gauge.passed(own)
  }

  /** The slot, where the mailbox is shared. */
  get slot(): number | undefined {
    return this.shared?.slot
  }

  /** Gives back the place of a message from another thread that nobody will have, and lets in who waits for it. */
  release(): void {
    this.gauge!.release()
    this.wake()
  }

  /** Gives back the place of a message of this thread to itself; whoever calls it calls `wake` afterwards. */
  returned(): void {
    this.gauge!.returned()
  }

  /** Lets in those who wait, on whichever thread. */
  wake(): void {
    const { shared } = this
    if (shared === undefined) {
      if (this.first !== undefined) this.drain()
    } else if (shared.gauge.awaited) {
      shared.rooms.wake(shared.slot)
    }
  }

  /** Other threads can reach the mailbox from now on. */
  share(shared: Shared): void {
    shared.gauge.adopt(this.gauge!)
    this.gauge = shared.gauge
    this.shared = shared
    if (this.first !== undefined) {
      shared.rooms.wait(shared.slot, this)
      this.drain()
    }
  }

  /** Lets a message wait until there is room. */
  wait(waiter: Waiter): void {
    waiter.previous = this.last
    if (this.last === undefined) this.first = waiter
    else this.last.next = waiter
    this.last = waiter
    waiter.waits = true
    if (++this.waiting === 1) this.shared?.rooms.wait(this.shared.slot, this)
    // There may be room by now, and whoever makes some must know from now on that it is waited for.
    this.drain()
  }

  /** Waits no longer; without effect for one that does not wait. */
  leave(waiter: Waiter): void {
    if (!waiter.waits) return
    waiter.waits = false
    if (waiter.previous === undefined) this.first = waiter.next
    else waiter.previous.next = waiter.next
    if (waiter.next === undefined) this.last = waiter.previous
    else waiter.next.previous = waiter.previous
    if (--this.waiting === 0) this.shared?.rooms.leave(this.shared.slot, this)
  }

  /** Keeps a message for a mailbox that drops its oldest, and drops the oldest of what it keeps too many of. */
  keep(waiter: Waiter): void {
    this.wait(waiter)
    if (this.waiting > this.bounds.capacity) {
      const oldest = this.first!
      this.leave(oldest)
      oldest.refused(this)
    }
  }

  /** Lets in who waits, as far as there is room, and tells those who need not wait any longer. */
  drain(): void {
    if (this.draining) return
    this.draining = true
    do {
      while (this.first !== undefined && this.first.attempt()) this.leave(this.first)
    } while (this.first !== undefined && this.room())
    this.draining = false
  }

  private get limit(): number {
    const { capacity, overflow } = this.bounds
    return overflow === "dropOldest" ? capacity + AHEAD : capacity
  }

  /** Says that this thread waits, and looks once more: whoever gives a place back after that sees it. */
  private room(): boolean {
    const { gauge } = this
    gauge!.announce()
    return gauge!.closed || gauge!.held < this.limit
  }
}

/** A message that waits for room, on its sender's side. */
export class Waiter {
  private readonly target: Target
  private readonly tag: string
  private readonly payload: unknown
  private readonly replier: Replier | undefined
  /** Resumes its sender; undefined where nobody waits for more than the answer. */
  private readonly resume: (() => void) | undefined
  previous: Waiter | undefined = undefined
  next: Waiter | undefined = undefined
  waits = false

  constructor(
    target: Target,
    tag: string,
    payload: unknown,
    replier: Replier | undefined,
    resume: (() => void) | undefined
  ) {
    this.target = target
    this.tag = tag
    this.payload = payload
    // Who lets it in has another span.
    this.replier = replier ?? target.system.observer?.told(target, tag)
    this.resume = resume
  }

  /** Sends it, or finds that it cannot be sent; false while there is no room. */
  attempt(): boolean {
    const refusal = this.target.deliver(this.tag, this.payload, this.replier)
    if (refusal?.mailbox !== undefined) return false
    if (refusal !== undefined) this.refused(refusal)
    if (this.resume !== undefined) this.target.system.soon(this.resume)
    return true
  }

  refused(refusal: Refusal): void {
    this.target.system.deadLetter(refusal.reason, this.target, this.tag, this.payload, REFUSED)
    this.replier?.abandon(refusal.askReason)
  }
}

/** What becomes of a message that was refused, where its sender does not wait; true when it is accepted after all. */
export const overflow = (
  target: Target,
  refusal: Refusal,
  tag: string,
  payload: unknown,
  replier: Replier | undefined
): boolean => {
  const { mailbox, reason } = refusal
  if (mailbox?.bounds.overflow === "dropOldest") {
    mailbox.keep(new Waiter(target, tag, payload, replier, undefined))
    return true
  }
  target.system.deadLetter(reason, target, tag, payload, REFUSED)
  return false
}
