import { assert, describe, it } from "vitest"
import * as fc from "fast-check"
import { checksum } from "../../src/internal/hot/checksum.ts"

/** The algorithm as its specification says it, in BigInts. */
const twin = (bytes: Uint8Array, seed: number): number => {
  const M = 0xffffffffn
  const [P1, P2, P3, P4, P5] = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn, 0x27d4eb2fn, 0x165667b1n]
  const rotate = (x: bigint, n: bigint) => ((x << n) | (x >> (32n - n))) & M
  const word = (at: number) => BigInt(new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true))
  const s = BigInt(seed >>> 0)
  let at = 0
  let h = (s + P5) & M
  if (bytes.length >= 16) {
    const lanes = [(s + P1 + P2) & M, (s + P2) & M, s, (s - P1) & M]
    for (; at + 16 <= bytes.length; at += 16) {
      for (let i = 0; i < 4; i++) {
        lanes[i] = (rotate((lanes[i]! + word(at + i * 4) * P2) & M, 13n) * P1) & M
      }
    }
    h = (rotate(lanes[0]!, 1n) + rotate(lanes[1]!, 7n) + rotate(lanes[2]!, 12n) + rotate(lanes[3]!, 18n)) & M
  }
  h = (h + BigInt(bytes.length)) & M
  for (; at + 4 <= bytes.length; at += 4) h = (rotate((h + word(at) * P3) & M, 17n) * P4) & M
  for (; at < bytes.length; at++) h = (rotate((h + BigInt(bytes[at]!) * P5) & M, 11n) * P1) & M
  h = ((h ^ (h >> 15n)) * P2) & M
  h = ((h ^ (h >> 13n)) * P3) & M
  return Number((h ^ (h >> 16n)) & M)
}

/** The bytes at `start` of a larger stretch. */
const of = (bytes: Uint8Array, seed: number, start = 8): number => {
  const u8 = new Uint8Array((start + bytes.length + 11) & -8).fill(0xaa)
  u8.set(bytes, start)
  return checksum(u8, new Int32Array(u8.buffer), start, bytes.length, seed) >>> 0
}

describe("checksum", () => {
  it("is XXH32 by its published vectors", () => {
    const ascii = (text: string) => new TextEncoder().encode(text)
    assert.strictEqual(of(ascii(""), 0), 0x02cc5d05)
    assert.strictEqual(of(ascii(""), 0x9e3779b1), 0x36b78ae7)
    assert.strictEqual(of(ascii("abc"), 0), 0x32d153ff)
    assert.strictEqual(of(ascii("Nobody inspects the spammish repetition"), 0), 0xe2293b2f)
  })

  it("is its twin, wherever the bytes lie", () => {
    fc.assert(fc.property(
      fc.uint8Array({ maxLength: 100 }),
      fc.integer(),
      fc.integer({ min: 0, max: 20 }),
      (bytes, seed, word) => of(bytes, seed, word * 4) === twin(bytes, seed)
    ))
  })

  it("finds every change within one word", () => {
    fc.assert(fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 70 }),
      fc.nat(),
      fc.integer({ min: 1 }),
      (bytes, at, change) => {
        const first = (at % bytes.length) & -4
        const other = bytes.slice()
        for (let i = 0; i < 4 && first + i < other.length; i++) other[first + i]! ^= change >>> (i * 8)
        const same = other.every((byte, i) => byte === bytes[i])
        return (of(bytes, 1) === of(other, 1)) === same
      }
    ))
  })
})
