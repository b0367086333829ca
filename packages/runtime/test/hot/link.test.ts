import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Bytes } from "../../src/internal/hot/bytes.ts"
import {
  CorruptLink,
  type Encode,
  FIRST_KIND,
  HEADER,
  linkBytes,
  LinkReader,
  LinkWriter,
  MAX_RECORD,
  type Sink
} from "../../src/internal/hot/link.ts"

// Where the words lie, as the head of link.ts draws them.
const TAIL = 0
const HEAD = 16
const STARVED = 32
const TAKEN = 48
const RING = 320

interface Entry {
  readonly kind: number
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly payload: Uint8Array
}

/** The payload of record `n`: each byte tells which record it is of and where it stands. */
const payload = (n: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = n * 31 + i * 7 + (i >> 8)
  return bytes
}

const entry = (n: number, length: number): Entry => ({
  kind: FIRST_KIND + (n % 200),
  a: n,
  b: ~n,
  c: n ^ 0x5555,
  d: Math.imul(n, 0x9e3779b1),
  payload: payload(n, length)
})

const encode: Encode<Uint8Array> = (value, bytes, offset, limit) => {
  if (offset + value.length > limit) return -1
  bytes.u8.set(value, offset)
  return offset + value.length
}

/** A link's memory, both positions at `start`, between bytes that nobody may touch. */
class Memory {
  static readonly guard = 64
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly capacity: number
  readonly writer: LinkWriter
  readonly reader: LinkReader

  constructor(capacity: number, start = 0) {
    this.capacity = capacity
    this.buffer = new SharedArrayBuffer(Memory.guard + linkBytes(capacity) + Memory.guard)
    this.words = new Int32Array(this.buffer, Memory.guard, linkBytes(capacity) >> 2)
    this.words[TAIL] = this.words[HEAD] = this.words[TAKEN] = start | 0
    this.outside().forEach((bytes) => bytes.fill(0xa5))
    this.writer = this.newWriter()
    this.reader = new LinkReader(this.buffer, Memory.guard, capacity)
  }

  newWriter(): LinkWriter {
    return new LinkWriter(this.buffer, Memory.guard, this.capacity)
  }

  private outside(): ReadonlyArray<Uint8Array> {
    return [
      new Uint8Array(this.buffer, 0, Memory.guard),
      new Uint8Array(this.buffer, Memory.guard + linkBytes(this.capacity))
    ]
  }

  get intact(): boolean {
    return this.outside().every((bytes) => bytes.every((byte) => byte === 0xa5))
  }

  add(record: Entry): boolean {
    return this.writer.add(record.kind, record.a, record.b, record.c, record.d, record.payload, encode)
  }

  /** A header word in the ring. */
  set(at: number, ...words: ReadonlyArray<number>): void {
    this.words.set(words, (RING + at) >> 2)
  }
}

/** Copies what it is given. */
class Collector implements Sink {
  readonly entries: Array<Entry> = []
  record(
    kind: number,
    a: number,
    b: number,
    c: number,
    d: number,
    bytes: Bytes,
    offset: number,
    end: number
  ): void {
    this.entries.push({ kind, a, b, c, d, payload: Uint8Array.from(bytes.u8.subarray(offset, end)) })
  }
}

/** Fails where two lists of records differ: much quicker than a deep comparison, and shorter in what it says. */
const same = (actual: ReadonlyArray<Entry>, wanted: ReadonlyArray<Entry>): void => {
  const text = (record: Entry | undefined): string =>
    record === undefined
      ? "none"
      : `${record.kind} ${record.a} ${record.b} ${record.c} ${record.d}, ${record.payload.length} bytes`
  for (let i = 0; i < Math.max(actual.length, wanted.length); i++) {
    const [is, wants] = [actual[i], wanted[i]]
    if (text(is) !== text(wants)) expect(`record ${i}: ${text(is)}`).toBe(`record ${i}: ${text(wants)}`)
    if (!Buffer.from(is!.payload).equals(wants!.payload)) expect(is!.payload).toEqual(wants!.payload)
  }
}

/** Rounds of draining and reading until everything has arrived, and a bound on them. */
const settle = (link: Memory, sink: Sink): void => {
  for (let round = 0; link.writer.keeps || link.reader.ready || link.writer.unpublished !== 0; round++) {
    if (round > 100_000) throw new Error("the link does not settle")
    link.writer.drain()
    link.writer.publish()
    link.reader.poll(sink, 1000)
    link.reader.release()
  }
}

const starts = fc.oneof(
  fc.constant(0),
  // Just below 2^31, and just below 2^32, which as a 32-bit number is just below 0.
  fc.integer({ min: 1, max: 64 }).map((n) => 0x7fffffff - n * 8 + 1),
  fc.integer({ min: 1, max: 64 }).map((n) => -n * 8),
  fc.integer({ min: -(2 ** 28), max: 2 ** 28 - 1 }).map((n) => n * 8)
)

type Command =
  | { readonly do: "add"; readonly length: number }
  | { readonly do: "publish" | "drain" | "release" }
  | { readonly do: "poll"; readonly limit: number }

const commands = (capacity: number): fc.Arbitrary<Array<Command>> => {
  const length = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) },
    // Around the longest that goes in one piece, around the whole ring, and beyond.
    {
      weight: 3,
      arbitrary: fc.integer({ min: Math.max(0, (capacity >> 2) - 48), max: (capacity >> 2) + 24 })
    },
    { weight: 2, arbitrary: fc.integer({ min: (capacity >> 1) - 40, max: capacity + 40 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: capacity * 5 }) }
  )
  return fc.array(
    fc.oneof(
      { weight: 8, arbitrary: length.map((length) => ({ do: "add", length }) as const) },
      { weight: 4, arbitrary: fc.constantFrom("publish", "drain", "release").map((op) => ({ do: op })) },
      {
        weight: 4,
        arbitrary: fc.integer({ min: 0, max: 12 }).map((limit) => ({ do: "poll", limit }) as const)
      }
    ),
    { maxLength: 120, size: "max" }
  )
}

const programs = fc.constantFrom(256, 512, 1024, 4096, 65_536).chain((capacity) =>
  fc.record({ capacity: fc.constant(capacity), start: starts, commands: commands(capacity) })
)

describe("Link", () => {
  describe("against a queue of records", () => {
    it("hands over each record once, whole, in order, and not before it is published", () => {
      fc.assert(
        fc.property(programs, ({ capacity, commands, start }) => {
          const link = new Memory(capacity, start)
          const added: Array<Entry> = []
          const sink = new Collector()
          // At most so many may be visible; exactly so many, when nothing was kept.
          let visible = 0
          let exact = true
          for (const command of commands) {
            switch (command.do) {
              case "add": {
                const record = entry(added.length, command.length)
                expect(link.add(record)).toBe(true)
                added.push(record)
                break
              }
              case "drain":
                link.writer.drain()
                break
              case "publish": {
                const before = link.writer.unpublished
                expect(link.writer.publish()).toBe(before !== 0)
                expect(link.writer.unpublished).toBe(0)
                visible = added.length
                exact = !link.writer.keeps
                break
              }
              case "poll": {
                const before = sink.entries.length
                const read = link.reader.poll(sink, command.limit)
                expect(read).toBeLessThanOrEqual(command.limit)
                // Parts are read, but are no records.
                expect(sink.entries.length - before).toBeLessThanOrEqual(read)
                expect(sink.entries.length).toBeLessThanOrEqual(visible)
                if (exact && read < command.limit) expect(sink.entries.length).toBe(visible)
                break
              }
              case "release":
                link.reader.release()
                break
            }
            const used = (link.words[TAIL]! - link.words[HEAD]!) | 0
            expect(used).toBeGreaterThanOrEqual(0)
            expect(used).toBeLessThanOrEqual(capacity)
          }
          settle(link, sink)
          same(sink.entries, added)
          expect(link.intact).toBe(true)
        }),
        { numRuns: 400 }
      )
    })

    it("goes on where the last writer ended, once everything of it was written", () => {
      fc.assert(
        fc.property(
          programs,
          fc.integer({ min: 0, max: 2000 }),
          ({ capacity, commands, start }, unpublished) => {
            const link = new Memory(capacity, start)
            const sink = new Collector()
            let n = 0
            for (const command of commands) {
              if (command.do === "add") link.add(entry(n++, command.length))
              if (command.do === "drain") link.writer.drain()
              if (command.do === "publish") link.writer.publish()
              if (command.do === "poll") link.reader.poll(sink, command.limit)
              if (command.do === "release") link.reader.release()
            }
            // It ends here, whatever it has not published.
            link.add(entry(n, unpublished))
            const next = link.newWriter()
            const after = [0, capacity, 8, capacity * 3].map((length, i) => entry(1_000_000 + i, length))
            for (const { a, b, c, d, kind, payload } of after) next.add(kind, a, b, c, d, payload, encode)
            for (let round = 0; next.keeps || next.unpublished !== 0 || link.reader.ready; round++) {
              if (round > 10_000) throw new Error("the link does not settle")
              next.drain()
              next.publish()
              link.reader.poll(sink, 1000)
              link.reader.release()
            }
            const first = sink.entries.slice(0, -after.length)
            same(first, first.map((record, i) => entry(i, record.payload.length)))
            same(sink.entries.slice(-after.length), after)
          }
        ),
        { numRuns: 150 }
      )
    })
  })

  describe("keeping", () => {
    it("keeps what has no room, and tells when room was freed", () => {
      const link = new Memory(256)
      const sink = new Collector()
      for (let n = 0; n < 20; n++) expect(link.add(entry(n, 40))).toBe(true)
      expect(link.writer.keeps).toBe(true)
      link.writer.drain()
      link.writer.publish()
      expect(link.words[STARVED]).toBe(1)
      expect(link.writer.unblocked).toBe(false)
      link.reader.poll(sink, 1)
      expect(link.reader.release()).toBe(true)
      expect(link.writer.unblocked).toBe(true)
      settle(link, sink)
      expect(sink.entries.map(({ a }) => a)).toEqual(Array.from({ length: 20 }, (_, n) => n))
      expect(link.words[STARVED]).toBe(0)
      expect(link.reader.release()).toBe(false)
    })

    it("tells each time that room is freed, as long as anything is kept", () => {
      // A reader that took the flag down when it freed too little would not tell of the rest.
      const link = new Memory(256)
      const sink = new Collector()
      for (let n = 0; n < 10; n++) link.add(entry(n, 40))
      link.writer.drain()
      link.writer.publish()
      for (let n = 0; n < 4; n++) {
        expect(link.reader.poll(sink, 1)).toBe(1)
        expect(link.reader.release()).toBe(true)
      }
    })

    it("takes the flag over from a writer that ended", () => {
      const link = new Memory(256)
      for (let n = 0; n < 10; n++) link.add(entry(n, 40))
      link.writer.drain()
      link.writer.publish()
      const next = link.newWriter()
      expect(link.reader.release()).toBe(true)
      next.drain()
      expect(link.reader.release()).toBe(false)
    })

    it("does not overtake: a short record waits behind a long one that is kept", () => {
      const link = new Memory(1024)
      const sink = new Collector()
      const lengths = [900, 900, 0, 0, 5000, 0, 300]
      lengths.forEach((length, n) => link.add(entry(n, length)))
      settle(link, sink)
      expect(sink.entries).toEqual(lengths.map((length, n) => entry(n, length)))
    })
  })

  describe("the longest record", () => {
    /** Takes `length` bytes, of which it writes the first and the last. */
    const sparse: Encode<number> = (length, bytes, offset, limit) => {
      if (offset + length > limit) return -1
      bytes.u8[offset] = 0xfe
      bytes.u8[offset + length - 1] = 0xef
      return offset + length
    }

    for (const capacity of [1 << 16, MAX_RECORD, MAX_RECORD * 2]) {
      it(`has a byte less than MAX_RECORD in a ring of ${capacity}`, () => {
        const link = new Memory(capacity)
        const lengths: Array<number> = []
        const sink: Sink = {
          record: (kind, _a, _b, _c, _d, bytes, offset, end) => {
            expect(kind).toBe(7)
            if (end - offset > 0) expect([bytes.u8[offset], bytes.u8[end - 1]]).toEqual([0xfe, 0xef])
            lengths.push(end - offset)
          }
        }
        const longest = MAX_RECORD - 1 - HEADER
        expect(link.writer.add(7, 0, 0, 0, 0, longest, sparse)).toBe(true)
        expect(link.writer.add(7, 0, 0, 0, 0, longest + 1, sparse)).toBe(false)
        expect(link.writer.add(7, 0, 0, 0, 0, longest - 8, sparse)).toBe(true)
        expect(link.writer.add(7, 0, 0, 0, 0, MAX_RECORD * 3, sparse)).toBe(false)
        settle(link, sink)
        // Refused without room, and refused with all the room there is.
        expect(link.writer.add(7, 0, 0, 0, 0, longest + 1, sparse)).toBe(false)
        settle(link, sink)
        expect(lengths).toEqual([longest, longest - 8])
      })
    }
  })

  it("leaves nothing behind when an encoder throws", () => {
    const link = new Memory(256)
    const sink = new Collector()
    const fails: Encode<number> = (value, bytes, offset, limit) => {
      bytes.u8.fill(0xff, offset, Math.min(limit, offset + value))
      throw new Error("no")
    }
    const lengths = [10, 200, 3, 90, 0]
    lengths.forEach((length, n) => {
      link.add(entry(n, length))
      expect(() => link.writer.add(FIRST_KIND, 0, 0, 0, 0, 30 * n, fails)).toThrow("no")
    })
    settle(link, sink)
    expect(sink.entries).toEqual(lengths.map((length, n) => entry(n, length)))
  })

  it("does not take back a record whose sink throws", () => {
    const link = new Memory(256)
    const sink = new Collector()
    for (let n = 0; n < 3; n++) link.add(entry(n, 8))
    link.writer.publish()
    const throws: Sink = {
      record: () => {
        throw new Error("no")
      }
    }
    expect(() => link.reader.poll(throws, 10)).toThrow("no")
    link.reader.poll(sink, 10)
    expect(sink.entries.map(({ a }) => a)).toEqual([1, 2])
  })

  it("may be polled by its own sink", () => {
    const link = new Memory(512)
    const sink = new Collector()
    for (let n = 0; n < 3; n++) link.add(entry(n, 8))
    link.writer.publish()
    const nested: Sink = {
      record: (kind, a, b, c, d, bytes, offset, end) => {
        sink.record(kind, a, b, c, d, bytes, offset, end)
        if (a !== 1) return
        // More has been published since the poll began that is under way.
        for (let n = 3; n < 6; n++) link.add(entry(n, 8))
        link.writer.publish()
        link.reader.poll(sink, 100)
        link.reader.release()
      }
    }
    link.reader.poll(nested, 100)
    expect(sink.entries.map(({ a }) => a)).toEqual([0, 1, 2, 3, 4, 5])
  })

  describe("hostile memory", () => {
    const refused = (link: Memory): string => {
      try {
        for (let round = 0; round < 10; round++) link.reader.poll(new Collector(), 1000)
      } catch (error) {
        if (error instanceof CorruptLink) return error.problem
        throw error
      }
      return "accepted"
    }

    const header = (kind: number, length: number): number => length | (kind << 24)

    it.each([
      ["a position beyond the ring", (link: Memory) => (link.words[TAIL] = 264), "out of bounds"],
      ["a position before the reader's", (link: Memory) => (link.words[TAIL] = -8), "out of bounds"],
      ["a position that is not aligned", (link: Memory) => (link.words[TAIL] = 33), "out of bounds"],
      ["a record shorter than its header", (link: Memory) => {
        link.set(0, header(FIRST_KIND, HEADER - 1))
        link.words[TAIL] = 64
      }, "does not fit"],
      ["a record longer than what was published", (link: Memory) => {
        link.set(0, header(FIRST_KIND, 65))
        link.words[TAIL] = 64
      }, "does not fit"],
      ["a record of 2^24 - 1 bytes", (link: Memory) => {
        link.set(0, header(FIRST_KIND, 0xffffff))
        link.words[TAIL] = 256
      }, "does not fit"],
      ["a pad longer than what was published", (link: Memory) => {
        link.words[TAIL] = 64
      }, "a pad passes"],
      ["a part of a record that is short", (link: Memory) => {
        link.set(0, header(1, 64), 64, 0)
        link.words[TAIL] = 64
      }, "does not come in parts"],
      ["a part of a record that is too long", (link: Memory) => {
        link.set(0, header(1, 64), MAX_RECORD, 0)
        link.words[TAIL] = 64
      }, "does not come in parts"],
      ["a part of a record of negative length", (link: Memory) => {
        link.set(0, header(1, 64), -100, 0)
        link.words[TAIL] = 64
      }, "does not come in parts"],
      ["a second part without a first", (link: Memory) => {
        link.set(0, header(1, 64), 80, 40)
        link.words[TAIL] = 64
      }, "does not belong"],
      ["a part twice", (link: Memory) => {
        link.set(0, header(1, 64), 200, 0)
        link.set(64, header(1, 64), 200, 40)
        link.set(128, header(1, 64), 200, 40)
        link.words[TAIL] = 192
      }, "does not belong"],
      ["a part of another record", (link: Memory) => {
        link.set(0, header(1, 64), 200, 0)
        link.set(64, header(1, 64), 208, 40)
        link.words[TAIL] = 128
      }, "does not belong"],
      ["parts that are shorter than they need be", (link: Memory) => {
        link.set(0, header(1, HEADER), 1 << 20, 0)
        link.words[TAIL] = 24
      }, "does not belong"],
      ["a whole of parts with another length in its header", (link: Memory) => {
        link.set(0, header(1, 64), 72, 0, 0, 0, 0, header(FIRST_KIND, 71))
        link.set(64, header(1, 56), 72, 40)
        link.words[TAIL] = 120
      }, "a whole record is not one"],
      ["a whole of parts that is a part", (link: Memory) => {
        link.set(0, header(1, 64), 72, 0, 0, 0, 0, header(1, 72))
        link.set(64, header(1, 56), 72, 40)
        link.words[TAIL] = 120
      }, "a whole record is not one"]
    ])("refuses %s", (_what, damage, problem) => {
      const link = new Memory(256)
      damage(link)
      expect(refused(link)).toContain(problem)
    })

    it("believes no reader's position that makes no sense", () => {
      for (const head of [-8, 3, 264, 0x7ffffff8, -0x80000000]) {
        const link = new Memory(256)
        const sink = new Collector()
        for (let n = 0; n < 10; n++) link.add(entry(n, 40))
        link.writer.publish()
        link.words[HEAD] = head
        expect(link.writer.unblocked).toBe(false)
        link.add(entry(10, 40))
        link.writer.drain()
        link.words[HEAD] = 0
        settle(link, sink)
        expect(sink.entries.map(({ a }) => a)).toEqual(Array.from({ length: 11 }, (_, n) => n))
      }
    })

    it("reads each header once: what a writer changes afterwards does nothing", () => {
      const link = new Memory(256)
      for (let n = 0; n < 3; n++) link.add(entry(n, 20))
      link.writer.publish()
      const seen: Array<number> = []
      link.reader.poll({
        record: (_kind, a, _b, _c, _d, _bytes, offset, end) => {
          seen.push(a, end - offset)
          // The record in hand claims the whole ring, now that it was checked.
          link.words[(RING + offset - HEADER) >> 2] = -1
        }
      }, 10)
      expect(seen).toEqual([0, 20, 1, 20, 2, 20])
    })

    /** A writer at its worst: it scribbles over the ring between any two looks of the reader. */
    const scribble = (link: Memory, random: () => number): void => {
      const { words } = link
      Object.defineProperty(link.reader, "words", {
        get: () => {
          for (let i = random() % 4; i > 0; i--) {
            const word = (RING >> 2) + (random() % (link.capacity >> 2))
            words[word] = random() % 2 === 0 ? random() : words[word]! ^ (1 << (random() % 32))
          }
          if (random() % 16 === 0) words[TAIL] = (link.words[HEAD]! + (random() % 64) * 8) | 0
          return words
        }
      })
    }

    const generator = (seed: number): () => number => {
      let state = seed | 1
      return () => {
        state ^= state << 13
        state ^= state >>> 17
        state ^= state << 5
        return state >>> 0
      }
    }

    it("reads records inside the ring or refuses, whatever the memory says, in bounded steps", () => {
      const seed = Number(process.env["LINK_SEED"] ?? 20_260_101)
      let accepted = 0
      let refusals = 0
      for (let round = 0; round < 2000; round++) {
        const random = generator(seed + round * 2_654_435)
        const capacity = 256 << (random() % 4)
        const link = new Memory(capacity, (random() % 3 === 0 ? -8 : random() % 2 === 0 ? 0x7ffffff8 : 0) | 0)
        const context = `LINK_SEED=${seed}, round ${round}`
        for (let n = 0, count = random() % 12; n < count; n++) link.add(entry(n, random() % (capacity >> 1)))
        link.writer.drain()
        link.writer.publish()
        if (random() % 2 === 0) link.reader.poll(new Collector(), random() % 8)
        if (random() % 8 === 0) {
          for (let i = 0; i < capacity; i += 4) link.set(i, random())
        }
        for (let i = random() % 6; i > 0; i--) {
          // Headers more often than payloads: a small kind, a small length.
          const value = random() % 2 === 0 ? random() : header(random() % 4, random() % (capacity * 2))
          link.set((random() % ((capacity >> 3) - 1)) * 8, value, random() % (capacity * 8), random() % 64)
        }
        if (random() % 4 === 0) link.words[TAIL] = (link.words[HEAD]! + (random() % (capacity >> 3)) * 8) | 0
        if (random() % 16 === 0) link.words[TAIL] = random() | 0
        if (round % 3 === 0) scribble(link, random)
        let records = 0
        const sink: Sink = {
          record: (kind, _a, _b, _c, _d, bytes, offset, end) => {
            records++
            expect(kind, context).toBeGreaterThanOrEqual(FIRST_KIND)
            expect(offset, context).toBeGreaterThanOrEqual(HEADER)
            expect(end, context).toBeGreaterThanOrEqual(offset)
            expect(end, context).toBeLessThanOrEqual(bytes.u8.length)
            expect(bytes.u8.length, context).toBeLessThanOrEqual(MAX_RECORD)
          }
        }
        try {
          // A record has 24 bytes at least, a pad 8: there are so many steps in a ring at most.
          link.reader.poll(sink, 1_000_000)
          accepted++
        } catch (error) {
          if (!(error instanceof CorruptLink)) throw new Error(context, { cause: error })
          refusals++
        }
        expect(records, context).toBeLessThanOrEqual(capacity / HEADER)
        expect(link.intact, context).toBe(true)
      }
      // Both happen, or this shows nothing.
      expect(accepted).toBeGreaterThan(200)
      expect(refusals).toBeGreaterThan(200)
    })
  })
})
