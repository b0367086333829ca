/**
 * A plan carried out by walking it: what runs where code cannot be generated,
 * and what says, after the generated code has refused, where and why. The two
 * give the same bytes and the same values.
 *
 * The encoder returns the offset after what it wrote, or -1 when it does not
 * fit; the decoder leaves the offset after what it read in `cursor.p`. Both
 * throw {@link WireError}, and then `path` says where.
 */
import { readDynamic, writeDynamic } from "./codecDynamic.ts"
import {
  type Choice,
  type Collection,
  elementSize,
  hasCount,
  type Int,
  isPadded,
  maxDepth,
  placeSize,
  type Plan,
  type Sequence,
  type Signature,
  type Struct,
  type Union
} from "./codecPlan.ts"
import { select } from "./codecUnion.ts"
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
import { getKey, hasKey, setKey } from "./hot/record.ts"

/** Where the walk is. Whoever starts one cuts it back to where it began. */
export const path: Array<PropertyKey> = []

const tooDeep = () => fail(`it is deeper than ${maxDepth} levels, or cyclic`)

// ---------------------------------------------------------------------------
// Encoding
// ---------------------------------------------------------------------------

/** Writes a value. */
export const write = (
  plan: Plan,
  value: any,
  bytes: Bytes,
  o: number,
  limit: number,
  depth: number
): number => {
  switch (plan._tag) {
    case "Bool":
      if (typeof value !== "boolean") return fail("expected a boolean")
      if (o >= limit) return -1
      bytes.u8[o] = value ? 1 : 0
      return o + 1
    case "Float":
      checkFloat(plan, value)
      if (o + 8 > limit) return -1
      bytes.view.setFloat64(o, value, true)
      return o + 8
    case "Int":
      return writeInt(plan, value, bytes, o, limit)
    case "Text":
      if (typeof value !== "string") return fail("expected a string")
      return writeString(bytes.u8, value, o, limit)
    case "Big":
      if (typeof value !== "bigint") return fail("expected a bigint")
      return writeBigInt(bytes, value, o, limit)
    case "Octets":
      if (!(value instanceof Uint8Array)) return fail("expected a Uint8Array")
      return writeOctets(bytes.u8, value, o, limit)
    case "Const":
      if (value !== plan.value && !plan.lenient) return fail(`expected ${show(plan.value)}`)
      return o
    case "Never":
      return fail("no value belongs here")
    case "Symbol":
      return writeString(bytes.u8, symbolKey(value), o, limit)
    case "Enum": {
      const place = plan.places.get(value)
      if (place === undefined) return fail("expected one of the literals")
      return writePlace(bytes, place, placeSize(plan.values.length), o, limit)
    }
    case "Struct":
      return writeStruct(plan, value, bytes, o, limit, depth)
    case "Sequence":
      return writeSequence(plan, value, bytes, o, limit, depth)
    case "Union": {
      const place = select(plan, value)
      if (place < 0) return fail("it is of no member of the union")
      const at = writePlace(bytes, place, placeSize(plan.members.length), o, limit)
      return at < 0 ? -1 : write(plan.members[place]!.plan, value, bytes, at, limit, depth)
    }
    case "Choice":
      return writeChoice(plan, value, bytes, o, limit, depth)
    case "Collection":
      return writeCollection(plan, value, bytes, o, limit, depth)
    case "Convert":
      return write(plan.plan, plan.to(value), bytes, o, limit, depth)
    case "Check":
      return write(plan.plan, value, bytes, o, limit, depth)
    case "Ref":
      return depth <= 0 ? tooDeep() : write(plan.plan, value, bytes, o, limit, depth - 1)
    case "Dynamic":
      return writeDynamic(bytes, value, o, limit, plan.json, depth)
  }
}

/** A literal as people write it. */
const show = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(value) : String(value)

/** Refuses what is not a number, or not of the kind that the plan admits. */
const checkFloat = (
  plan: { readonly finite: boolean; readonly integer: boolean },
  value: unknown
): void => {
  if (typeof value !== "number") fail("expected a number")
  if (plan.integer && !Number.isSafeInteger(value)) fail("expected an integer")
  if (plan.finite && !Number.isFinite(value)) fail("expected a finite number")
}

/** The registered key of a symbol; another symbol exists on this thread only. */
export const symbolKey = (value: unknown): string => {
  if (typeof value !== "symbol") return fail("expected a symbol")
  return Symbol.keyFor(value) ?? fail("only a registered symbol (Symbol.for) can cross a thread")
}

const writeInt = (plan: Int, value: unknown, bytes: Bytes, o: number, limit: number): number => {
  if (typeof value !== "number" || !(value >= plan.min && value <= plan.max) || Math.floor(value) !== value) {
    return fail(`expected an integer from ${plan.min} to ${plan.max}`)
  }
  if (o + plan.width > limit) return -1
  const code = plan.minusZero !== undefined && Object.is(value, -0) ? plan.minusZero : value
  const { view } = bytes
  switch (plan.width) {
    case 1:
      view.setUint8(o, code)
      return o + 1
    case 2:
      view.setUint16(o, code, true)
      return o + 2
    case 4:
      view.setUint32(o, code, true)
      return o + 4
  }
}

const writePlace = (bytes: Bytes, place: number, size: 1 | 2, o: number, limit: number): number => {
  if (o + size > limit) return -1
  bytes.u8[o] = place & 0xff
  if (size === 2) bytes.u8[o + 1] = place >> 8
  return o + size
}

const writeStruct = (
  plan: Struct,
  value: any,
  bytes: Bytes,
  start: number,
  limit: number,
  depth: number
): number => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fail("expected an object")
  const { u8 } = bytes
  let o = start + ((plan.optionals + 7) >> 3)
  if (o > limit) return -1
  for (let i = start; i < o; i++) u8[i] = 0
  let bit = 0
  for (const field of plan.fields) {
    path.push(field.name)
    const content = getKey(value, field.name)
    const absent = content === undefined && !hasKey(value, field.name)
    if (field.optional) {
      const place = bit++
      if (absent) {
        path.pop()
        continue
      }
      u8[start + (place >> 3)]! |= 1 << (place & 7)
    } else if (absent) return fail("it is missing")
    o = write(field.plan, content, bytes, o, limit, depth)
    if (o < 0) return -1
    path.pop()
  }
  return plan.signatures.length === 0 ? o : writeEntries(plan, value, bytes, o, limit, depth)
}

/** Writes what the index signatures select. */
const writeEntries = (
  plan: Struct,
  value: any,
  bytes: Bytes,
  start: number,
  limit: number,
  depth: number
): number => {
  const keys = selectKeys(plan, value)
  let o = writeLength(bytes.u8, keys.length, start, limit)
  for (const key of keys) {
    if (o < 0) return -1
    path.push(key)
    const place = signatureOf(plan.signatures, key)
    if (plan.signatures.some((signature) => signature.symbols)) o = writeKey(bytes, key, o, limit)
    else o = writeString(bytes.u8, key as string, o, limit)
    if (o >= 0 && plan.signatures.length > 1) o = writePlace(bytes, place, 1, o, limit)
    if (o < 0) return -1
    o = write(plan.signatures[place]!.plan, value[key], bytes, o, limit, depth)
    if (o < 0) return -1
    path.pop()
  }
  return o
}

const selectKeys = (plan: Struct, value: object): ReadonlyArray<PropertyKey> => {
  const keys: ReadonlyArray<PropertyKey> = plan.signatures.some((signature) => signature.symbols)
    ? Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key))
    : Object.keys(value)
  return keys.filter((key) => !plan.names.has(key) && signatureOf(plan.signatures, key) >= 0)
}

// Of several signatures that select a key the last one has the last word.
const signatureOf = (signatures: ReadonlyArray<Signature>, key: PropertyKey): number => {
  for (let i = signatures.length - 1; i >= 0; i--) {
    const { matches } = signatures[i]!
    if (matches === undefined ? typeof key === "string" : matches(key)) return i
  }
  return -1
}

const writeKey = (bytes: Bytes, key: PropertyKey, o: number, limit: number): number => {
  if (o >= limit) return -1
  bytes.u8[o] = typeof key === "symbol" ? 1 : 0
  return writeString(bytes.u8, typeof key === "symbol" ? symbolKey(key) : key as string, o + 1, limit)
}

const writeSequence = (
  plan: Sequence,
  value: any,
  bytes: Bytes,
  start: number,
  limit: number,
  depth: number
): number => {
  if (!Array.isArray(value)) return fail("expected an array")
  const n = value.length
  checkCount(plan, n)
  let o = start
  if (hasCount(plan)) o = writeLength(bytes.u8, n, o, limit)
  for (let i = 0; i < n; i++) {
    if (o < 0) return -1
    o = writeElement(elementAt(plan, i, n), value[i], i, bytes, o, limit, depth)
  }
  return o
}

const checkCount = (plan: Sequence, n: number): void => {
  const least = plan.required + plan.tail.length
  if (n < least || (plan.rest === undefined && n > plan.elements.length)) fail("an array of the wrong length")
}

const elementAt = (plan: Sequence, i: number, n: number): Plan => {
  if (i < plan.elements.length) return plan.elements[i]!
  const fromTail = i - (n - plan.tail.length)
  return fromTail >= 0 ? plan.tail[fromTail]! : plan.rest!
}

const writeElement = (
  plan: Plan,
  value: unknown,
  key: PropertyKey,
  bytes: Bytes,
  start: number,
  limit: number,
  depth: number
): number => {
  path.push(key)
  let o = start
  if (isPadded(plan)) {
    if (o >= limit) return -1
    bytes.u8[o++] = 0
  }
  o = write(plan, value, bytes, o, limit, depth)
  path.pop()
  return o
}

const writeChoice = (
  plan: Choice,
  value: any,
  bytes: Bytes,
  o: number,
  limit: number,
  depth: number
): number => {
  if (!plan.is(value)) return fail(`expected ${plan.label}`)
  const place = plan.cases.findIndex((each) => each.tag === value._tag)
  if (place < 0) return fail(`expected ${plan.label}`)
  if (o >= limit) return -1
  bytes.u8[o] = place
  const { key, plan: content } = plan.cases[place]!
  if (key === undefined) return o + 1
  path.push(key)
  const at = write(content, value[key], bytes, o + 1, limit, depth)
  path.pop()
  return at
}

const writeCollection = (
  plan: Collection,
  value: any,
  bytes: Bytes,
  start: number,
  limit: number,
  depth: number
): number => {
  if (!plan.is(value)) return fail(`expected ${plan.label}`)
  const n = plan.size(value)
  let o = writeLength(bytes.u8, n, start, limit)
  let i = 0
  for (const element of plan.entries(value)) {
    if (o < 0) return -1
    o = writeElement(plan.element, element, i++, bytes, o, limit, depth)
  }
  return o >= 0 && i !== n ? fail("it changed while it was encoded") : o
}

// ---------------------------------------------------------------------------
// Decoding
// ---------------------------------------------------------------------------

/** Reads a value. */
export const read = (plan: Plan, bytes: Bytes, p: number, end: number, depth: number): any => {
  switch (plan._tag) {
    case "Bool": {
      if (p >= end) return truncated()
      cursor.p = p + 1
      const byte = bytes.u8[p]!
      return byte > 1 ? fail("a boolean that is neither") : byte === 1
    }
    case "Float": {
      if (p + 8 > end) return truncated()
      cursor.p = p + 8
      const value = bytes.view.getFloat64(p, true)
      checkFloat(plan, value)
      return value
    }
    case "Int":
      return readInt(plan, bytes, p, end)
    case "Text":
      return readString(bytes.u8, p, end)
    case "Big":
      return readBigInt(bytes, p, end)
    case "Octets":
      return readOctets(bytes.u8, p, end)
    case "Const":
      cursor.p = p
      return plan.value
    case "Never":
      return fail("no value belongs here")
    case "Symbol":
      return Symbol.for(readString(bytes.u8, p, end))
    case "Enum":
      return plan.values[readPlace(bytes, plan.values.length, p, end)]
    case "Struct":
      return readStruct(plan, bytes, p, end, depth)
    case "Sequence":
      return readSequence(plan, bytes, p, end, depth)
    case "Union":
      return readUnion(plan, bytes, p, end, depth)
    case "Choice": {
      const place = readPlace(bytes, plan.cases.length, p, end)
      const { key, make, plan: content } = plan.cases[place]!
      if (key === undefined) return make(undefined)
      path.push(key)
      const value = make(read(content, bytes, cursor.p, end, depth))
      path.pop()
      return value
    }
    case "Collection": {
      const n = readLength(bytes.u8, p, end)
      if (n * elementSize(plan.element) > end - cursor.p) return truncated()
      const elements: Array<unknown> = []
      for (let i = 0; i < n; i++) elements.push(readElement(plan.element, i, bytes, cursor.p, end, depth))
      return plan.make(elements)
    }
    case "Convert":
      return readThen(read(plan.plan, bytes, p, end, depth), plan.from)
    case "Check": {
      const value: unknown = read(plan.plan, bytes, p, end, depth)
      const at = cursor.p
      const refusal = plan.refuses(value)
      cursor.p = at
      return refusal === undefined ? value : fail(refusal)
    }
    case "Ref":
      return depth <= 0 ? tooDeep() : read(plan.plan, bytes, p, end, depth - 1)
    case "Dynamic":
      return readDynamic(bytes, p, end, plan.json, depth)
  }
}

// A conversion may run a codec of its own, which moves the cursor.
const readThen = (inside: unknown, from: (inside: unknown) => unknown): unknown => {
  const at = cursor.p
  const value = from(inside)
  cursor.p = at
  return value
}

const readInt = (plan: Int, bytes: Bytes, p: number, end: number): number => {
  if (p + plan.width > end) return truncated()
  cursor.p = p + plan.width
  const code = intAt(plan, bytes.view, p)
  if (code === plan.minusZero) return -0
  return code >= plan.min && code <= plan.max
    ? code
    : fail(`expected an integer from ${plan.min} to ${plan.max}`)
}

const intAt = (plan: Int, view: DataView, p: number): number => {
  switch (plan.width) {
    case 1:
      return plan.signed ? view.getInt8(p) : view.getUint8(p)
    case 2:
      return plan.signed ? view.getInt16(p, true) : view.getUint16(p, true)
    case 4:
      return plan.signed ? view.getInt32(p, true) : view.getUint32(p, true)
  }
}

const readPlace = (bytes: Bytes, count: number, p: number, end: number): number => {
  const size = placeSize(count)
  if (p + size > end) return truncated()
  cursor.p = p + size
  const place = size === 1 ? bytes.u8[p]! : bytes.view.getUint16(p, true)
  return place < count ? place : fail("a place in no list")
}

const readUnion = (plan: Union, bytes: Bytes, p: number, end: number, depth: number): unknown => {
  const place = readPlace(bytes, plan.members.length, p, end)
  return read(plan.members[place]!.plan, bytes, cursor.p, end, depth)
}

const readStruct = (plan: Struct, bytes: Bytes, start: number, end: number, depth: number): object => {
  const { u8 } = bytes
  const bitmap = (plan.optionals + 7) >> 3
  if (start + bitmap > end) return truncated()
  if (plan.optionals % 8 !== 0 && u8[start + bitmap - 1]! >> (plan.optionals % 8) !== 0) {
    return fail("a field that does not exist")
  }
  let bit = 0
  cursor.p = start + bitmap
  const out = {}
  for (const field of plan.fields) {
    if (field.optional) {
      const place = bit++
      if ((u8[start + (place >> 3)]! & (1 << (place & 7))) === 0) continue
    }
    path.push(field.name)
    setKey(out, field.name, read(field.plan, bytes, cursor.p, end, depth))
    path.pop()
  }
  if (plan.signatures.length > 0) readEntries(plan, out, bytes, end, depth)
  return out
}

const readEntries = (plan: Struct, out: object, bytes: Bytes, end: number, depth: number): void => {
  const symbols = plan.signatures.some((signature) => signature.symbols)
  const n = readLength(bytes.u8, cursor.p, end)
  // A key takes a byte at least.
  if (n > end - cursor.p) truncated()
  for (let i = 0; i < n; i++) {
    const key = symbols ? readKey(bytes, end) : readString(bytes.u8, cursor.p, end)
    path.push(key)
    const place = plan.signatures.length > 1 ? readPlace(bytes, plan.signatures.length, cursor.p, end) : 0
    const at = cursor.p
    if (plan.names.has(key) || signatureOf(plan.signatures, key) !== place) {
      fail("a key that does not belong here")
    }
    setKey(out, key, read(plan.signatures[place]!.plan, bytes, at, end, depth))
    path.pop()
  }
}

const readKey = (bytes: Bytes, end: number): PropertyKey => {
  const form = readPlace(bytes, 2, cursor.p, end)
  const text = readString(bytes.u8, cursor.p, end)
  return form === 1 ? Symbol.for(text) : text
}

const readSequence = (
  plan: Sequence,
  bytes: Bytes,
  p: number,
  end: number,
  depth: number
): Array<unknown> => {
  cursor.p = p
  let n = plan.elements.length
  if (hasCount(plan)) {
    n = readLength(bytes.u8, p, end)
    checkCount(plan, n)
    // Every element takes a byte at least, however small.
    if (n > end - cursor.p) return truncated()
    if (plan.rest !== undefined && plan.elements.length === 0 && plan.tail.length === 0) {
      if (n * elementSize(plan.rest) > end - cursor.p) return truncated()
    }
  }
  const out: Array<unknown> = []
  for (let i = 0; i < n; i++) out.push(readElement(elementAt(plan, i, n), i, bytes, cursor.p, end, depth))
  return out
}

const readElement = (
  plan: Plan,
  key: PropertyKey,
  bytes: Bytes,
  start: number,
  end: number,
  depth: number
): unknown => {
  path.push(key)
  let p = start
  if (isPadded(plan)) {
    if (p >= end) return truncated()
    if (bytes.u8[p++] !== 0) return fail("padding that is not zero")
  }
  const value: unknown = read(plan, bytes, p, end, depth)
  path.pop()
  return value
}
