/** One stress case of bounded mailboxes: who sends how much to which keys, and the memory for it. */
import { Reservations, reservationsBytes } from "../src/internal/hot/reservations.ts"
import { Slots, slotsBytes } from "../src/internal/hot/slots.ts"
import type { Mutant } from "./gaugeMutants.ts"
import { generator } from "./linkCase.ts"

export interface Case {
  /** Everything random about the case comes from it. */
  readonly seed: number
  readonly senders: number
  /** Each takes messages of any key. */
  readonly receivers: number
  readonly keys: number
  /** Slots of the table, a power of two: with fewer than keys, some have none. */
  readonly table: number
  readonly capacity: number
  /** Messages of each sender. */
  readonly messages: number
  /** One in so many places is given back without a message. */
  readonly cancel: number
  /** How long a thread dawdles at most where another should come in between. */
  readonly dawdle: number
  readonly mutant: Mutant | undefined
}

/** The case of a seed. */
export const caseOf = (seed: number, mutant?: Mutant): Case => {
  const random = generator(seed)
  const pick = <A>(...choices: ReadonlyArray<A>): A => choices[random() % choices.length]!
  const keys = pick(1, 1, 2, 5)
  return {
    seed,
    senders: pick(1, 2, 3),
    receivers: pick(1, 2),
    keys,
    table: pick(keys === 5 ? 4 : 8, 8, 16),
    capacity: pick(1, 2, 3, 8),
    messages: 3000,
    cancel: pick(7, 1000),
    dawdle: pick(0, 20, 300),
    mutant
  }
}

/** A cache line of words. */
const LINE = 16

/** What the threads of a case share: the mailboxes, and what one needs to see whether they are right. */
export interface Memories {
  readonly mailboxes: SharedArrayBuffer
  readonly control: SharedArrayBuffer
}

export class Field {
  readonly memories: Memories
  readonly words: Int32Array
  readonly slots: Slots
  readonly reservations: Reservations
  private readonly play: Case

  static make(play: Case): Field {
    const threads = play.senders + play.receivers
    const lines = 3 + threads + play.keys * (2 + play.senders + threads)
    const mailboxes = slotsBytes(play.table, threads) + reservationsBytes(play.table * (threads + 1), threads)
    return new Field(play, {
      mailboxes: new SharedArrayBuffer(mailboxes),
      control: new SharedArrayBuffer(lines * LINE * 4)
    }, 0)
  }

  constructor(play: Case, memories: Memories, me: number) {
    const threads = play.senders + play.receivers
    const { control, mailboxes } = memories
    this.play = play
    this.memories = memories
    this.words = new Int32Array(control)
    this.slots = new Slots(mailboxes, play.table, play.seed, me)
    this.reservations = new Reservations(
      mailboxes,
      slotsBytes(play.table, threads),
      play.table * (threads + 1),
      threads
    )
  }

  // Where things are among the words: a line each.

  /** Whether a thread has given up, so that the others need not go on. */
  get over(): boolean {
    return Atomics.load(this.words, 0) !== 0
  }

  give(): void {
    Atomics.store(this.words, 0, 1)
    for (let me = 0; me < this.play.senders; me++) this.ring(me)
  }

  /** How many senders are done. */
  get done(): number {
    return LINE
  }

  /** How many threads are there. */
  get here(): number {
    return LINE * 2
  }

  bell(me: number): number {
    return LINE * (3 + me)
  }

  ring(me: number): void {
    Atomics.store(this.words, this.bell(me), 1)
    Atomics.notify(this.words, this.bell(me))
  }

  private key(key: number): number {
    const threads = this.play.senders + this.play.receivers
    return LINE * (3 + threads + key * (2 + this.play.senders + threads))
  }

  /** Places that are taken for a key, as its senders and receivers know: never more than there are in truth. */
  truth(key: number): number {
    return this.key(key)
  }

  /** The most that a thread has seen of those. */
  most(key: number): number {
    return this.key(key) + LINE
  }

  /** Messages of a sender to a key that are on their way. */
  flight(key: number, from: number): number {
    return this.key(key) + LINE * (2 + from)
  }

  private slot(me: number, key: number): number {
    return this.key(key) + LINE * (2 + this.play.senders + me)
  }

  claim(me: number, key: number, slot: number): void {
    Atomics.store(this.words, this.slot(me, key), slot)
  }

  claimed(me: number, key: number): number {
    return Atomics.load(this.words, this.slot(me, key))
  }
}
