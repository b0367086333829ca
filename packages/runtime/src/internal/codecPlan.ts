/**
 * What a codec does, as data: a schema compiled to a tree of nineteen kinds of
 * node, which the interpreter walks and the generator turns into code.
 *
 * Positional: field names, tags and literals are known to both sides and never
 * travel. Two plans with the same fingerprint read each other's bytes.
 *
 * | node       | on the wire                                                            |
 * | ---------- | ---------------------------------------------------------------------- |
 * | Bool       | 0 or 1                                                                 |
 * | Float      | 8 bytes, IEEE 754, little endian                                       |
 * | Int        | 1, 2 or 4 bytes, little endian; minus zero has a code outside the range |
 * | Text       | length * 2 + form, and the bytes                                       |
 * | Big        | 0 and 8 bytes, or sign, length and magnitude                           |
 * | Octets     | length and bytes                                                       |
 * | Const      | nothing                                                                |
 * | Never      | nothing can                                                            |
 * | Symbol     | its registered key, a string                                           |
 * | Enum       | the place of the value in the list, 1 or 2 bytes                       |
 * | Struct     | a bit for each optional field, the fields, then count and (key, signature if several, value) |
 * | Sequence   | count if it varies, then the elements; an element of no bytes is padded by one |
 * | Union      | the place of the member, 1 or 2 bytes, and the member                  |
 * | Choice     | the place of the case, 1 byte, and what the case holds                 |
 * | Collection | count, then the elements                                               |
 * | Convert    | what it converts to                                                    |
 * | Check      | what it checks                                                         |
 * | Ref        | what it refers to                                                      |
 * | Dynamic    | a tag and the value, see `codecDynamic.ts`                             |
 */

export interface Bool {
  readonly _tag: "Bool"
}

export interface Float {
  readonly _tag: "Float"
  /** Refuses NaN and the infinities. */
  readonly finite: boolean
  /** Refuses what is not a safe integer. */
  readonly integer: boolean
}

export interface Int {
  readonly _tag: "Int"
  readonly width: 1 | 2 | 4
  readonly signed: boolean
  readonly min: number
  readonly max: number
  /** The code of minus zero, outside [min, max]; undefined when zero is outside too. */
  readonly minusZero: number | undefined
}

export interface Text {
  readonly _tag: "Text"
}

export interface Big {
  readonly _tag: "Big"
}

export interface Octets {
  readonly _tag: "Octets"
}

export interface Const {
  readonly _tag: "Const"
  readonly value: unknown
  /** Takes whatever it is given: `Schema.Void`. */
  readonly lenient: boolean
}

export interface Never {
  readonly _tag: "Never"
}

export interface SymbolKey {
  readonly _tag: "Symbol"
}

export interface Enum {
  readonly _tag: "Enum"
  readonly values: ReadonlyArray<unknown>
  readonly places: ReadonlyMap<unknown, number>
}

export interface Field {
  readonly name: PropertyKey
  readonly optional: boolean
  readonly plan: Plan
}

/** An index signature: which own enumerable keys are its, and their values. */
export interface Signature {
  /** undefined: every string. */
  readonly matches: ((key: PropertyKey) => boolean) | undefined
  readonly symbols: boolean
  readonly plan: Plan
}

export interface Struct {
  readonly _tag: "Struct"
  readonly fields: ReadonlyArray<Field>
  readonly names: ReadonlySet<PropertyKey>
  readonly optionals: number
  readonly signatures: ReadonlyArray<Signature>
}

export interface Sequence {
  readonly _tag: "Sequence"
  readonly elements: ReadonlyArray<Plan>
  /** How many of `elements` are required: the optional ones come last. */
  readonly required: number
  readonly rest: Plan | undefined
  readonly tail: ReadonlyArray<Plan>
}

/** One member of a union, with what it takes to see that a value is its. */
export interface Member {
  readonly plan: Plan
  readonly is: (value: unknown) => boolean
}

/** Runtime types by which the members of a union are told apart. */
export type Kind =
  | "null"
  | "undefined"
  | "string"
  | "number"
  | "boolean"
  | "bigint"
  | "symbol"
  | "array"
  | "object"
  | "function"

export interface Union {
  readonly _tag: "Union"
  readonly members: ReadonlyArray<Member>
  /** Members that are one primitive value. */
  readonly literals: ReadonlyMap<unknown, number>
  /** Candidates for each runtime type, objects with a tag apart, in order of declaration. */
  readonly byKind: { readonly [K in Kind]?: ReadonlyArray<number> }
  /** A key whose literal value tells objects apart. */
  readonly tag: {
    readonly key: PropertyKey
    readonly byValue: ReadonlyMap<unknown, ReadonlyArray<number>>
  } | undefined
  /** Exactly one member may match, not at least one. */
  readonly oneOf: boolean
}

/** Cases of an Effect data type, told apart by its `_tag`. */
export interface Choice {
  readonly _tag: "Choice"
  readonly label: string
  readonly is: (value: unknown) => boolean
  readonly cases: ReadonlyArray<{
    readonly tag: string
    /** The property that holds the content; undefined: no content. */
    readonly key: string | undefined
    readonly plan: Plan
    readonly make: (content: any) => unknown
  }>
}

export interface Collection {
  readonly _tag: "Collection"
  readonly label: string
  readonly is: (value: unknown) => boolean
  readonly size: (value: any) => number
  readonly entries: (value: any) => Iterable<unknown>
  readonly make: (entries: Array<any>) => unknown
  readonly element: Plan
}

export interface Convert {
  readonly _tag: "Convert"
  /** A native type, or "" for what is on the wire nothing but its inside. */
  readonly label: string
  /** To what travels; throws for a value that is not its. */
  readonly to: (value: any) => unknown
  /** From what travelled; throws for what no value is made of. */
  readonly from: (inside: any) => unknown
  readonly plan: Plan
}

export interface Check {
  readonly _tag: "Check"
  /** On decode. Returns the reason of refusal, or undefined. */
  readonly refuses: (value: unknown) => string | undefined
  readonly plan: Plan
}

/** A place where a schema refers to itself; the only place where depth is counted. */
export interface Ref {
  readonly _tag: "Ref"
  readonly id: number
  plan: Plan
  /** Whether its values take no bytes; settled when the whole is compiled, see {@link settle}. */
  empty: boolean
}

export interface Dynamic {
  readonly _tag: "Dynamic"
  /** JSON only: no undefined, bigint, NaN, date, bytes, map or set. */
  readonly json: boolean
}

export type Plan =
  | Bool
  | Float
  | Int
  | Text
  | Big
  | Octets
  | Const
  | Never
  | SymbolKey
  | Enum
  | Struct
  | Sequence
  | Union
  | Choice
  | Collection
  | Convert
  | Check
  | Ref
  | Dynamic

/** How deep a value may refer to itself, both ways; also how a cyclic value is noticed. */
export const maxDepth = 512

/** The place of an Enum's value or a Union's member: one byte, or two. */
export const placeSize = (count: number): 1 | 2 => count <= 256 ? 1 : 2

/** An array whose count varies is prefixed by it. */
export const hasCount = (plan: Sequence): boolean =>
  plan.rest !== undefined || plan.required < plan.elements.length

/**
 * The fewest bytes a value takes, or fewer: what a count is compared with,
 * before anything is allocated. 0 only for what takes no bytes at all.
 */
export const minSize = (plan: Plan): number => {
  switch (plan._tag) {
    case "Bool":
    case "Text":
    case "Octets":
    case "Symbol":
    case "Choice":
    case "Collection":
    case "Dynamic":
      return 1
    case "Float":
      return 8
    case "Int":
      return plan.width
    case "Big":
      return 9
    case "Const":
    case "Never":
      return 0
    case "Enum":
      return placeSize(plan.values.length)
    case "Union":
      return plan.members.reduce((least, member) => Math.min(least, minSize(member.plan)), Infinity) +
        placeSize(plan.members.length)
    case "Struct": {
      let size = (plan.optionals + 7) >> 3
      for (const field of plan.fields) if (!field.optional) size += minSize(field.plan)
      return plan.signatures.length > 0 ? size + 1 : size
    }
    case "Sequence": {
      let size = hasCount(plan) ? 1 : 0
      for (let i = 0; i < plan.required; i++) size += Math.max(1, minSize(plan.elements[i]!))
      for (const each of plan.tail) size += Math.max(1, minSize(each))
      return size
    }
    case "Convert":
    case "Check":
      return minSize(plan.plan)
    case "Ref":
      return plan.empty ? 0 : 1
  }
}

/**
 * Finds out which references are to nothing: all, to begin with, and then all
 * but those that cannot be, until nothing changes. The same wherever one
 * starts, as both sides of a wire need it to be.
 */
export const settle = (refs: Iterable<Ref>): void => {
  let changed = true
  while (changed) {
    changed = false
    for (const ref of refs) {
      if (!ref.empty || minSize(ref.plan) === 0) continue
      ref.empty = false
      changed = true
    }
  }
}

/** The same for an element of a sequence or collection, which never takes nothing. */
export const elementSize = (plan: Plan): number => {
  let size = elementSizes.get(plan)
  if (size === undefined) elementSizes.set(plan, size = Math.max(1, minSize(plan)))
  return size
}

const elementSizes = new WeakMap<Plan, number>()

/** Whether such an element is padded. */
export const isPadded = (plan: Plan): boolean => {
  let padded = paddings.get(plan)
  if (padded === undefined) paddings.set(plan, padded = minSize(plan) === 0)
  return padded
}

const paddings = new WeakMap<Plan, boolean>()

/** Bytes, when every value takes the same; undefined otherwise. */
export const fixedSize = (plan: Plan): number | undefined => {
  switch (plan._tag) {
    case "Bool":
    case "Float":
    case "Int":
    case "Const":
    case "Never":
    case "Enum":
      return minSize(plan)
    case "Convert":
    case "Check":
      return fixedSize(plan.plan)
    case "Struct":
      return plan.optionals > 0 || plan.signatures.length > 0
        ? undefined
        : total(plan.fields.map((field) => fixedSize(field.plan)))
    case "Sequence":
      return hasCount(plan)
        ? undefined
        : total(plan.elements.map((each) => isPadded(each) ? 1 : fixedSize(each)))
    case "Union": {
      const first = plan.members[0] === undefined ? undefined : fixedSize(plan.members[0].plan)
      return first !== undefined && plan.members.every((member) => fixedSize(member.plan) === first)
        ? placeSize(plan.members.length) + first
        : undefined
    }
    default:
      return undefined
  }
}

const total = (sizes: ReadonlyArray<number | undefined>): number | undefined => {
  let sum = 0
  for (const size of sizes) {
    if (size === undefined) return undefined
    sum += size
  }
  return sum
}
