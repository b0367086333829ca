/** The interpreter's decoder: a plan walked along the bytes. */
import { readDynamic } from "./codecDynamic.ts"
import { checkCount, checkFloat, elementAt, path, signatureOf, tooDeep } from "./codecInterpreter.ts"
import {
  elementSize,
  hasCount,
  type Int,
  isPadded,
  placeSize,
  type Plan,
  type Sequence,
  type Struct,
  type Union
} from "./codecPlan.ts"
import {
  type Bytes,
  cursor,
  fail,
  readBigInt,
  readLength,
  readOctets,
  readString,
  truncated
} from "./hot/bytes.ts"
import { setKey } from "./hot/record.ts"

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
