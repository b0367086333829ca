/**
 * Values whose schema says nothing of their shape (`Unknown`, `Any`, `Json`,
 * a defect): each carries a tag of its type. Plain data only; a function, a
 * symbol or an instance of a class is refused where it is sent.
 */
import {
  type Bytes,
  cursor,
  fail,
  readBigInt,
  readLength,
  readOctets,
  readString,
  truncated,
  writeBigInt,
  writeLength,
  writeOctets,
  writeString
} from "./hot/bytes.ts"
import { setKey } from "./hot/record.ts"

const Tag = {
  null: 0,
  undefined: 1,
  false: 2,
  true: 3,
  number: 4,
  string: 5,
  bigint: 6,
  array: 7,
  object: 8,
  date: 9,
  octets: 10,
  map: 11,
  set: 12
} as const

/** Writes; -1 when it does not fit. */
export const writeDynamic = (
  bytes: Bytes,
  value: unknown,
  offset: number,
  limit: number,
  json: boolean,
  depth: number
): number => {
  if (offset >= limit) return -1
  const { u8 } = bytes
  const o = offset + 1
  switch (typeof value) {
    case "boolean":
      u8[offset] = value ? Tag.true : Tag.false
      return o
    case "number":
      if (json && !Number.isFinite(value)) return fail("expected a finite number in JSON")
      if (o + 8 > limit) return -1
      u8[offset] = Tag.number
      bytes.view.setFloat64(o, value, true)
      return o + 8
    case "string":
      u8[offset] = Tag.string
      return writeString(u8, value, o, limit)
    case "undefined":
      if (json) break
      u8[offset] = Tag.undefined
      return o
    case "bigint":
      if (json) break
      u8[offset] = Tag.bigint
      return writeBigInt(bytes, value, o, limit)
    case "object":
      if (value === null) {
        u8[offset] = Tag.null
        return o
      }
      if (depth <= 0) return fail("it is deeper than the limit, or cyclic")
      return writeObject(bytes, value, offset, limit, json, depth - 1)
  }
  return fail(`a ${typeof value} cannot cross a thread here`)
}

const writeObject = (
  bytes: Bytes,
  value: object,
  offset: number,
  limit: number,
  json: boolean,
  depth: number
): number => {
  const { u8 } = bytes
  if (Array.isArray(value)) {
    const n = value.length
    u8[offset] = Tag.array
    let o = writeLength(u8, n, offset + 1, limit)
    for (let i = 0; i < n && o >= 0; i++) o = writeDynamic(bytes, value[i], o, limit, json, depth)
    return o
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || isObjectPrototype(prototype)) {
    const keys = Object.keys(value)
    u8[offset] = Tag.object
    let o = writeLength(u8, keys.length, offset + 1, limit)
    for (const key of keys) {
      if (o < 0) return -1
      o = writeString(u8, key, o, limit)
      if (o < 0) return -1
      o = writeDynamic(bytes, (value as { readonly [key: string]: unknown })[key], o, limit, json, depth)
    }
    return o
  }
  if (json) return fail("expected a plain object in JSON")
  if (value instanceof Date) {
    if (offset + 9 > limit) return -1
    u8[offset] = Tag.date
    bytes.view.setFloat64(offset + 1, value.getTime(), true)
    return offset + 9
  }
  if (value instanceof Uint8Array) {
    u8[offset] = Tag.octets
    return writeOctets(u8, value, offset + 1, limit)
  }
  if (value instanceof Map) {
    const entries = [...value]
    u8[offset] = Tag.map
    let o = writeLength(u8, entries.length, offset + 1, limit)
    for (const [key, each] of entries) {
      if (o < 0) return -1
      o = writeDynamic(bytes, key, o, limit, json, depth)
      if (o < 0) return -1
      o = writeDynamic(bytes, each, o, limit, json, depth)
    }
    return o
  }
  if (value instanceof Set) {
    const entries = [...value]
    u8[offset] = Tag.set
    let o = writeLength(u8, entries.length, offset + 1, limit)
    for (const each of entries) {
      if (o < 0) return -1
      o = writeDynamic(bytes, each, o, limit, json, depth)
    }
    return o
  }
  return fail("an instance of a class cannot cross a thread here: its schema does not say how")
}

// Of any realm: an object made in another context is as plain.
const isObjectPrototype = (prototype: unknown): boolean =>
  prototype === Object.prototype ||
  (typeof prototype === "object" && Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype as object, "isPrototypeOf"))

/** Reads, and leaves the offset after it in the cursor. */
export const readDynamic = (
  bytes: Bytes,
  offset: number,
  end: number,
  json: boolean,
  depth: number
): unknown => {
  if (offset >= end) return truncated()
  const { u8 } = bytes
  const tag = u8[offset]!
  const p = offset + 1
  cursor.p = p
  switch (tag) {
    case Tag.null:
      return null
    case Tag.false:
      return false
    case Tag.true:
      return true
    case Tag.number: {
      if (p + 8 > end) return truncated()
      cursor.p = p + 8
      const value = bytes.view.getFloat64(p, true)
      return json && !Number.isFinite(value) ? fail("expected a finite number in JSON") : value
    }
    case Tag.string:
      return readString(u8, p, end)
    case Tag.array:
    case Tag.object:
      if (depth <= 0) return fail("it is deeper than the limit")
      return tag === Tag.array
        ? readArray(bytes, p, end, json, depth - 1)
        : readObject(bytes, p, end, json, depth - 1)
  }
  if (json) return fail("a tag that is not of JSON")
  switch (tag) {
    case Tag.undefined:
      return undefined
    case Tag.bigint:
      return readBigInt(bytes, p, end)
    case Tag.date:
      if (p + 8 > end) return truncated()
      cursor.p = p + 8
      return new Date(bytes.view.getFloat64(p, true))
    case Tag.octets:
      return readOctets(u8, p, end)
    case Tag.map: {
      if (depth <= 0) return fail("it is deeper than the limit")
      const n = readLength(u8, p, end)
      if (n * 2 > end - cursor.p) return truncated()
      const map = new Map<unknown, unknown>()
      for (let i = 0; i < n; i++) {
        const key = readDynamic(bytes, cursor.p, end, json, depth - 1)
        map.set(key, readDynamic(bytes, cursor.p, end, json, depth - 1))
      }
      return map
    }
    case Tag.set:
      if (depth <= 0) return fail("it is deeper than the limit")
      return new Set(readArray(bytes, p, end, json, depth - 1))
    default:
      return fail("a tag of no known type")
  }
}

const readArray = (bytes: Bytes, p: number, end: number, json: boolean, depth: number): Array<unknown> => {
  const n = readLength(bytes.u8, p, end)
  if (n > end - cursor.p) return truncated()
  const out: Array<unknown> = []
  for (let i = 0; i < n; i++) out.push(readDynamic(bytes, cursor.p, end, json, depth))
  return out
}

const readObject = (bytes: Bytes, p: number, end: number, json: boolean, depth: number): object => {
  const n = readLength(bytes.u8, p, end)
  if (n * 2 > end - cursor.p) return truncated()
  const out = {}
  for (let i = 0; i < n; i++) {
    const key = readString(bytes.u8, cursor.p, end)
    setKey(out, key, readDynamic(bytes, cursor.p, end, json, depth))
  }
  return out
}
