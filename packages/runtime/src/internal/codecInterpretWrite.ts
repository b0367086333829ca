/** The interpreter's encoder: a plan walked with a value in hand. */
import { writeDynamic } from "./codecDynamic.ts"
import { checkCount, checkFloat, elementAt, path, signatureOf, tooDeep } from "./codecInterpreter.ts"
import {
  type Choice,
  type Collection,
  hasCount,
  type Int,
  isPadded,
  placeSize,
  type Plan,
  type Sequence,
  type Struct
} from "./codecPlan.ts"
import { select } from "./codecUnion.ts"
import { type Bytes, fail, writeBigInt, writeLength, writeOctets, writeString } from "./hot/bytes.ts"
import { getKey, hasKey } from "./hot/record.ts"

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
const show = (value: unknown): string => typeof value === "string" ? JSON.stringify(value) : String(value)

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
