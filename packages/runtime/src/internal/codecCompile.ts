/**
 * A schema's AST compiled to a plan.
 *
 * The plan is of the *type* side: a value is taken apart and put together as
 * the program holds it, so that a Date, an Option or a class needs no encoded
 * form in between. Only where a schema transforms (`decodeTo`, defaults that
 * appear on decode) do Schema's own encoder and decoder run, for that part
 * alone, and the plan goes on with its encoded side.
 *
 * Checks hold on decode. What the encoder looks at is what it must know to
 * write the value: its runtime type, and the range of an integer.
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { CodecDefinitionError, renderPath } from "./codecError.ts"
import { compileDeclaration } from "./codecNative.ts"
import {
  type Check,
  type Float,
  type Int,
  type Member,
  type Plan,
  type Ref,
  type Sequence,
  settle,
  type Signature,
  type Struct
} from "./codecPlan.ts"
import { makeUnion } from "./codecUnion.ts"

/** What the compiler of a part knows and can do. */
export interface Compiler {
  /** Compiles a part, whose errors are reported at `key`. */
  readonly compile: (ast: SchemaAST.AST, key?: PropertyKey) => Plan
  /** Gives up, at the present path. */
  readonly refuse: (reason: string) => never
}

// A schema that makes a new schema each time it is asked for its inside never
// ends; nobody writes so many by hand.
const maxRefs = 1000

/** Compiles, or throws CodecDefinitionError. */
export const compilePlan = (root: SchemaAST.AST, base: string): Plan => {
  const path: Array<PropertyKey> = []
  const refs = new Map<SchemaAST.AST, Ref>()

  const refuse = (reason: string): never => {
    throw new CodecDefinitionError({ path: renderPath(base, path), reason })
  }

  const compile = (ast: SchemaAST.AST, key?: PropertyKey): Plan => {
    if (key === undefined) return compileNode(ast)
    path.push(key)
    const plan = compileNode(ast)
    path.pop()
    return plan
  }

  const compileNode = (ast: SchemaAST.AST): Plan => {
    if (mustTransform(ast)) return checked(ast, compileTransform(ast))
    return checked(ast, compileBody(ast))
  }

  const compileBody = (ast: SchemaAST.AST): Plan => {
    switch (ast._tag) {
      case "String":
        return { _tag: "Text" }
      case "TemplateLiteral":
        return { _tag: "Check", plan: { _tag: "Text" }, refuses: refusesUnlessIs(ast) }
      case "Number":
        return compileNumber(ast)
      case "Boolean":
        return { _tag: "Bool" }
      case "BigInt":
        return { _tag: "Big" }
      case "Symbol":
        return { _tag: "Symbol" }
      case "Null":
        return { _tag: "Const", value: null, lenient: false }
      case "Undefined":
        return { _tag: "Const", value: undefined, lenient: false }
      case "Void":
        return { _tag: "Const", value: undefined, lenient: true }
      case "Literal":
        return { _tag: "Const", value: ast.literal, lenient: false }
      case "UniqueSymbol":
        // It need not be registered: each thread has the symbol of its own schema.
        return { _tag: "Const", value: ast.symbol, lenient: false }
      case "Never":
        return { _tag: "Never" }
      case "Unknown":
      case "Any":
        return { _tag: "Dynamic", json: false }
      case "ObjectKeyword":
        return {
          _tag: "Check",
          plan: { _tag: "Dynamic", json: false },
          refuses: (value) => typeof value === "object" && value !== null ? undefined : "not an object"
        }
      case "Enum":
        return enumeration(ast.enums.map(([, value]) => value))
      case "Objects":
        return compileStruct(ast)
      case "Arrays":
        return compileSequence(ast)
      case "Union":
        return compileUnion(ast)
      case "Suspend":
        return compileRef(ast)
      case "Declaration":
        return compileDeclaration(ast, self)
    }
  }

  const compileRef = (ast: SchemaAST.Suspend): Plan => {
    const target = ast.thunk()
    const known = refs.get(target)
    if (known !== undefined) return known
    if (refs.size >= maxRefs) return refuse("it refers to ever new schemas")
    const ref: Ref = { _tag: "Ref", id: refs.size, plan: { _tag: "Never" }, empty: true }
    refs.set(target, ref)
    ref.plan = compileNode(target)
    return ref
  }

  const compileStruct = (ast: SchemaAST.Objects): Struct => {
    const fields = ast.propertySignatures.map((property) => ({
      name: typeof property.name === "number" ? String(property.name) : property.name,
      optional: property.type.context?.isOptional === true,
      plan: compile(property.type, property.name)
    }))
    return {
      _tag: "Struct",
      fields,
      names: new Set(fields.map((field) => field.name)),
      optionals: fields.filter((field) => field.optional).length,
      signatures: ast.indexSignatures.map((signature) => compileSignature(signature))
    }
  }

  const compileSignature = (signature: SchemaAST.IndexSignature): Signature => ({
    matches: keyMatcher(signature.parameter),
    symbols: parameterHasSymbols(signature.parameter),
    plan: compile(signature.type, "{}")
  })

  const compileSequence = (ast: SchemaAST.Arrays): Sequence => ({
    _tag: "Sequence",
    elements: ast.elements.map((element, i) => compile(element, i)),
    required: ast.elements.filter((element) => element.context?.isOptional !== true).length,
    rest: ast.rest[0] === undefined ? undefined : compile(ast.rest[0], "[]"),
    tail: ast.rest.slice(1).map((element) => compile(element, "[]"))
  })

  const compileUnion = (ast: SchemaAST.Union): Plan => {
    const parts = flattenUnion(ast)
    if (parts.length > 0xffff) return refuse("a union of more than 65,535 members")
    if (parts.length === 0) return { _tag: "Never" }
    const members = parts.map((part): Member => ({ plan: compile(part), is: lazyIs(part) }))
    const constants = members.map((member) => member.plan)
    if (constants.every((plan) => plan._tag === "Const" && !plan.lenient)) {
      return enumeration(constants.map((plan) => (plan as { readonly value: unknown }).value))
    }
    const union = makeUnion(parts, members, ast.options?.mode === "oneOf")
    return union.oneOf ? { _tag: "Check", plan: union, refuses: refusesUnlessIs(ast) } : union
  }

  const compileTransform = (ast: SchemaAST.AST): Plan => {
    const schema = Schema.make<Schema.Codec<unknown>>(ast)
    return {
      _tag: "Convert",
      label: "",
      to: Schema.encodeUnknownSync(schema),
      from: Schema.decodeUnknownSync(schema),
      // The decoder above runs the encoded side's own checks.
      plan: compile(SchemaAST.toEncoded(ast))
    }
  }

  const self: Compiler = { compile, refuse }
  const plan = compileNode(root)
  settle(refs.values())
  return plan
}

/**
 * Whether Schema itself must transform here: there is a transformation that is
 * not just a class's construction, or the presence of a field depends on one.
 */
const mustTransform = (ast: SchemaAST.AST): boolean => {
  if (ast.encoding !== undefined) return !isConstruction(ast)
  switch (ast._tag) {
    case "Objects":
      return ast.propertySignatures.some((property) => changesPresence(property.type)) ||
        ast.indexSignatures.some((signature) => transformsKeys(signature.parameter))
    case "Arrays":
      return ast.elements.some(changesPresence)
    default:
      return false
  }
}

/** Whether a field may be there on one side and not on the other. */
const changesPresence = (ast: SchemaAST.AST): boolean =>
  ast.encoding !== undefined &&
  ((ast.context?.isOptional === true) !== (SchemaAST.toEncoded(ast).context?.isOptional === true) ||
    ast.encoding.some(({ to, transformation }) =>
      transformation._tag === "Middleware" || seesAbsence(transformation.decode) ||
      seesAbsence(transformation.encode) ||
      changesPresence(to)
    ))

const seesAbsence = (getter: { readonly _tag: string }): boolean =>
  getter._tag === "TransformOptional" || getter._tag === "TransformOptionalEffect"

const transformsKeys = (parameter: SchemaAST.AST): boolean =>
  parameter.encoding !== undefined || (parameter._tag === "Union" && parameter.types.some(transformsKeys))

/** A class: one link, from its fields to its instance and, untouched, back. */
const isConstruction = (ast: SchemaAST.AST): boolean => {
  if (ast._tag !== "Declaration" || ast.encoding?.length !== 1) return false
  if (typeof ast.annotations?.["~constructor"] !== "function") return false
  const { transformation } = ast.encoding[0]
  return transformation._tag === "Transformation" && transformation.decode._tag === "Transform" &&
    transformation.encode._tag === "Passthrough"
}

const enumeration = (values: ReadonlyArray<unknown>): Plan => {
  if (values.length === 1) return { _tag: "Const", value: values[0], lenient: false }
  const unique = [...new Set(values)]
  return unique.length === 0
    ? { _tag: "Never" }
    : { _tag: "Enum", values: unique, places: new Map(unique.map((value, place) => [value, place])) }
}

/** Members of members, where nothing stands on the inner union itself. */
const flattenUnion = (ast: SchemaAST.Union): ReadonlyArray<SchemaAST.AST> => {
  if (ast.options?.mode === "oneOf") return ast.types.filter((type) => type._tag !== "Never")
  return ast.types.flatMap((type): ReadonlyArray<SchemaAST.AST> => {
    if (type.encoding !== undefined || type.checks !== undefined) return [type]
    switch (type._tag) {
      case "Never":
        return []
      case "Union":
        return type.options?.mode === "oneOf" ? [type] : flattenUnion(type)
      case "Enum":
        return type.enums.map(([, value]) => new SchemaAST.Literal(value))
      default:
        return [type]
    }
  })
}

/** Made when first asked: most unions never need to ask. */
const lazyIs = (ast: SchemaAST.AST): (value: unknown) => boolean => {
  let is: ((value: unknown) => boolean) | undefined
  return (value) => (is ??= Schema.is(Schema.make<Schema.Top>(SchemaAST.toType(ast))))(value)
}

const refusesUnlessIs = (ast: SchemaAST.AST): Check["refuses"] => {
  const is = lazyIs(ast)
  return (value) => is(value) ? undefined : "not what the schema describes"
}

const parameterHasSymbols = (parameter: SchemaAST.AST): boolean =>
  parameter._tag === "Symbol" || (parameter._tag === "Union" && parameter.types.some(parameterHasSymbols))

/** Which keys are an index signature's, as Schema decides it; undefined: every string. */
const keyMatcher = (parameter: SchemaAST.AST): Signature["matches"] => {
  switch (parameter._tag) {
    case "String":
      if (parameter.checks === undefined) return undefined
      break
    case "Number": {
      const is = lazyIs(parameter)
      return (key) => typeof key === "string" && numeric.test(key) && is(Number(key))
    }
    case "Union": {
      const any = parameter.types.map((type) =>
        keyMatcher(type) ?? ((key: PropertyKey) => typeof key === "string")
      )
      return (key) => any.some((matches) => matches(key))
    }
  }
  return lazyIs(parameter)
}

const numeric = /^(?:[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[Ee][+-]?\d+)?|Infinity|-Infinity|NaN)$/

// ---------------------------------------------------------------------------
// Checks
// ---------------------------------------------------------------------------

const flattenChecks = (checks: ReadonlyArray<SchemaAST.Check<any>>): ReadonlyArray<SchemaAST.Filter<any>> =>
  checks.flatMap((check) => check._tag === "Filter" ? [check] : flattenChecks(check.checks))

interface Bounds {
  finite: boolean
  integer: boolean
  min: number
  max: number
}

/** Narrows by a check that is known; false when it is not. */
const narrow = (bounds: Bounds, check: SchemaAST.Filter<any>): boolean => {
  const representation = check.annotations?.representation as
    | { readonly id?: string; readonly payload?: any }
    | undefined
  const payload = representation?.payload
  switch (representation?.id) {
    case "effect/schema/isFinite":
      bounds.finite = true
      return true
    case "effect/schema/isInt":
      bounds.integer = true
      return true
    case "effect/schema/isGreaterThanOrEqualTo":
      bounds.min = Math.max(bounds.min, payload.minimum)
      return true
    case "effect/schema/isLessThanOrEqualTo":
      bounds.max = Math.min(bounds.max, payload.maximum)
      return true
    case "effect/schema/isBetween":
      if (payload.exclusiveMinimum === true || payload.exclusiveMaximum === true) return false
      bounds.min = Math.max(bounds.min, payload.minimum)
      bounds.max = Math.min(bounds.max, payload.maximum)
      return true
    case "effect/schema/isGreaterThan":
      // Exclusive bounds are of use among integers only, and stay checks.
      bounds.min = Math.max(bounds.min, Math.floor(payload.exclusiveMinimum))
      return false
    case "effect/schema/isLessThan":
      bounds.max = Math.min(bounds.max, Math.ceil(payload.exclusiveMaximum))
      return false
    default:
      return false
  }
}

const compileNumber = (ast: SchemaAST.Number): Float | Int => {
  const bounds: Bounds = { finite: false, integer: false, min: -Infinity, max: Infinity }
  for (const check of flattenChecks(ast.checks ?? [])) narrow(bounds, check)
  if (bounds.integer) {
    const min = Math.ceil(bounds.min)
    const max = Math.floor(bounds.max)
    for (const [width, signed] of widths) {
      const low = signed ? -(2 ** (width * 8 - 1)) : 0
      const high = low + 2 ** (width * 8) - 1
      if (min < low || max > high || min > max) continue
      if (min > 0 || max < 0) return { _tag: "Int", width, signed, min, max, minusZero: undefined }
      // Minus zero is a safe integer, so it has to arrive as itself.
      if (max < high) return { _tag: "Int", width, signed, min, max, minusZero: high }
      if (min > low) return { _tag: "Int", width, signed, min, max, minusZero: low }
    }
  }
  return { _tag: "Float", finite: bounds.finite, integer: bounds.integer }
}

const widths = [[1, false], [1, true], [2, false], [2, true], [4, false], [4, true]] as const

/** What of a number's checks its node already decides. */
const isDecided = (plan: Float | Int, check: SchemaAST.Filter<any>): boolean => {
  const bounds: Bounds = { finite: false, integer: false, min: -Infinity, max: Infinity }
  if (!narrow(bounds, check)) return false
  return plan._tag === "Int" || (bounds.min === -Infinity && bounds.max === Infinity)
}

/** Puts the checks that stand on a node around its plan. */
const checked = (ast: SchemaAST.AST, plan: Plan): Plan => {
  if (
    ast.checks === undefined || ast.encoding !== undefined && plan._tag === "Convert" && plan.label === ""
  ) return plan
  const checks = flattenChecks(ast.checks).filter((check) =>
    !((plan._tag === "Float" || plan._tag === "Int") && isDecided(plan, check))
  )
  if (checks.length === 0) return plan
  return {
    _tag: "Check",
    plan,
    refuses: (value) => {
      for (const check of checks) {
        const issue = check.run(value, ast, parseOptions)
        if (issue !== undefined) return describeCheck(check)
      }
      return undefined
    }
  }
}

const parseOptions: SchemaAST.ParseOptions = {}

const describeCheck = (check: SchemaAST.Filter<any>): string => {
  const expected = check.annotations?.expected
  return typeof expected === "string" ? `expected ${expected}` : "a check of the schema does not hold"
}
