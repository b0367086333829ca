/** Strings, lengths and bigints, in memory of every kind. */
import * as fc from "fast-check"
import { afterEach, describe, expect, it } from "vitest"
import {
  Bytes,
  cursor,
  readBigInt,
  readLength,
  readOctets,
  readString,
  setTakesShared,
  WireError,
  writeBigInt,
  writeLength,
  writeOctets,
  writeString
} from "../src/internal/hot/bytes.ts"

const units = fc.array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 32, max: 126 })), {
  maxLength: 200
})
const texts = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 100 }),
  units.map((all) => String.fromCharCode(...all)),
  fc.constantFrom(
    "",
    "\u0000",
    "\ufeff",
    "\ud800",
    "\udc00\ud800",
    "a\ud83d",
    "😀",
    "é".repeat(60),
    "x".repeat(5000)
  )
)

const buffers = {
  "an ArrayBuffer": (size: number) => new Bytes(new ArrayBuffer(size)),
  "a SharedArrayBuffer": (size: number) => new Bytes(new SharedArrayBuffer(size)),
  "part of a buffer": (size: number) => new Bytes(new SharedArrayBuffer(size + 20), 13, size)
}

afterEach(() => setTakesShared(undefined))

describe("bytes", () => {
  for (const [where, make] of Object.entries(buffers)) {
    for (const takesShared of [undefined, false]) {
      it(`keeps every string in ${where}${takesShared === false ? ", on a platform that decodes no shared memory" : ""}`, () => {
        setTakesShared(takesShared)
        fc.assert(fc.property(texts, fc.nat(9), (text, offset) => {
          const bytes = make(offset + text.length * 3 + 20)
          const end = writeString(bytes.u8, text, offset, bytes.u8.length)
          expect(end).toBeGreaterThan(offset)
          expect(readString(bytes.u8, offset, end)).toBe(text)
          expect(cursor.p).toBe(end)
          if (end - 1 > offset) expect(() => readString(bytes.u8, offset, end - 1)).toThrow(WireError)
        }))
      })
    }
  }

  it("writes no string where there is no room for it", () => {
    fc.assert(fc.property(texts, fc.nat(700), (text, room) => {
      const bytes = new Bytes(new ArrayBuffer(room + 8))
      bytes.u8.fill(0xa5)
      const end = writeString(bytes.u8, text, 0, room)
      expect(end).toBeLessThanOrEqual(room)
      expect(Array.from(bytes.u8.slice(room))).toEqual(Array.from({ length: 8 }, () => 0xa5))
      if (end >= 0) expect(readString(bytes.u8, 0, end)).toBe(text)
    }))
  })

  it("keeps every length", () => {
    fc.assert(fc.property(fc.oneof(fc.nat(300), fc.nat(), fc.integer({ min: 0, max: 2 ** 49 - 1 })), (n) => {
      const bytes = new Bytes(new ArrayBuffer(10))
      const end = writeLength(bytes.u8, n, 0, 10)
      expect(readLength(bytes.u8, 0, end)).toBe(n)
      expect(cursor.p).toBe(end)
      expect(writeLength(bytes.u8, n, 0, end - 1)).toBe(-1)
    }))
  })

  it("refuses a length that does not end", () => {
    expect(() => readLength(new Uint8Array(20).fill(0xff), 0, 20)).toThrow(WireError)
    expect(() => readLength(new Uint8Array(3).fill(0xff), 0, 3)).toThrow(WireError)
  })

  it("keeps every bigint", () => {
    const wide = 2n ** 300n
    const edges = [
      0n,
      -1n,
      2n ** 63n - 1n,
      2n ** 63n,
      -(2n ** 63n),
      -(2n ** 63n) - 1n,
      2n ** 64n,
      wide,
      -wide
    ]
    fc.assert(
      fc.property(
        fc.oneof(fc.bigInt(), fc.bigInt({ min: -wide, max: wide }), fc.constantFrom(...edges)),
        (value) => {
          const bytes = new Bytes(new SharedArrayBuffer(64))
          const end = writeBigInt(bytes, value, 3, 64)
          expect(readBigInt(bytes, 3, end)).toBe(value)
          expect(cursor.p).toBe(end)
          expect(writeBigInt(bytes, value, 3, end - 1)).toBe(-1)
          expect(() => readBigInt(bytes, 3, end - 1)).toThrow(WireError)
        }
      )
    )
  })

  it("reads a bigint of half a megabyte in linear time", () => {
    const bytes = new Bytes(new ArrayBuffer(600_000))
    const value = (1n << 4_000_000n) - 12345n
    const end = writeBigInt(bytes, value, 0, 600_000)
    expect(readBigInt(bytes, 0, end)).toBe(value)
  })

  it("copies octets out of the buffer", () => {
    const bytes = new Bytes(new SharedArrayBuffer(16))
    const end = writeOctets(bytes.u8, new Uint8Array([1, 2, 3]), 2, 16)
    const out = readOctets(bytes.u8, 2, end)
    bytes.u8.fill(0)
    expect([...out]).toEqual([1, 2, 3])
    expect(out.buffer).toBeInstanceOf(ArrayBuffer)
    expect(out.buffer.byteLength).toBe(3)
  })
})
