/**
 * Primitives of the wire: a fixed view over a buffer, lengths, strings and
 * bigints, written into and read out of bytes that may be shared.
 *
 * **Contract**: any thread; the caller alone writes `[offset, limit)` while it
 * encodes, and nobody writes `[offset, end)` while it decodes. A writer
 * returns the offset after what it wrote, or -1 when that would pass `limit`;
 * it never touches a byte at or after `limit`. A reader leaves the offset after
 * what it read in `cursor.p`, and throws {@link WireError} for bytes that are
 * malformed or that end too early.
 *
 * **Invariant**: no read at or after `end`; a length is compared with the bytes
 * that are left before anything is made of it; each length is read once.
 *
 * **Ordering**: none. These are plain loads and stores: whoever hands the bytes
 * to another thread publishes them with an Atomics store of its own.
 *
 * **Allocation**: none on write but for strings that are not short ASCII (one
 * subarray) and bigints beyond 64 bits (their hexadecimal text); on read the
 * value itself, and one subarray for a long string.
 *
 * **Evidence**: `test/Codec.bytes.test.ts`, `test/Codec.fuzz.test.ts`,
 * `npm run stress -- --only codec`; benchmark scenarios `codec.*`.
 */

/**
 * A fixed view over an ArrayBuffer or SharedArrayBuffer. Never a
 * length-tracking one: those were measured about 25 times slower.
 */
export class Bytes {
  /** Every byte of the view. */
  readonly u8: Uint8Array
  /** The same bytes, for numbers wider than one. */
  readonly view: DataView

  constructor(buffer: ArrayBufferLike, byteOffset = 0, byteLength: number = buffer.byteLength - byteOffset) {
    this.u8 = new Uint8Array(buffer, byteOffset, byteLength)
    this.view = new DataView(buffer, byteOffset, byteLength)
  }
}

/**
 * Why a value or some bytes were refused. Not an Error: it carries no stack,
 * so hostile input is cheap to refuse, and it never leaves the codec, which
 * turns it into a `CodecError` with a path.
 */
export class WireError {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** Refuses. */
export const fail = (reason: string): never => {
  throw new WireError(reason)
}

/** Refuses bytes that end before the value does. */
export const truncated = (): never => fail("the bytes end before the value does")

/** Where the last reader stopped; read it at once, the next reader moves it. */
export const cursor = { p: 0 }

/** Writes a length (0 to 2^53) in groups of seven bits, low first. */
export const writeLength = (u8: Uint8Array, n: number, offset: number, limit: number): number => {
  let o = offset
  let rest = n
  while (rest > 0x7f) {
    if (o >= limit) return -1
    u8[o++] = (rest & 0x7f) | 0x80
    rest = Math.floor(rest / 128)
  }
  if (o >= limit) return -1
  u8[o++] = rest
  return o
}

/** Reads a length. More than seven groups, hence more than 2^49, is malformed. */
export const readLength = (u8: Uint8Array, offset: number, end: number): number => {
  let p = offset
  let scale = 1
  let n = 0
  for (let group = 0; group < 7; group++) {
    if (p >= end) return truncated()
    const byte = u8[p++]!
    n += (byte & 0x7f) * scale
    if (byte < 0x80) {
      cursor.p = p
      return n
    }
    scale *= 128
  }
  return fail("a length of more than seven bytes")
}

// A string is its header, twice its length in bytes plus its form, and then
// its bytes. Form 0 is UTF-8. Form 1 is UTF-16, for the strings UTF-8 cannot
// say: those with a lone surrogate, which arrive as they were.
const utf16 = 1

// Measured on Node 26: below these the loops win over the encoder's and the
// decoder's fixed costs (about 50 and 80 ns).
const shortWrite = 28
const shortRead = 48

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

// Browsers differ in whether TextEncoder and TextDecoder take shared memory.
// Asked once, when the first long string meets it; the other way is a copy.
let takesShared: boolean | undefined
const canTakeShared = (): boolean => {
  if (takesShared === undefined) {
    try {
      const probe = new Uint8Array(new SharedArrayBuffer(4))
      takesShared = encoder.encodeInto("ab", probe).written === 2 &&
        decoder.decode(probe.subarray(0, 2)) === "ab"
    } catch {
      takesShared = false
    }
  }
  return takesShared
}

const isShared = (u8: Uint8Array): boolean =>
  typeof SharedArrayBuffer !== "undefined" && u8.buffer instanceof SharedArrayBuffer

/** For tests: forget, or force, what the platform takes. */
export const setTakesShared = (value: boolean | undefined): void => {
  takesShared = value
}

/** Writes a string. */
export const writeString = (u8: Uint8Array, text: string, offset: number, limit: number): number => {
  const n = text.length
  if (n > shortWrite) return writeLongString(u8, text, offset, limit)
  // Every form takes at least a byte for each code unit.
  if (offset + 1 + n > limit) return -1
  let o = offset + 1
  for (let i = 0; i < n; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return writeWideString(u8, text, offset, limit)
    u8[o++] = unit
  }
  u8[offset] = n << 1
  return o
}

// Short and not ASCII: measured first, because the header is of the bytes.
const writeWideString = (u8: Uint8Array, text: string, offset: number, limit: number): number => {
  const n = text.length
  let size = 0
  for (let i = 0; i < n; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) size += 1
    else if (unit < 0x800) size += 2
    else if (unit < 0xd800 || unit > 0xdfff) size += 3
    else {
      const low = unit < 0xdc00 && i + 1 < n ? text.charCodeAt(i + 1) : 0
      if (low < 0xdc00 || low > 0xdfff) return writeUtf16(u8, text, offset, limit)
      size += 4
      i++
    }
  }
  let o = writeLength(u8, size * 2, offset, limit)
  if (o < 0 || o + size > limit) return -1
  for (let i = 0; i < n; i++) {
    let point = text.charCodeAt(i)
    if (point < 0x80) u8[o++] = point
    else if (point < 0x800) {
      u8[o++] = 0xc0 | (point >> 6)
      u8[o++] = 0x80 | (point & 0x3f)
    } else if (point < 0xd800 || point > 0xdfff) {
      u8[o++] = 0xe0 | (point >> 12)
      u8[o++] = 0x80 | ((point >> 6) & 0x3f)
      u8[o++] = 0x80 | (point & 0x3f)
    } else {
      point = 0x10000 + ((point - 0xd800) << 10) + (text.charCodeAt(++i) - 0xdc00)
      u8[o++] = 0xf0 | (point >> 18)
      u8[o++] = 0x80 | ((point >> 12) & 0x3f)
      u8[o++] = 0x80 | ((point >> 6) & 0x3f)
      u8[o++] = 0x80 | (point & 0x3f)
    }
  }
  return o
}

const writeLongString = (u8: Uint8Array, text: string, offset: number, limit: number): number => {
  const n = text.length
  if (offset + 1 + n > limit) return -1
  if (!text.isWellFormed()) return writeUtf16(u8, text, offset, limit)
  // The length in bytes is known only afterwards, so the header takes the room
  // that the longest would need; groups of zeroes fill what is left of it.
  const header = lengthSize(n * 6)
  const start = offset + header
  if (start + n > limit) return -1
  const room = Math.min(limit - start, n * 3)
  let size: number
  if (isShared(u8) && !canTakeShared()) {
    const bytes = encoder.encode(text)
    if (bytes.length > room) return -1
    u8.set(bytes, start)
    size = bytes.length
  } else {
    const done = encoder.encodeInto(text, u8.subarray(start, start + room))
    if (done.read < n) return -1
    size = done.written
  }
  let rest = size * 2
  for (let o = offset; o < start - 1; o++) {
    u8[o] = (rest & 0x7f) | 0x80
    rest = Math.floor(rest / 128)
  }
  u8[start - 1] = rest
  return start + size
}

const lengthSize = (n: number): number => {
  let size = 1
  for (let rest = n; rest > 0x7f; rest = Math.floor(rest / 128)) size++
  return size
}

const writeUtf16 = (u8: Uint8Array, text: string, offset: number, limit: number): number => {
  const n = text.length
  let o = writeLength(u8, n * 4 + utf16, offset, limit)
  if (o < 0 || o + n * 2 > limit) return -1
  for (let i = 0; i < n; i++) {
    const unit = text.charCodeAt(i)
    u8[o++] = unit & 0xff
    u8[o++] = unit >> 8
  }
  return o
}

/** Reads a string. */
export const readString = (u8: Uint8Array, offset: number, end: number): string => {
  if (offset >= end) return truncated()
  let header = u8[offset]!
  let p = offset + 1
  if (header > 0x7f) {
    header = readLength(u8, offset, end)
    p = cursor.p
  }
  // Not `>> 1`: a hostile header may have more than 32 bits.
  const form = header % 2
  const n = (header - form) / 2
  if (n > end - p) return truncated()
  cursor.p = p + n
  if (form === utf16) return readUtf16(u8, p, n)
  return n <= shortRead ? readShort(u8, p, n) : readUtf8(u8, p, n)
}

// One array for each length: `apply` with a packed array of small integers is
// the fastest way from a dozen bytes to a string, and needs no second check.
const units: ReadonlyArray<Array<number>> = Array.from(
  { length: shortRead + 1 },
  (_, n) => Array.from({ length: n }, () => 0)
)
const fromUnits = String.fromCharCode

const readShort = (u8: Uint8Array, p: number, n: number): string => {
  if (n <= 8) return readTiny(u8, p, n)
  const out = units[n]!
  let seen = 0
  for (let i = 0; i < n; i++) {
    const byte = u8[p + i]!
    seen |= byte
    out[i] = byte
  }
  return seen > 0x7f ? readUtf8(u8, p, n) : fromUnits.apply(null, out)
}

const readTiny = (u8: Uint8Array, p: number, n: number): string => {
  switch (n) {
    case 0:
      return ""
    case 1: {
      const a = u8[p]!
      return a > 0x7f ? readUtf8(u8, p, n) : fromUnits(a)
    }
    case 2: {
      const a = u8[p]!, b = u8[p + 1]!
      return (a | b) > 0x7f ? readUtf8(u8, p, n) : fromUnits(a, b)
    }
    case 3: {
      const a = u8[p]!, b = u8[p + 1]!, c = u8[p + 2]!
      return (a | b | c) > 0x7f ? readUtf8(u8, p, n) : fromUnits(a, b, c)
    }
    case 4: {
      const a = u8[p]!, b = u8[p + 1]!, c = u8[p + 2]!, d = u8[p + 3]!
      return (a | b | c | d) > 0x7f ? readUtf8(u8, p, n) : fromUnits(a, b, c, d)
    }
    case 5: {
      const a = u8[p]!, b = u8[p + 1]!, c = u8[p + 2]!, d = u8[p + 3]!, e = u8[p + 4]!
      return (a | b | c | d | e) > 0x7f ? readUtf8(u8, p, n) : fromUnits(a, b, c, d, e)
    }
    case 6: {
      const a = u8[p]!, b = u8[p + 1]!, c = u8[p + 2]!, d = u8[p + 3]!, e = u8[p + 4]!, f = u8[p + 5]!
      return (a | b | c | d | e | f) > 0x7f ? readUtf8(u8, p, n) : fromUnits(a, b, c, d, e, f)
    }
    case 7: {
      const a = u8[p]!, b = u8[p + 1]!, c = u8[p + 2]!, d = u8[p + 3]!, e = u8[p + 4]!, f = u8[p + 5]!
      const g = u8[p + 6]!
      return (a | b | c | d | e | f | g) > 0x7f ? readUtf8(u8, p, n) : fromUnits(a, b, c, d, e, f, g)
    }
    default: {
      const a = u8[p]!, b = u8[p + 1]!, c = u8[p + 2]!, d = u8[p + 3]!, e = u8[p + 4]!, f = u8[p + 5]!
      const g = u8[p + 6]!, h = u8[p + 7]!
      return (a | b | c | d | e | f | g | h) > 0x7f ? readUtf8(u8, p, n) : fromUnits(a, b, c, d, e, f, g, h)
    }
  }
}

const readUtf8 = (u8: Uint8Array, p: number, n: number): string => {
  try {
    // `slice` of a shared view copies into memory of this thread's own.
    return decoder.decode(isShared(u8) && !canTakeShared() ? u8.slice(p, p + n) : u8.subarray(p, p + n))
  } catch {
    return fail("a string that is not UTF-8")
  }
}

const readUtf16 = (u8: Uint8Array, p: number, n: number): string => {
  if (n % 2 !== 0) return fail("a UTF-16 string of an odd length")
  let out = ""
  for (let at = p; at < p + n;) {
    // In pieces: the arguments of a call lie on the stack.
    const stop = Math.min(at + 2048, p + n)
    const piece: Array<number> = []
    for (; at < stop; at += 2) piece.push(u8[at]! | (u8[at + 1]! << 8))
    out += fromUnits.apply(null, piece)
  }
  return out
}

/** Writes bytes with their length before them. */
export const writeOctets = (u8: Uint8Array, octets: Uint8Array, offset: number, limit: number): number => {
  const o = writeLength(u8, octets.length, offset, limit)
  if (o < 0 || o + octets.length > limit) return -1
  u8.set(octets, o)
  return o + octets.length
}

/** Reads bytes, as a copy in memory of the reader's own. */
export const readOctets = (u8: Uint8Array, offset: number, end: number): Uint8Array<ArrayBuffer> => {
  const n = readLength(u8, offset, end)
  const p = cursor.p
  if (n > end - p) return truncated()
  const out = new Uint8Array(n)
  out.set(u8.subarray(p, p + n))
  cursor.p = p + n
  return out
}

// A bigint is 0 and eight bytes when it fits in 64 bits; otherwise 1 or, if
// negative, 2, and the bytes of its magnitude. Hexadecimal text is the way both
// ways: it takes linear time, where shifting word by word would take quadratic,
// and a hostile megabyte would hang the reader.
const wide = 1
const wideNegative = 2

/** Writes a bigint of any size. */
export const writeBigInt = (bytes: Bytes, value: bigint, offset: number, limit: number): number => {
  const { u8 } = bytes
  if (BigInt.asIntN(64, value) === value) {
    if (offset + 9 > limit) return -1
    u8[offset] = 0
    bytes.view.setBigInt64(offset + 1, value, true)
    return offset + 9
  }
  const hex = (value < 0n ? -value : value).toString(16)
  const size = (hex.length + 1) >> 1
  if (offset >= limit) return -1
  u8[offset] = value < 0n ? wideNegative : wide
  const o = writeLength(u8, size, offset + 1, limit)
  if (o < 0 || o + size > limit) return -1
  for (let i = 0; i < size; i++) {
    const stop = hex.length - 2 * i
    u8[o + i] = Number.parseInt(hex.slice(Math.max(0, stop - 2), stop), 16)
  }
  return o + size
}

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/** Reads a bigint. */
export const readBigInt = (bytes: Bytes, offset: number, end: number): bigint => {
  const { u8 } = bytes
  if (offset >= end) return truncated()
  const form = u8[offset]!
  if (form === 0) {
    if (offset + 9 > end) return truncated()
    cursor.p = offset + 9
    return bytes.view.getBigInt64(offset + 1, true)
  }
  if (form !== wide && form !== wideNegative) return fail("a bigint of no known form")
  const size = readLength(u8, offset + 1, end)
  const p = cursor.p
  if (size > end - p) return truncated()
  if (size < 8) return fail("a bigint longer than it needs to be")
  let hex = "0x"
  for (let i = size - 1; i >= 0; i--) hex += hexOf[u8[p + i]!]!
  let magnitude: bigint
  try {
    magnitude = BigInt(hex)
  } catch {
    return fail("a bigint larger than this platform's largest")
  }
  cursor.p = p + size
  return form === wideNegative ? -magnitude : magnitude
}
