/**
 * Ways to bring records of 16 bytes from several threads to one. Each is as good as its idea allows: what they share is
 * that a producer waits by looking, and that a record is two numbers.
 */
import type { Bytes } from "../../../runtime/src/internal/hot/bytes.ts"
import {
  type Encode,
  FIRST_KIND,
  HEADER,
  linkBytes,
  LinkReader,
  LinkWriter,
  type Sink
} from "../../../runtime/src/internal/hot/link.ts"

export const designs = ["pairs", "taken-mark", "fetch-and-add", "compare-and-swap"] as const
export type Design = typeof designs[number]

/** Bytes of a ring, for each producer; one that all share has as many as theirs together. */
const CAPACITY = 1 << 18
/** A producer that does not pause shows its records after so many bytes, as the runtime does. */
const PUBLISH = 4096

export const bytesFor = (design: Design, producers: number): number =>
  design === "pairs" || design === "taken-mark"
    ? producers * linkBytes(CAPACITY)
    : SHARED_HEADER + producers * CAPACITY

/** Sends so many records, numbered from 0. */
export type Produce = (count: number) => void

/** Takes what has come; how many records, and the sum of their numbers is added up. */
export interface Consumer {
  poll(): number
  sum: number
}

export const producer = (design: Design, memory: SharedArrayBuffer, me: number, producers: number): Produce =>
  design === "pairs" || design === "taken-mark"
    ? overLink(memory, me)
    : overShared(memory, producers, design === "fetch-and-add")

export const consumer = (design: Design, memory: SharedArrayBuffer, producers: number): Consumer =>
  design === "pairs" || design === "taken-mark"
    ? new Links(memory, producers, design === "taken-mark")
    : new Shared(memory, producers)

// ---- A link for each producer

const encode: Encode<number> = (value, bytes, offset, limit) => {
  if (offset + 16 > limit) return -1
  bytes.view.setFloat64(offset, value, true)
  bytes.view.setFloat64(offset + 8, value, true)
  return offset + 16
}

const overLink = (memory: SharedArrayBuffer, me: number): Produce => {
  const writer = new LinkWriter(memory, me * linkBytes(CAPACITY), CAPACITY)
  return (count) => {
    for (let value = 0; value < count; value++) {
      writer.add(FIRST_KIND, 0, 0, 0, 0, value, encode)
      if (writer.unpublished >= PUBLISH) writer.publish()
      while (writer.keeps) {
        writer.publish()
        writer.drain()
      }
    }
    writer.publish()
  }
}

/** The word of a record's header that nobody uses, and where the ring begins in a link. */
const SPARE = 5
const RING = 320

class Links implements Consumer, Sink {
  private readonly readers: ReadonlyArray<LinkReader>
  private readonly words: ReadonlyArray<Int32Array>
  private readonly marks: boolean
  private current = 0
  sum = 0

  constructor(memory: SharedArrayBuffer, producers: number, marks: boolean) {
    this.marks = marks
    const places = Array.from({ length: producers }, (_, me) => me * linkBytes(CAPACITY))
    this.readers = places.map((at) => new LinkReader(memory, at, CAPACITY))
    this.words = places.map((at) => new Int32Array(memory, at, linkBytes(CAPACITY) >> 2))
  }

  poll(): number {
    let read = 0
    for (let i = 0; i < this.readers.length; i++) {
      this.current = i
      const reader = this.readers[i]!
      const some = reader.poll(this, 256)
      if (some > 0) reader.release()
      read += some
    }
    return read
  }

  record(_kind: number, _a: number, _b: number, _c: number, _d: number, bytes: Bytes, offset: number): void {
    if (this.marks) this.words[this.current]![((RING + offset - HEADER) >> 2) + SPARE] = 1
    // What survives the thread in the runtime's own design: the reader's position.
    else this.readers[this.current]!.take()
    this.sum += bytes.view.getFloat64(offset, true)
  }
}

// ---- One ring for all producers

const SHARED_HEADER = 128
const TAIL = 0
const HEAD = 16
/** A slot has a line: the lap in which it was published, and two numbers. */
const SLOT = 64

const slotsOf = (producers: number): number => 2 ** Math.floor(Math.log2(producers * CAPACITY / SLOT))

const overShared = (memory: SharedArrayBuffer, producers: number, add: boolean): Produce => {
  const words = new Int32Array(memory)
  const numbers = new Float64Array(memory)
  const slots = slotsOf(producers)
  const claim = (): number => {
    if (add) {
      const at = Atomics.add(words, TAIL, 1)
      // It cannot give the claim back: it waits with it.
      while (at - Atomics.load(words, HEAD) >= slots);
      return at
    }
    for (;;) {
      const at = Atomics.load(words, TAIL)
      if (at - Atomics.load(words, HEAD) >= slots) continue
      if (Atomics.compareExchange(words, TAIL, at, at + 1) === at) return at
    }
  }
  return (count) => {
    for (let value = 0; value < count; value++) {
      const at = claim()
      const slot = SHARED_HEADER + (at & (slots - 1)) * SLOT
      numbers[(slot >> 3) + 1] = value
      numbers[(slot >> 3) + 2] = value
      Atomics.store(words, slot >> 2, at + 1)
    }
  }
}

class Shared implements Consumer {
  private readonly words: Int32Array
  private readonly numbers: Float64Array
  private readonly slots: number
  private head = 0
  sum = 0

  constructor(memory: SharedArrayBuffer, producers: number) {
    this.words = new Int32Array(memory)
    this.numbers = new Float64Array(memory)
    this.slots = slotsOf(producers)
  }

  poll(): number {
    let read = 0
    while (read < 256) {
      const slot = SHARED_HEADER + (this.head & (this.slots - 1)) * SLOT
      // A producer that ended here would stop everybody for ever.
      if (Atomics.load(this.words, slot >> 2) !== this.head + 1) break
      this.sum += this.numbers[(slot >> 3) + 1]!
      this.head++
      read++
    }
    if (read > 0) Atomics.store(this.words, HEAD, this.head)
    return read
  }
}
