/**
 * Links with one fault each, which the stress must find. (A reader that takes the starved flag down is another, too
 * rare for a short budget: `test/hot/link.test.ts` has it step by step.) They are made of the real ones by overriding what TypeScript
 * calls private, so that the shipped source knows nothing of them.
 */
import { type Encode, HEADER, LinkReader, LinkWriter } from "../src/internal/hot/link.ts"

export const mutants = {
  "publish before write": "a record is visible before it is there",
  "no second look": "a thread announces that it sleeps, and sleeps without looking once more",
  "ring before publish": "the reader is woken for what it cannot see yet",
  "flag without a look": "a starved writer raises its flag after its last look at the reader's position",
  "freed before read": "a reader frees records and then reads them",
  "no bound": "a writer writes over what was not read",
  "stale position": "a writer never looks at the reader's position again"
}
export type Mutant = keyof typeof mutants

/** The parts of a writer and a reader that are nobody's business but a mutant's. */
interface Private {
  words: Int32Array
  bytes: unknown
  capacity: number
  mask: number
  tail: number
  head: number
  starved: boolean
  place(...args: Array<unknown>): boolean
  look(): boolean
  starve(starved: boolean): void
  free(): void
}

const TAIL = 0
const HEAD = 16

const open = (link: LinkWriter | LinkReader): Private => link as unknown as Private

/** Something that takes a while, or not: a chance for the other thread. */
export type Dawdle = () => void

/** A writer, real or mutant. It dawdles where the reader should come in between. */
export const makeWriter = (
  buffer: SharedArrayBuffer,
  offset: number,
  capacity: number,
  dawdle: Dawdle,
  mutant: Mutant | undefined
): LinkWriter => {
  const writer = new LinkWriter(buffer, offset, capacity)
  const self = open(writer)
  const { look, place, starve } = self
  self.look = () => {
    dawdle()
    return look.call(writer)
  }
  switch (mutant) {
    case "publish before write": {
      const add = writer.add.bind(writer)
      writer.add = (kind, a, b, c, d, value, encode) => {
        const early: Encode<typeof value> = (value, bytes, offset, limit) => {
          if (bytes !== self.bytes) return encode(value, bytes, offset, limit)
          const end = encode(value, bytes, offset, limit)
          if (end < 0) return end
          // It was written to see how long it is; that is undone, so that it is published before it is there.
          bytes.u8.fill(0, offset, end)
          const at = self.tail & self.mask
          const pad = offset === at + HEADER ? 0 : self.capacity - at
          Atomics.store(self.words, TAIL, (self.tail + pad + ((end - offset + HEADER + 7) & ~7)) | 0)
          dawdle()
          return encode(value, bytes, offset, limit)
        }
        return add(kind, a, b, c, d, value, early)
      }
      break
    }
    case "flag without a look":
      self.look = () => false
      self.starve = (starved) => {
        if (starved) dawdle()
        starve.call(writer, starved)
      }
      writer.drain = () => {
        look.call(writer)
        LinkWriter.prototype.drain.call(writer)
      }
      Object.defineProperty(writer, "unblocked", { value: false })
      break
    case "no bound":
      self.place = (...args) => {
        const { head } = self
        self.head = self.tail
        const placed = place.apply(writer, args)
        self.head = head
        return placed
      }
      break
    case "stale position":
      self.look = () => false
      Object.defineProperty(writer, "unblocked", { value: false })
      break
    default:
  }
  return writer
}

/** A reader, real or mutant. It dawdles where the writer should come in between. */
export const makeReader = (
  buffer: SharedArrayBuffer,
  offset: number,
  capacity: number,
  dawdle: Dawdle,
  mutant: Mutant | undefined
): LinkReader => {
  const reader = new LinkReader(buffer, offset, capacity)
  const self = open(reader)
  const { free } = self
  self.free = () => {
    free.call(reader)
    dawdle()
  }
  if (mutant === "freed before read") {
    const poll = reader.poll.bind(reader)
    reader.poll = (sink, limit) => {
      Atomics.store(self.words, HEAD, Atomics.load(self.words, TAIL))
      dawdle()
      return poll(sink, limit)
    }
  }
  return reader
}
