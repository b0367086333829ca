/** From a schema to the plan of a record: which bytes each value takes. Pure; says why a schema has no plan. */
import * as AST from "effect/SchemaAST"
import { ABSENT, type Node, type Record, type Scalar } from "./hot/layout.ts"

/** Annotation that fixes a number's type: a {@link Scalar}. */
export const SCALAR = "@troupe/runtime/Layout/scalar"
/** Annotation that lays a value out as another schema: a {@link Via}. */
export const VIA = "@troupe/runtime/Layout/via"

export interface Via {
  readonly as: AST.AST
  readonly get: (view: any) => any
  readonly set: (view: any, value: any) => void
}

/** Why a schema has no fixed layout, and where. Thrown here, caught in Layout.ts. */
export class NoLayout {
  readonly path: ReadonlyArray<string>
  readonly reason: string
  constructor(path: ReadonlyArray<string>, reason: string) {
    this.path = path
    this.reason = reason
  }
}

const bytes: { readonly [T in Scalar]: number } = {
  i8: 1,
  u8: 1,
  i16: 2,
  u16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  f64: 8,
  i64: 8,
  u64: 8
}

/** A node before it has a place: its size, its alignment, and how it looks when it begins at `at`. */
interface Shape {
  readonly size: number
  readonly alignment: number
  readonly place: (at: number) => Node
}

const align = (at: number, alignment: number): number => Math.ceil(at / alignment) * alignment

const scalar = (type: Scalar): Shape => ({
  size: bytes[type],
  alignment: bytes[type],
  place: (at) => ({ tag: "scalar", type, at })
})

/** The ids and payloads of every check on a node, groups taken apart. */
const checksOf = (ast: AST.AST): ReadonlyArray<{ readonly id: string; readonly payload: any }> => {
  const found: Array<{ readonly id: string; readonly payload: any }> = []
  const visit = (check: AST.Check<any>): void => {
    if (check._tag === "FilterGroup") return check.checks.forEach(visit)
    const representation = check.annotations?.["representation"] as { id: string; payload: any } | undefined
    if (representation) found.push(representation)
  }
  ast.checks?.forEach(visit)
  return found
}

const widths: ReadonlyArray<readonly [Scalar, number, number]> = [
  ["u8", 0, 255],
  ["i8", -128, 127],
  ["u16", 0, 65535],
  ["i16", -32768, 32767],
  ["u32", 0, 4294967295],
  ["i32", -2147483648, 2147483647]
]

/** An integer gets the narrowest type that its checks allow; every other number is a double. */
const numberType = (ast: AST.AST): Scalar => {
  let integer = false
  let min = -Infinity
  let max = Infinity
  for (const { id, payload } of checksOf(ast)) {
    if (id === "effect/schema/isInt") integer = true
    // An exclusive bound taken as inclusive may cost a wider type, never a value.
    min = Math.max(min, payload?.minimum ?? payload?.exclusiveMinimum ?? -Infinity)
    max = Math.min(max, payload?.maximum ?? payload?.exclusiveMaximum ?? Infinity)
  }
  return integer ? widths.find(([, low, high]) => min >= low && max <= high)?.[0] ?? "f64" : "f64"
}

/** A bigint takes 64 bits; unsigned when its checks say that it is never negative. */
const bigintType = (ast: AST.AST): Scalar =>
  checksOf(ast).some(({ payload }) => {
      const bound = payload?.minimum ?? payload?.exclusiveMinimum
      return bound !== undefined && BigInt(bound) >= 0n
    })
    ? "u64"
    : "i64"

/** Fields by falling alignment, and in the order of the schema within one: then nothing is lost to padding. */
const record = (
  fields: ReadonlyArray<{ readonly name: string; readonly shape: Shape }>,
  tuple: boolean
): Shape => {
  const places = new Map<string, number>()
  let at = 0
  let alignment = 1
  for (const { name, shape } of [...fields].sort((a, b) => b.shape.alignment - a.shape.alignment)) {
    at = align(at, shape.alignment)
    places.set(name, at)
    at += shape.size
    alignment = Math.max(alignment, shape.alignment)
  }
  return {
    size: align(at, alignment),
    alignment,
    place: (start) => ({
      tag: "record",
      tuple,
      fields: fields.map(({ name, shape }) => ({ name, node: shape.place(start + places.get(name)!) }))
    })
  }
}

/** One byte, then the rest at its alignment. */
const tagged = (alignment: number, size: number, place: (tag: number, rest: number) => Node): Shape => ({
  size: align(align(1, alignment) + size, alignment),
  alignment,
  place: (at) => place(at, at + align(1, alignment))
})

const maybe = (missing: ReadonlyArray<unknown>, inner: Shape): Shape =>
  tagged(inner.alignment, inner.size, (at, rest) => ({ tag: "maybe", at, missing, inner: inner.place(rest) }))

const choice = (values: ReadonlyArray<unknown>, path: ReadonlyArray<string>): Shape => {
  if (values.length > 65536) throw new NoLayout(path, "more than 65536 literals")
  const type = values.length <= 256 ? "u8" : "u16"
  const size = values.length === 1 ? 0 : bytes[type]
  return { size, alignment: Math.max(1, size), place: (at) => ({ tag: "choice", type, at, values }) }
}

/** The values of a node that has finitely many, or undefined. */
const valuesOf = (ast: AST.AST): ReadonlyArray<unknown> | undefined => {
  switch (ast._tag) {
    case "Literal":
      return [ast.literal]
    case "Enum":
      return [...new Set(ast.enums.map(([, value]) => value))]
    case "Null":
      return [null]
    case "Undefined":
    case "Void":
      return [undefined]
    case "Union": {
      const each = ast.types.map(valuesOf)
      return each.every((values) => values !== undefined) ? [...new Set(each.flat())] : undefined
    }
    default:
      return undefined
  }
}

/** Nested unions are one union. */
const members = (ast: AST.AST): ReadonlyArray<AST.AST> =>
  AST.isUnion(ast) && ast.annotations?.[VIA] === undefined ? ast.types.flatMap(members) : [ast]

const union = (
  all: ReadonlyArray<AST.AST>,
  path: ReadonlyArray<string>,
  missing: ReadonlyArray<unknown>
): Shape => {
  const isMissing = (ast: AST.AST) => AST.isNull(ast) || AST.isUndefined(ast) || AST.isVoid(ast)
  const ways = [
    ...missing,
    ...new Set(all.filter(isMissing).map((ast) => AST.isNull(ast) ? null : undefined))
  ]
  const rest = all.filter((ast) => !isMissing(ast))
  const values = rest.map(valuesOf)
  if (rest.length === 0 || values.every((of) => of !== undefined)) {
    const inner = [...new Set(values.flat())]
    // A missing key cannot be one of the literals: reading it must leave the key out.
    if (!ways.includes(ABSENT)) return choice([...ways, ...inner], path)
    return maybe(ways, choice(inner.length === 0 ? [undefined] : inner, path))
  }
  const inner = rest.length === 1 ? shapeOf(rest[0]!, path) : taggedUnion(rest, path)
  return ways.length === 0 ? inner : maybe(ways, inner)
}

const taggedUnion = (all: ReadonlyArray<AST.AST>, path: ReadonlyArray<string>): Shape => {
  const cases = all.filter(AST.isObjects)
  const keys = cases.length === all.length ? cases[0]!.propertySignatures.map((field) => field.name) : []
  for (const key of keys) {
    if (typeof key !== "string") continue
    const types = cases.map((each) => each.propertySignatures.find((field) => field.name === key)?.type)
    const tags = types.map((type) =>
      type && AST.isLiteral(type) && !type.context?.isOptional ? type.literal : undefined
    )
    if (tags.includes(undefined) || new Set(tags).size !== tags.length) continue
    if (tags.length > 256) throw new NoLayout(path, "more than 256 cases")
    const shapes = cases.map((each, i) => structShape(each, [...path, String(tags[i])]))
    const alignment = Math.max(...shapes.map((shape) => shape.alignment))
    const size = Math.max(...shapes.map((shape) => shape.size))
    return tagged(alignment, size, (at, rest) => ({
      tag: "union",
      at,
      key,
      tags,
      cases: shapes.map((shape) => shape.place(rest) as Record)
    }))
  }
  throw new NoLayout(path, "a union whose members are not structs told apart by a literal field")
}

const structShape = (ast: AST.Objects, path: ReadonlyArray<string>): Shape => {
  if (ast.indexSignatures.length > 0) throw new NoLayout(path, "a record of any number of keys")
  const fields = ast.propertySignatures.map(({ name, type }) => {
    if (typeof name !== "string") {
      throw new NoLayout([...path, String(name)], "a field whose name is a symbol")
    }
    const at = [...path, name]
    return { name, shape: type.context?.isOptional ? union(members(type), at, [ABSENT]) : shapeOf(type, at) }
  })
  return record(fields, false)
}

const shapeOf = (ast: AST.AST, path: ReadonlyArray<string>): Shape => {
  const via = AST.resolveAt<Via>(VIA)(ast)
  if (via) {
    const inner = structOrTuple(via.as, path)
    return {
      ...inner,
      place: (at) => ({ tag: "via", inner: inner.place(at) as Record, get: via.get, set: via.set })
    }
  }
  switch (ast._tag) {
    case "Number":
      return scalar(AST.resolveAt<Scalar>(SCALAR)(ast) ?? numberType(ast))
    case "BigInt":
      return scalar(bigintType(ast))
    case "Boolean":
      return { size: 1, alignment: 1, place: (at) => ({ tag: "boolean", at }) }
    case "Union":
      return union(members(ast), path, [])
    case "Objects":
    case "Arrays":
      return structOrTuple(ast, path)
    default: {
      const values = valuesOf(ast)
      if (values) return choice(values, path)
      throw new NoLayout(path, unfixed[ast._tag] ?? "a value of no fixed size")
    }
  }
}

const unfixed: { readonly [tag: string]: string } = {
  String: "a string has no fixed size: use literals, or a Codec",
  TemplateLiteral: "a string has no fixed size: use literals, or a Codec",
  Suspend: "a recursive value has no fixed size",
  Declaration: "a declared type or a class: use the struct of its fields, or Layout.via",
  Symbol: "a symbol means nothing in another thread",
  UniqueSymbol: "a symbol means nothing in another thread"
}

const structOrTuple = (ast: AST.AST, path: ReadonlyArray<string>): Shape => {
  if (AST.isObjects(ast)) return structShape(ast, path)
  if (!AST.isArrays(ast)) {
    throw new NoLayout(path, "a record is a struct or a tuple: put this value in a field of one")
  }
  if (ast.rest.length > 0) throw new NoLayout(path, "an array has no fixed length: use a tuple, or a Codec")
  const fields = ast.elements.map((element, i) => {
    const at = [...path, String(i)]
    if (element.context?.isOptional) throw new NoLayout(at, "an optional element: use UndefinedOr")
    return { name: String(i), shape: shapeOf(element, at) }
  })
  return record(fields, true)
}

/** A record's plan, and its size as the distance from one record to the next. Throws {@link NoLayout}. */
export const plan = (
  ast: AST.AST
): { readonly record: Record; readonly byteLength: number; readonly alignment: number } => {
  const shape = structOrTuple(AST.toType(ast), [])
  return {
    record: shape.place(0) as Record,
    byteLength: Math.max(align(shape.size, shape.alignment), shape.alignment),
    alignment: shape.alignment
  }
}

/** What two threads must agree on, as text: the plan itself. */
export const fingerprint = (node: Node): string =>
  JSON.stringify(
    node,
    (_, value) =>
      typeof value === "bigint"
        ? `${value}n`
        : typeof value === "symbol"
        ? String(value)
        : value === undefined
        ? "undefined"
        : value
  )
