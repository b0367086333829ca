/**
 * Which member of a union a value is: told from a table where runtime types,
 * literals and tags suffice, by asking the candidates in order of declaration
 * where they do not. As Schema's encoder: the first that matches.
 */
import type * as SchemaAST from "effect/SchemaAST"
import { isClass, isObjectType } from "./codecNative.ts"
import type { Kind, Member, Union } from "./codecPlan.ts"

/** The runtime type by which the table is asked. */
export const kindOf = (value: unknown): Kind =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value

/** The place of the member that the value belongs to, or -1. */
export const select = (union: Union, value: unknown): number => {
  const literal = union.literals.get(value)
  if (literal !== undefined) return literal
  const kind = kindOf(value)
  const candidates = kind === "object" && union.tag !== undefined
    ? union.tag.byValue.get((value as { readonly [key: PropertyKey]: unknown })[union.tag.key]) ??
      union.byKind.object
    : union.byKind[kind]
  if (candidates === undefined) return -1
  if (candidates.length === 1) return candidates[0]!
  for (const place of candidates) if (union.members[place]!.is(value)) return place
  return -1
}

/** Builds the table. */
export const makeUnion = (
  parts: ReadonlyArray<SchemaAST.AST>,
  members: ReadonlyArray<Member>,
  oneOf: boolean
): Union => {
  const literals = new Map<unknown, number>()
  const byKind: { [K in Kind]?: Array<number> } = {}
  const objects: Array<{ readonly place: number; readonly tags: Tags }> = []
  parts.forEach((part, place) => {
    const plan = members[place]!.plan
    if (plan._tag === "Const" && !plan.lenient) {
      if (!literals.has(plan.value)) literals.set(plan.value, place)
      return
    }
    for (const kind of kindsOf(part, new Set())) {
      ;(byKind[kind] ??= []).push(place)
      if (kind === "object") objects.push({ place, tags: tagsOf(part, new Set()) })
    }
  })
  const tag = tagOf(objects)
  if (tag !== undefined) {
    // Objects without a known tag value: those members that have no such tag.
    byKind.object = objects.filter(({ tags }) => !tags.has(tag.key)).map(({ place }) => place)
  }
  return { _tag: "Union", members, literals, byKind, tag, oneOf }
}

type Tags = ReadonlyMap<PropertyKey, unknown>
const noTags: Tags = new Map()

/** The key that most members own; a member without it is a candidate always. */
const tagOf = (objects: ReadonlyArray<{ readonly place: number; readonly tags: Tags }>): Union["tag"] => {
  if (objects.length < 2) return undefined
  const counts = new Map<PropertyKey, number>()
  for (const { tags } of objects) for (const key of tags.keys()) counts.set(key, (counts.get(key) ?? 0) + 1)
  let key: PropertyKey | undefined
  for (const [each, count] of counts) if (key === undefined || count > counts.get(key)!) key = each
  if (key === undefined) return undefined
  const byValue = new Map<unknown, ReadonlyArray<number>>()
  for (const { tags } of objects) {
    if (!tags.has(key)) continue
    const value = tags.get(key)
    if (byValue.has(value)) continue
    byValue.set(
      value,
      objects.filter((other) => !other.tags.has(key) || other.tags.get(key) === value).map(({ place }) =>
        place
      )
    )
  }
  return { key, byValue }
}

/** The required literal fields of an object type: of each of its values. */
const tagsOf = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST>): Tags => {
  if (seen.has(ast)) return noTags
  seen.add(ast)
  switch (ast._tag) {
    case "Objects": {
      const tags = new Map<PropertyKey, unknown>()
      for (const { name, type } of ast.propertySignatures) {
        if (type.context?.isOptional === true || name === "__proto__") continue
        if (type._tag === "Literal") tags.set(name, type.literal)
        else if (type._tag === "UniqueSymbol") tags.set(name, type.symbol)
      }
      return tags
    }
    case "Declaration":
      // A class has the tags of its fields.
      return isClass(ast) ? tagsOf(ast.typeParameters[0]!, seen) : noTags
    case "Suspend":
      return tagsOf(ast.thunk(), seen)
    default:
      return noTags
  }
}

const everyKind: ReadonlyArray<Kind> = [
  "null",
  "undefined",
  "string",
  "number",
  "boolean",
  "bigint",
  "symbol",
  "array",
  "object",
  "function"
]

/** The runtime types that a type's values (not its encodings) may have. */
const kindsOf = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST>): ReadonlyArray<Kind> => {
  switch (ast._tag) {
    case "Null":
      return ["null"]
    case "Undefined":
      return ["undefined"]
    case "String":
    case "TemplateLiteral":
      return ["string"]
    case "Number":
      return ["number"]
    case "Boolean":
      return ["boolean"]
    case "BigInt":
      return ["bigint"]
    case "Symbol":
    case "UniqueSymbol":
      return ["symbol"]
    case "Literal":
      return [typeof ast.literal as Kind]
    case "Enum":
      return [...new Set(ast.enums.map(([, value]) => typeof value as Kind))]
    case "Arrays":
      return ["array"]
    case "Objects":
      return ["object"]
    case "Declaration":
      return isObjectType(ast) ? ["object"] : everyKind
    case "Union":
      return [...new Set(ast.types.flatMap((type) => kindsOf(type, seen)))]
    case "Suspend":
      if (seen.has(ast)) return everyKind
      seen.add(ast)
      return kindsOf(ast.thunk(), seen)
    case "Never":
      return []
    default:
      return everyKind
  }
}
