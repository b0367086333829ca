/** The bounded mailboxes that the threads of a mesh share: where their slots are, and who waits for room in them. */
import { giveBack, settle, SharedGauge, takeWaiting } from "./hot/gauge.ts"
import { Reservations, reservationsBytes } from "./hot/reservations.ts"
import { Slots, slotsBytes } from "./hot/slots.ts"
import type { Mailbox, Rooms, Shared } from "./mailbox.ts"

/** The shared memory of the bounded mailboxes: what every thread is given. */
export interface MailboxFabric {
  readonly memory: SharedArrayBuffer
  /** Slots for keys, and as many for each thread's spawned actors: a power of two. */
  readonly count: number
  readonly seed: number
}

/** Allocates the memory of the bounded mailboxes of `threads` threads. */
export const fabric = (count: number, threads: number): MailboxFabric => ({
  memory: new SharedArrayBuffer(
    slotsBytes(count, threads) + reservationsBytes(count * (threads + 1), threads)
  ),
  count,
  seed: crypto.getRandomValues(new Int32Array(1))[0]!
})

/** An actor that this thread has spawned for another one. */
export interface Place {
  readonly place: number
  /** Gives it to a generation. */
  assign(mailbox: Mailbox, version: number): void
  /** Gives it back, and tells those who wait that there is nobody any more. */
  close(): void
}

export class SharedMailboxes implements Rooms {
  private readonly slots: Slots
  private readonly reservations: Reservations
  private readonly thread: number
  private readonly threads: number
  /** Tells another thread that there is room in a slot. */
  private readonly tell: (thread: number, slot: number) => void
  /** The mailboxes for which somebody waits on this thread, by their slots. */
  private readonly waiting = new Map<number, Mailbox>()

  constructor(
    fabric: MailboxFabric,
    thread: number,
    threads: number,
    tell: (thread: number, slot: number) => void
  ) {
    this.slots = new Slots(fabric.memory, fabric.count, fabric.seed, thread)
    this.reservations = new Reservations(
      fabric.memory,
      slotsBytes(fabric.count, threads),
      fabric.count * (threads + 1),
      threads
    )
    this.thread = thread
    this.threads = threads
    this.tell = tell
  }

  /** The slot of a key: the same on every thread. "none" if there is none left. */
  keyed(actor: string, key: string, home: number): Shared | "none" {
    const slot = this.slots.claim(actor, key)
    if (slot < 0) return "none"
    settle(this.slots.words, slot, home)
    return this.shared(slot, 0)
  }

  /** A slot's actor lives on this thread. */
  settle(slot: number): void {
    settle(this.slots.words, slot, this.thread)
  }

  /** The slot of an actor that another thread has spawned for this one. */
  spawned(thread: number, place: number, version: number): Shared {
    return this.shared(this.slots.spawned(thread, place), version)
  }

  /** A place for an actor that this thread spawns for another one; undefined if there is none. */
  open(): Place | undefined {
    const { slots } = this
    const place = slots.open()
    if (place < 0) return undefined
    const slot = slots.spawned(this.thread, place)
    return {
      place,
      assign: (mailbox, version) => {
        slots.assign(place, version)
        mailbox.share(this.shared(slot, version))
      },
      close: () => this.close(place)
    }
  }

  /** Gives a place back, and tells those who wait that there is nobody any more. */
  close(place: number): void {
    this.slots.close(place)
    this.wake(this.slots.spawned(this.thread, place))
  }

  /** Where it is counted what came from other threads. */
  get ledger(): Int32Array {
    return this.reservations.words
  }

  /** The word of the ledger for messages from another thread to a slot. */
  came(from: number, slot: number): number {
    return this.reservations.came(from, slot)
  }

  /** The same for an actor that this thread has spawned for another one, whether it lives or not. */
  cameToSpawned(from: number, place: number): number {
    return this.came(from, this.slots.spawned(this.thread, place))
  }

  /**
   * This thread goes on where another one ended, which had spawned actors that have ended with it, but for those at the
   * places that are kept.
   */
  inherit(kept: ReadonlyArray<number>): void {
    this.reservations.mark(this.thread)
    // What it told itself has died with it.
    this.ended(this.thread)
    this.slots.keep(kept)
    const slots = new Set(kept.map((place) => this.slots.spawned(this.thread, place)))
    for (const slot of this.slots.taken()) {
      if (slots.has(slot)) continue
      this.slots.vacate(slot)
      this.wake(slot)
    }
  }

  /** All that a thread had sent here before it ended has come: what else it took is given back. */
  ended(thread: number): void {
    this.reservations.settle(thread, (slot) => this.slots.home(slot) === this.thread, (slot, places) => {
      giveBack(this.slots.words, slot, places)
      this.wake(slot)
    })
  }

  /** Gives back what a message took that came too late for the actor at this place of this thread. */
  releaseSpawned(place: number): void {
    const slot = this.slots.spawned(this.thread, place)
    this.gauge(slot, 0).release()
    this.wake(slot)
  }

  wait(slot: number, mailbox: Mailbox): void {
    this.waiting.set(slot, mailbox)
  }

  leave(slot: number, mailbox: Mailbox): void {
    if (this.waiting.get(slot) === mailbox) this.waiting.delete(slot)
  }

  wake(slot: number): void {
    const bits = takeWaiting(this.slots.words, slot)
    if (bits === 0) return
    for (let thread = 0; thread < this.threads; thread++) {
      if ((bits & (1 << (thread & 31))) === 0) continue
      if (thread === this.thread) this.room(slot)
      else this.tell(thread, slot)
    }
  }

  /** There is room in a slot, or was a moment ago. */
  room(slot: number): void {
    this.waiting.get(slot)?.drain()
  }

  /** A thread has ended: what waits for its actors waits no longer. */
  retry(): void {
    for (const mailbox of Array.from(this.waiting.values())) mailbox.drain()
  }

  private shared(slot: number, version: number): Shared {
    return {
      slot,
      gauge: this.gauge(slot, version),
      rooms: this
    }
  }

  private gauge(slot: number, version: number): SharedGauge {
    return new SharedGauge(this.slots.words, this.reservations, slot, version, this.thread)
  }
}
