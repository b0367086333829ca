/** The coders of the formats. */
import type * as Codec from "@troupe/runtime/Codec"
import type * as Layout from "@troupe/runtime/Layout"
import type { Coder } from "../Format.ts"
import { checksum } from "./hot/checksum.ts"

export const raw: Coder<Uint8Array, Uint8Array<ArrayBuffer>> = {
  encode: (value, bytes, offset, limit) => {
    const end = offset + value.length
    if (end > limit) return -1
    bytes.u8.set(value, offset)
    return end
  },
  decode: (bytes, offset, end) => bytes.u8.slice(offset, end) as Uint8Array<ArrayBuffer>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

// Below this a loop over ASCII wins over the encoder's and the decoder's fixed costs.
const SHORT = 32

const encodeText = (value: string, { u8 }: Codec.Bytes, offset: number, limit: number): number => {
  const { length } = value
  if (offset + length > limit) return -1
  if (length < SHORT) {
    let i = 0
    for (; i < length; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 0x7f) break
      u8[offset + i] = unit
    }
    if (i === length) return offset + length
  }
  const { read, written } = encoder.encodeInto(value, u8.subarray(offset, limit))
  return read < length ? -1 : offset + written
}

const decodeText = ({ u8 }: Codec.Bytes, offset: number, end: number): string =>
  decoder.decode(u8.subarray(offset, end))

export const text: Coder<string, string> = { encode: encodeText, decode: decodeText }

const NEWLINE = 10

export const lines = <A>(encode: (value: A) => string, decode: (line: string) => A): Coder<A, A> => ({
  encode: (value, bytes, offset, limit) => {
    const end = encodeText(encode(value), bytes, offset, limit - 1)
    if (end < 0) return end
    bytes.u8[end] = NEWLINE
    return end + 1
  },
  decode: (bytes, offset, end) => {
    if (end === offset || bytes.u8[end - 1] !== NEWLINE) throw new Error("the line does not end")
    return decode(decodeText(bytes, offset, end - 1))
  }
})

const layoutOf = <A, Out>(layout: Layout.Layout<A>, out: (view: Layout.View<A>) => Out): Coder<A, Out> => {
  const { byteLength } = layout
  // A channel's file has one view over all of its bytes; a cursor is made once for each.
  let known: Codec.Bytes | undefined
  let cursor: Layout.Cursor<A>
  const at = (bytes: Codec.Bytes, offset: number): Layout.View<A> => {
    if (bytes !== known) {
      const { buffer, byteLength, byteOffset } = bytes.u8
      cursor = layout.cursor({ buffer, byteOffset, byteLength })
      known = bytes
    }
    return cursor.atByte(offset)
  }
  return {
    encode: (value, bytes, offset, limit) => {
      if (offset + byteLength > limit) return -1
      layout.write(at(bytes, offset), value)
      return offset + byteLength
    },
    decode: (bytes, offset, end) => {
      if (end - offset !== byteLength) throw new Error(`${end - offset} bytes, not ${byteLength}`)
      return out(at(bytes, offset))
    }
  }
}

export const layout = <A>(layout: Layout.Layout<A>): Coder<A, A> => layoutOf(layout, layout.read)

export const views = <A>(layout: Layout.Layout<A>): Coder<A, Layout.ReadonlyView<A>> =>
  layoutOf(layout, (view) => view as unknown as Layout.ReadonlyView<A>)

/** Bytes of a number in front of a record: with 8, what follows begins at a multiple of 8 too. */
const NUMBER = 8

const assertNumber = (offset: number, end: number): void => {
  if (end - offset < NUMBER) throw new Error("the record is shorter than what its handlers add")
}

const prefixed = <In, Out, X>(
  inner: Coder<In, Out>,
  next: (bytes: Codec.Bytes, offset: number) => bigint,
  result: (prefix: bigint, value: Out) => X
): Coder<In, X> => ({
  encode: (value, bytes, offset, limit) => {
    if (offset + NUMBER > limit) return -1
    bytes.view.setBigUint64(offset, next(bytes, offset), true)
    return inner.encode(value, bytes, offset + NUMBER, limit)
  },
  decode: (bytes, offset, end) => {
    assertNumber(offset, end)
    return result(bytes.view.getBigUint64(offset, true), inner.decode(bytes, offset + NUMBER, end))
  },
  published: inner.published,
  resume: inner.resume && ((bytes, offset, end) => {
    assertNumber(offset, end)
    inner.resume?.(bytes, offset + NUMBER, end)
  })
})

export const timestamped = <In, Out>(
  inner: Coder<In, Out>,
  now: () => bigint
): Coder<In, { readonly timestamp: bigint; readonly value: Out }> =>
  prefixed(inner, now, (timestamp, value) => ({ timestamp, value }))

export const sequenced = <In, Out>(
  inner: Coder<In, Out>,
  start: number
): Coder<In, { readonly sequence: number; readonly value: Out }> => {
  // What readers have seen, and how far what is being encoded is ahead of it: a batch is many records before one is
  // published, and begins again at its first offset when it was refused.
  let last = BigInt(start)
  let ahead = 0n
  let at = Infinity
  let over: Codec.Bytes | undefined
  const next = (bytes: Codec.Bytes, offset: number): bigint => {
    if (offset <= at || bytes !== over) ahead = 0n
    at = offset
    over = bytes
    return last + ++ahead
  }
  return {
    ...prefixed(inner, next, (sequence, value) => ({ sequence: Number(sequence), value })),
    published: (count) => {
      last += BigInt(count)
      at = Infinity
      inner.published?.(count)
    },
    resume: (bytes, offset, end) => {
      assertNumber(offset, end)
      last = bytes.view.getBigUint64(offset, true)
      inner.resume?.(bytes, offset + NUMBER, end)
    }
  }
}

const CHECK = 4

export const checksummed = <In, Out>(inner: Coder<In, Out>): Coder<In, Out> => {
  let known: Codec.Bytes | undefined
  let words: Int32Array
  const sum = (bytes: Codec.Bytes, offset: number, end: number): number => {
    if (bytes !== known) {
      known = bytes
      words = new Int32Array(bytes.u8.buffer, bytes.u8.byteOffset, bytes.u8.byteLength >>> 2)
    }
    return checksum(bytes.u8, words, offset, end - offset, 0)
  }
  return {
    encode: (value, bytes, offset, limit) => {
      const end = inner.encode(value, bytes, offset, limit - CHECK)
      if (end < 0) return end
      bytes.view.setInt32(end, sum(bytes, offset, end), true)
      return end + CHECK
    },
    decode: (bytes, offset, end) => {
      if (end - offset < CHECK) throw new Error("the record is shorter than its checksum")
      if (sum(bytes, offset, end - CHECK) !== bytes.view.getInt32(end - CHECK, true)) {
        throw new Error("the checksum is wrong")
      }
      return inner.decode(bytes, offset, end - CHECK)
    },
    published: inner.published,
    resume: inner.resume && ((bytes, offset, end) => inner.resume?.(bytes, offset, end - CHECK))
  }
}
