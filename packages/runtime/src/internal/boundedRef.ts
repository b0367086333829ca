/** An actor on this thread whose mailbox is bounded. */
import * as Exit from "effect/Exit"
import type { BufferPool, Message, Replier } from "./hot/cell.ts"
import type { Arrival } from "./hot/dispatcher.ts"
import { Parcel } from "./hot/parking.ts"
import type { LocalHost } from "./localHost.ts"
import { LocalRef } from "./localRef.ts"
import type { Mailbox } from "./mailbox.ts"
import type { MessageType } from "./protocol.ts"
import type { Depth } from "../Mailbox.ts"
import { ENDING } from "./hot/cell.ts"
import { leave } from "./life.ts"
import { ended, type Refusal } from "./refusal.ts"

export class BoundedRef extends LocalRef {
  private readonly bounded: Mailbox

  constructor(host: LocalHost, key: string | undefined, status: number, mailbox: Mailbox) {
    super(host, key, status)
    this.bounded = mailbox
  }

  override get mailbox(): Mailbox {
    return this.bounded
  }

  override get depth(): Depth {
    return this.bounded.depth
  }

  override admit(message: MessageType, value: unknown, replier: Replier | undefined): Refusal | undefined {
    if (this.status >= ENDING) return ended
    const refusal = this.bounded.reserve()
    if (refusal === undefined) {
      this.makeRoom()
      if (!this.system.dispatcher.send(this, message, value, replier)) {
        this.bounded.cancel()
        return ended
      }
    }
    return refusal
  }

  /** Takes a message from another thread, which took a place for it. */
  override receive(
    message: MessageType,
    payload: unknown,
    replier: Replier | undefined,
    arrival: Arrival
  ): boolean {
    if (this.gone()) return false
    this.makeRoom()
    // What was the oldest may have been its end.
    if (this.gone()) return false
    const parked = arrival.park(replier)
    this.bounded.keepsPlace(parked)
    this.system.dispatcher.enqueue(this, message, payload, parked)
    return true
  }

  private gone(): boolean {
    if (this.status < ENDING) return false
    this.bounded.release()
    return true
  }

  protected override last(): void {
    this.bounded.force()
    super.last()
  }

  /** What goes back to the mailbox takes its place again, even where there is none left. */
  override putFirst(
    message: Message,
    payload: unknown,
    replier: Replier | undefined,
    pool: BufferPool
  ): void {
    this.bounded.force()
    super.putFirst(message, payload, replier, pool)
  }

  override drop(): void {
    const { asker } = this
    super.drop()
    // What came from another thread has given its place back, or does when it is taken.
    if (!(asker instanceof Parcel)) this.bounded.returned()
    // Where it ends, what waits in it comes before who waits for it.
    if (this.status < ENDING) this.bounded.wake()
  }

  /** Where the oldest is dropped: until the rest fits, together with one more and with what is on its way. */
  private makeRoom(): void {
    if (this.bounded.bounds.overflow !== "dropOldest") return
    while (this.size > 0 && this.bounded.overfull) {
      this.chooseOldest()
      const { asker, message, payload } = this
      // Before it is dropped: who waits for its place is let in then.
      const replier = asker instanceof Parcel ? asker.open() : asker
      this.drop()
      // What was to stop it when the rest is handled: there is no rest any more.
      if (message === this.host.pill) return leave(this, Exit.void)
      this.system.deadLetter("MailboxFull", this, (message as MessageType).tag, payload)
      replier?.abandon(this.bounded.askReason)
    }
  }
}
