import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Bytes } from "../../src/internal/hot/bytes.ts"
import { KEPT, PARTIAL, type Slot, WAITING } from "../../src/internal/hot/chunk.ts"
import { type Encode, linkBytes, LinkReader, LinkWriter, type Sink } from "../../src/internal/hot/link.ts"
import { type Memory, type Parcel, Parking } from "../../src/internal/hot/parking.ts"

const encode: Encode<Uint8Array> = (value, bytes, offset, limit) => {
  if (offset + value.length > limit) return -1
  bytes.u8.set(value, offset)
  return offset + value.length
}

const TELL = 2
const BIND = 7

/** A link, whose reader parks what it reads, and the memory that survives it. */
class Thread implements Sink {
  readonly chunks = new Map<number, Memory>()
  readonly buffer: SharedArrayBuffer
  readonly writer: LinkWriter
  readonly capacity: number
  parking: Parking
  reader: LinkReader
  readonly parcels: Array<Parcel> = []
  /** Messages that were handled at once, by their numbers. */
  readonly taken: Array<number> = []
  /** Whether the next message finds its actor busy. */
  busy = true
  private announced = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.buffer = new SharedArrayBuffer(linkBytes(capacity))
    this.writer = new LinkWriter(this.buffer, 0, capacity)
    this.parking = new Parking(this.registry)
    this.reader = new LinkReader(this.buffer, 0, capacity, this.parking, 3)
  }

  private get registry() {
    return {
      add: (chunk: Memory) => {
        expect(this.chunks.has(chunk.id)).toBe(false)
        this.announced++
        this.chunks.set(chunk.id, chunk)
      },
      remove: (id: number) => {
        expect(this.chunks.delete(id)).toBe(true)
      }
    }
  }

  get memory(): number {
    return this.announced
  }

  /** The thread ends; its successor goes on. */
  die(): ReadonlyArray<Slot> {
    this.parcels.length = 0
    this.parking = new Parking(this.registry, Array.from(this.chunks.values()))
    const left = this.parking.adopt()
    this.reader = new LinkReader(this.buffer, 0, this.capacity, this.parking, 3)
    return left
  }

  tell(n: number, length: number): void {
    this.writer.count(1)
    this.writer.add(TELL, n, 0, 0, 0, new Uint8Array(length).fill(n), encode)
  }

  /** Reads what there is, to the last. */
  read(): void {
    do {
      this.writer.drain()
      this.writer.publish()
      while (this.reader.poll(this, 8) > 0) this.reader.release()
    } while (this.writer.keeps)
  }

  record(
    kind: number,
    a: number,
    _b: number,
    _c: number,
    _d: number,
    _: Bytes,
    offset: number,
    end: number
  ): void {
    const { parking, reader } = this
    if (kind === BIND) return void parking.keep(reader, 3, offset, end)
    if (!this.busy) {
      reader.receive()
      this.taken.push(a)
    } else if (reader.slot === undefined) {
      this.parcels.push(parking.park(reader, 3, offset, end, undefined))
    } else {
      const whole = reader.slot
      reader.receiveWhole(whole)
      this.parcels.push(Object.assign(whole, { open: () => (whole.take(), undefined) }) as unknown as Parcel)
    }
  }
}

const numbers = (slots: ReadonlyArray<Slot>, state: number): ReadonlyArray<number> =>
  slots.filter((slot) => slot.state === state).map(({ chunk, record }) => chunk.words[record + 1]!)

describe("Parking", () => {
  it("leaves to a successor what waits, whole and in order, and nothing that was taken", () => {
    const step = fc.record({
      messages: fc.array(fc.record({ busy: fc.boolean(), length: fc.nat(400) }), { maxLength: 20 }),
      taken: fc.nat(30),
      dies: fc.boolean()
    })
    fc.assert(
      fc.property(
        fc.constantFrom(256, 1024, 1 << 16),
        fc.array(step, { maxLength: 20 }),
        (capacity, steps) => {
          const thread = new Thread(capacity)
          let n = 0
          let waiting: Array<number> = []
          for (const { dies, messages, taken } of steps) {
            for (const { busy, length } of messages) {
              thread.busy = busy
              thread.tell(++n, length)
              thread.read()
              if (busy) waiting.push(n)
            }
            for (const parcel of thread.parcels.splice(0, taken)) {
              parcel.open()
              waiting.shift()
            }
            if (!dies) continue
            const left = thread.die()
            expect(numbers(left, WAITING)).toEqual(waiting)
            for (const { chunk, record } of left) {
              const length = chunk.words[record]! & 0xffffff
              const bytes = chunk.bytes.u8.subarray(record * 4 + 24, record * 4 + length)
              expect(bytes.every((byte) => byte === (chunk.words[record + 1]! & 0xff))).toBe(true)
            }
            // The successor has them in its mailboxes, and they are taken there.
            for (const slot of left) slot.take()
            waiting = []
            thread.busy = true
            thread.read()
          }
          expect(thread.reader.received).toBe(n)
          expect(thread.taken.length + waiting.length).toBeLessThanOrEqual(n)
        }
      ),
      { numRuns: 200 }
    )
  })

  it("keeps handles for good, over any number of successors", () => {
    const thread = new Thread(1024)
    for (let n = 1; n <= 3000; n++) {
      thread.writer.add(BIND, n, n, 0, 0, new Uint8Array(40), encode)
      thread.read()
      if (n % 1000 === 0) {
        const left = thread.die()
        expect(numbers(left, KEPT)).toEqual(Array.from({ length: n }, (_, i) => i + 1))
      }
    }
  })

  it("goes on with a record of which some parts have come", () => {
    const thread = new Thread(256)
    thread.tell(7, 1000)
    thread.writer.drain()
    thread.writer.publish()
    thread.reader.poll(thread, 1)
    const [whole] = thread.die()
    expect(whole!.state).toBe(PARTIAL)
    expect(whole!.from).toBe(3)
    thread.reader.resume(whole!, thread)
    thread.busy = false
    thread.read()
    expect(thread.taken).toEqual([7])
    expect(thread.reader.received).toBe(1)
    expect(thread.die()).toEqual([])
  })

  it("uses its memory again, and gives back what a flood took", () => {
    const thread = new Thread(1 << 16)
    for (let round = 0; round < 50; round++) {
      for (let n = 0; n < 100; n++) thread.tell(n, 100)
      thread.read()
      thread.parcels.splice(0).forEach((parcel) => parcel.open())
    }
    expect(thread.memory).toBe(1)
    for (let n = 0; n < 40_000; n++) {
      thread.tell(n, 100)
      thread.read()
    }
    expect(thread.chunks.size).toBeGreaterThan(5)
    thread.parcels.splice(0).forEach((parcel) => parcel.open())
    expect(thread.chunks.size).toBeLessThanOrEqual(2)
    expect(thread.die()).toEqual([])
  })
})
