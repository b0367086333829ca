/**
 * Where the messages of a thread wait that it has read but not yet taken, because their actors are busy: in shared
 * memory, which survives the thread. Its successor goes on from there.
 *
 * **Contract**: one thread at a time, the one whose messages wait here.
 * **Invariant**: a message is either in its ring, behind the reader's TAKEN, or in a slot here; its way from one to the
 * other is two stores side by side. V8 ends a thread at calls and loops only, so there is no death between the two.
 * **Ordering**: chunks by their serials, slots by their places: as they were read, so in order per sender.
 * **Allocation**: an object for each message that waits; a chunk when the others are full, which the caller is told of
 * before anything is in it. Of the chunks that are empty one is kept.
 * **Evidence**: `test/hot/parking.test.ts`, `test/Pool.death.threads.test.ts`, `stress/pool.test.ts` with its mutants.
 */
import type { Replier } from "./cell.ts"
import {
  Chunk,
  FIRST,
  type Keeper,
  KEPT,
  PARTIAL,
  SERIAL,
  SLOT,
  Slot,
  STATE,
  TAKEN,
  USED,
  WAITING
} from "./chunk.ts"
import { HELD, type SharedGauge } from "./gauge.ts"
import { HEADER, type LinkReader, type Wholes } from "./link.ts"

/** Bytes of the first chunk; each further one is twice as long, up to the largest. */
const SMALLEST = 1 << 16
const LARGEST = 1 << 20

const align = (n: number): number => (n + 7) & ~7

/** What survives of a chunk when its thread ends. */
export interface Memory {
  readonly id: number
  readonly memory: SharedArrayBuffer
}

/** Who holds the chunks for a successor. */
export interface Registry {
  add(chunk: Memory): void
  remove(id: number): void
}

/** Stands in a mailbox for the replier of a message that waits here. */
export class Parcel extends Slot implements Replier {
  private replier: Replier | undefined
  /** Where the message has a place, if it has one: it is given back when the message is taken. */
  place: SharedGauge | undefined = undefined

  constructor(chunk: Chunk, word: number, replier: Replier | undefined) {
    super(chunk, word)
    this.replier = replier
  }

  /** Others wait for the answer, too. */
  also(join: (replier: Replier | undefined) => Replier | undefined): void {
    this.replier = join(this.replier)
  }

  /** Who awaits the answer; the message is not taken by that. */
  get asker(): Replier | undefined {
    return this.replier
  }

  override take(): void {
    const { chunk, place, word } = this
    if (place !== undefined) {
      const { at, words } = place
      this.place = undefined
      // Side by side: there is no death between the two.
      chunk.words[word + STATE] = TAKEN
      Atomics.sub(words, at + HELD, 1)
    }
    super.take()
  }

  /** The message is taken; its replier. */
  open(): Replier | undefined {
    this.take()
    return this.replier
  }

  succeed(value: unknown): void {
    this.open()?.succeed(value)
  }

  fail(error: unknown): void {
    this.open()?.fail(error)
  }

  /** The message has become a dead letter. */
  abandon(reason: unknown): void {
    this.open()?.abandon(reason)
  }
}

export class Parking implements Wholes, Keeper {
  private readonly registry: Registry
  private readonly chunks = new Map<number, Chunk>()
  /** Where the next message goes. */
  private current: Chunk | undefined = undefined
  /** Where the next record goes that is kept. */
  private keeping: Chunk | undefined = undefined
  private spare: Chunk | undefined = undefined
  private ids = 0
  private serials = 0

  /** `left` are the chunks that a predecessor left. */
  constructor(registry: Registry, left: ReadonlyArray<Memory> = []) {
    this.registry = registry
    for (const { id, memory } of left) {
      const chunk = new Chunk(id, memory, this)
      this.chunks.set(id, chunk)
      this.ids = Math.max(this.ids, id)
      this.serials = Math.max(this.serials, chunk.words[SERIAL]!)
    }
  }

  /**
   * Takes over what a predecessor left, the oldest first: slots that are KEPT, PARTIAL, WAITING or MOVING. Called
   * once, before anything else.
   */
  adopt(): ReadonlyArray<Slot> {
    const chunks = Array.from(this.chunks.values())
    chunks.sort((a, b) => a.words[SERIAL]! - b.words[SERIAL]!)
    return chunks.flatMap((chunk) => {
      const left = chunk.slots().filter(({ state }) => state !== TAKEN)
      chunk.live = left.length
      if (left.length === 0) this.empty(chunk)
      return left
    })
  }

  /** Moves the record that the reader has in hand here. */
  park(reader: LinkReader, from: number, offset: number, end: number, replier: Replier | undefined): Parcel {
    const size = SLOT + align(HEADER + end - offset)
    let chunk = this.current
    if (chunk === undefined || chunk.capacity - chunk.used < size) {
      chunk = this.current = this.open(size, false)
    }
    const word = chunk.lay(size, WAITING, from)
    reader.copy(offset, end, chunk.words, word + (SLOT >> 2))
    reader.receiveInto(chunk.words, USED, chunk.used)
    return new Parcel(chunk, word, replier)
  }

  /** Keeps the record that the reader has in hand, until its slot is taken. */
  keep(reader: LinkReader, from: number, offset: number, end: number): Slot {
    const size = SLOT + align(HEADER + end - offset)
    let chunk = this.keeping
    if (chunk === undefined || chunk.capacity - chunk.used < size) {
      chunk = this.keeping = this.open(size, true)
    }
    const word = chunk.lay(size, KEPT, from)
    reader.copy(offset, end, chunk.words, word + (SLOT >> 2))
    chunk.words[USED] = chunk.used
    reader.take()
    return new Slot(chunk, word)
  }

  /** A slot for a record of `length` bytes that comes in parts. */
  begin(length: number, from: number): Slot {
    const size = SLOT + align(length)
    let chunk = this.current
    if (chunk === undefined || chunk.capacity - chunk.used < size) {
      chunk = this.current = this.open(size, false)
    }
    const word = chunk.lay(size, PARTIAL, from)
    chunk.words[USED] = chunk.used
    return new Slot(chunk, word)
  }

  /** Nothing in the chunk waits any more. */
  empty(chunk: Chunk): void {
    chunk.used = FIRST
    chunk.words[USED] = 0
    if (chunk === this.current || chunk === this.keeping) return
    if (this.spare === undefined && chunk.capacity <= LARGEST) {
      this.spare = chunk
      return
    }
    this.chunks.delete(chunk.id)
    this.registry.remove(chunk.id)
  }

  private open(size: number, toKeep: boolean): Chunk {
    const { spare } = this
    const before = toKeep ? this.keeping : this.current
    if (spare !== undefined && spare.capacity - FIRST >= size) {
      this.spare = undefined
      return this.mark(spare)
    }
    const usual = before === undefined ? SMALLEST : Math.min(LARGEST, before.capacity * 2)
    const memory = new SharedArrayBuffer(Math.max(usual, FIRST + size))
    const chunk = new Chunk(++this.ids, memory, this)
    this.chunks.set(chunk.id, chunk)
    this.mark(chunk)
    this.registry.add({ id: chunk.id, memory })
    // The one before may be empty, and was only not given up because it was in use.
    if (before !== undefined && before.live === 0) {
      if (toKeep) this.keeping = chunk
      else this.current = chunk
      this.empty(before)
    }
    return chunk
  }

  private mark(chunk: Chunk): Chunk {
    chunk.words[SERIAL] = ++this.serials
    return chunk
  }
}
