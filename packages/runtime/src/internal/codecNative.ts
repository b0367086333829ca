/**
 * Declared types, such as Date, Option, Map and classes, compiled to plans.
 * The natively known ones travel in a form of their own; any other travels by
 * the codec its annotations give, and one without cannot cross a thread.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as Hash from "effect/Hash"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as ActorId from "../ActorId.ts"
import type { Compiler } from "./codecCompile.ts"
import type { Choice, Plan } from "./codecPlan.ts"
import { CROSSING, type Crossing } from "./crossing.ts"
import { fail } from "./hot/bytes.ts"

/** Compiles a declaration, the transformation of a class included. */
export const compileDeclaration = (ast: SchemaAST.Declaration, compiler: Compiler): Plan => {
  const crossing = ast.annotations?.[CROSSING] as Crossing | undefined
  if (crossing !== undefined) {
    const { as, from, label, to } = crossing
    return { _tag: "Convert", label, to, from, plan: compiler.compile(as) }
  }
  const native = natives.get(representationId(ast) ?? "")
  if (native !== undefined) return native(ast.typeParameters, compiler.compile)
  return compileClass(ast, compiler) ?? compileByCodec(ast, compiler)
}

const representationId = (ast: SchemaAST.Declaration): string | undefined => {
  const representation = ast.annotations?.representation as { readonly id?: unknown } | undefined
  return typeof representation?.id === "string" ? representation.id : undefined
}

/** Whether all values of a declared type are objects; if it is not known, no. */
export const isObjectType = (ast: SchemaAST.Declaration): boolean => {
  const id = representationId(ast) ?? ""
  return isClass(ast) || ast.annotations?.[CROSSING] !== undefined ||
    (natives.has(id) && id !== "effect/schema/Json" && id !== "effect/schema/MutableJson")
}

/** Whether it is a Schema.Class, of whatever kind. */
export const isClass = (ast: SchemaAST.Declaration): boolean =>
  typeof ast.annotations?.["~constructor"] === "function"

type Native = (parameters: ReadonlyArray<SchemaAST.AST>, compile: Compiler["compile"]) => Plan

const float: Plan = { _tag: "Float", finite: false, integer: false }
const text: Plan = { _tag: "Text" }
const nothing: Plan = { _tag: "Const", value: undefined, lenient: false }

/** A value that travels as another: `to` is given only values that `is` admits. */
const convert = <A, B>(
  label: string,
  is: (value: unknown) => boolean,
  to: (value: A) => B,
  from: (inside: B) => A,
  plan: Plan
): Plan => ({
  _tag: "Convert",
  label,
  to: (value: A) => is(value) ? to(value) : fail(`expected ${label}`),
  from,
  plan
})

const tuple = (...elements: ReadonlyArray<Plan>): Plan => ({
  _tag: "Sequence",
  elements,
  required: elements.length,
  rest: undefined,
  tail: []
})

const unsigned = (width: 1 | 2 | 4, min = 0): Plan => ({
  _tag: "Int",
  width,
  signed: false,
  min,
  max: 2 ** (width * 8) - 1,
  minusZero: undefined
})

const struct = (plans: { readonly [name: string]: Plan }): Plan => ({
  _tag: "Struct",
  fields: Object.entries(plans).map(([name, plan]) => ({ name, optional: false, plan })),
  names: new Set(Object.keys(plans)),
  optionals: 0,
  signatures: []
})

// As kay lays it out.
const actorId = struct({
  instance: unsigned(4),
  type: unsigned(2, 1),
  machine: unsigned(1),
  version: unsigned(1)
})

const reason = (error: Plan, defect: Plan): Choice => ({
  _tag: "Choice",
  label: "Cause.Reason",
  is: Cause.isReason,
  cases: [
    { tag: "Fail", key: "error", plan: error, make: Cause.makeFailReason },
    { tag: "Die", key: "defect", plan: defect, make: Cause.makeDieReason },
    {
      tag: "Interrupt",
      key: "fiberId",
      plan: {
        _tag: "Convert",
        label: "FiberId",
        // NaN says: by nobody known.
        to: (id: number | undefined) => id ?? Number.NaN,
        from: (id: number) => Number.isNaN(id) ? undefined : id,
        plan: float
      },
      make: Cause.makeInterruptReason
    }
  ]
})

const cause = (error: Plan, defect: Plan): Plan => ({
  _tag: "Collection",
  label: "Cause",
  is: Cause.isCause,
  size: (value: Cause.Cause<unknown>) => value.reasons.length,
  entries: (value: Cause.Cause<unknown>) => value.reasons,
  make: (reasons: Array<Cause.Reason<unknown>>) => Cause.fromReasons(reasons),
  element: reason(error, defect)
})

// Beyond this no Date exists: ECMA-262, 21.4.1.1.
const maxTime = 8.64e15
const toTime = (time: number): number =>
  Math.abs(time) <= maxTime && Number.isInteger(time) ? time : fail("no such time")

// Effect's hashes have no secret: whoever writes the bytes can make all keys
// hash alike, and a HashMap of those takes quadratic time. No honest set of
// keys comes near the limit.
const maxAlike = 256

/** The entries, if their keys are spread over hashes as keys are. */
const spread = <A>(entries: ReadonlyArray<A>, keys: ReadonlyArray<unknown>): ReadonlyArray<A> => {
  if (keys.length <= maxAlike) return entries
  const alike = new Map<number, number>()
  for (const key of keys) {
    const hash = Hash.hash(key)
    const count = (alike.get(hash) ?? 0) + 1
    if (count > maxAlike) return fail("too many keys that hash alike")
    alike.set(hash, count)
  }
  return entries
}

const natives: ReadonlyMap<string, Native> = new Map<string, Native>(Object.entries(
  {
    "effect/schema/Date": () =>
      convert(
        "Date",
        (value) => value instanceof Date && !Number.isNaN(value.getTime()),
        (value: Date) => value.getTime(),
        (time: number) => new Date(toTime(time)),
        float
      ),

    "effect/schema/DateTimeUtc": () =>
      convert(
        "DateTime.Utc",
        (value) => DateTime.isDateTime(value) && DateTime.isUtc(value),
        (value: DateTime.Utc) => value.epochMilliseconds,
        (time: number) => DateTime.makeUnsafe(toTime(time)),
        float
      ),

    "effect/schema/DateTimeZoned": () =>
      convert(
        "DateTime.Zoned",
        (value) => DateTime.isDateTime(value) && DateTime.isZoned(value),
        (value: DateTime.Zoned) => [value.epochMilliseconds, DateTime.zoneToString(value.zone)] as const,
        ([time, name]: readonly [number, string]) => {
          const zone = DateTime.zoneFromString(name)
          return Option.isSome(zone)
            ? DateTime.makeZonedUnsafe(toTime(time), { timeZone: zone.value })
            : fail("no such time zone")
        },
        tuple(float, text)
      ),

    "effect/schema/Duration": () =>
      convert(
        "Duration",
        Duration.isDuration,
        (value: Duration.Duration) => value.value,
        (inside: unknown) => inside as Duration.Duration,
        {
          _tag: "Choice",
          label: "DurationValue",
          is: () => true,
          cases: [
            { tag: "Millis", key: "millis", plan: float, make: (millis: number) => Duration.millis(millis) },
            {
              tag: "Nanos",
              key: "nanos",
              plan: { _tag: "Big" },
              make: (nanos: bigint) => Duration.nanos(nanos)
            },
            { tag: "Infinity", key: undefined, plan: nothing, make: () => Duration.infinity },
            { tag: "NegativeInfinity", key: undefined, plan: nothing, make: () => Duration.negativeInfinity }
          ]
        }
      ),

    "effect/schema/BigDecimal": () =>
      convert(
        "BigDecimal",
        BigDecimal.isBigDecimal,
        (value: BigDecimal.BigDecimal) => [value.value, value.scale] as const,
        ([value, scale]: readonly [bigint, number]) => BigDecimal.make(value, scale),
        tuple({ _tag: "Big" }, { _tag: "Float", finite: true, integer: true })
      ),

    "effect/schema/Uint8Array": () => ({ _tag: "Octets" }),

    [ActorId.TypeId]: () =>
      convert("ActorId", ActorId.isActorId, (id: ActorId.Parts) => id, ActorId.make, actorId),

    "effect/schema/Json": () => ({ _tag: "Dynamic", json: true }),
    "effect/schema/MutableJson": () => ({ _tag: "Dynamic", json: true }),

    "effect/schema/Option": ([value], compile) => ({
      _tag: "Choice",
      label: "Option",
      is: Option.isOption,
      cases: [
        { tag: "None", key: undefined, plan: nothing, make: () => Option.none() },
        { tag: "Some", key: "value", plan: compile(value!, "value"), make: Option.some }
      ]
    }),

    "effect/schema/Result": ([success, failure], compile) => ({
      _tag: "Choice",
      label: "Result",
      is: Result.isResult,
      cases: [
        { tag: "Success", key: "success", plan: compile(success!, "success"), make: Result.succeed },
        { tag: "Failure", key: "failure", plan: compile(failure!, "failure"), make: Result.fail }
      ]
    }),

    "effect/schema/Exit": ([value, error, defect], compile) => ({
      _tag: "Choice",
      label: "Exit",
      is: Exit.isExit,
      cases: [
        { tag: "Success", key: "value", plan: compile(value!, "value"), make: Exit.succeed },
        {
          tag: "Failure",
          key: "cause",
          plan: cause(compile(error!, "error"), compile(defect!, "defect")),
          make: (inside: Cause.Cause<unknown>) => Exit.failCause(inside)
        }
      ]
    }),

    "effect/schema/Cause": ([error, defect], compile) =>
      cause(compile(error!, "error"), compile(defect!, "defect")),

    "effect/schema/CauseReason": ([error, defect], compile) =>
      reason(compile(error!, "error"), compile(defect!, "defect")),

    "effect/schema/ReadonlyMap": ([key, value], compile) => ({
      _tag: "Collection",
      label: "Map",
      is: (input) => input instanceof Map,
      size: (map: Map<unknown, unknown>) => map.size,
      entries: (map: Map<unknown, unknown>) => map,
      make: (entries: Array<[unknown, unknown]>) => new Map(entries),
      element: tuple(compile(key!, "key"), compile(value!, "{}"))
    }),

    "effect/schema/ReadonlySet": ([value], compile) => ({
      _tag: "Collection",
      label: "Set",
      is: (input) => input instanceof Set,
      size: (set: Set<unknown>) => set.size,
      entries: (set: Set<unknown>) => set,
      make: (entries: Array<unknown>) => new Set(entries),
      element: compile(value!, "[]")
    }),

    "effect/schema/HashMap": ([key, value], compile) => ({
      _tag: "Collection",
      label: "HashMap",
      is: HashMap.isHashMap,
      size: (map: HashMap.HashMap<unknown, unknown>) => HashMap.size(map),
      entries: (map: HashMap.HashMap<unknown, unknown>) => map,
      make: (entries: Array<[unknown, unknown]>) =>
        HashMap.fromIterable(spread(entries, entries.map(([key]) => key))),
      element: tuple(compile(key!, "key"), compile(value!, "{}"))
    }),

    "effect/schema/HashSet": ([value], compile) => ({
      _tag: "Collection",
      label: "HashSet",
      is: HashSet.isHashSet,
      size: (set: HashSet.HashSet<unknown>) => HashSet.size(set),
      entries: (set: HashSet.HashSet<unknown>) => set,
      make: (entries: Array<unknown>) => HashSet.fromIterable(spread(entries, entries)),
      element: compile(value!, "[]")
    }),

    "effect/schema/Chunk": ([value], compile) => ({
      _tag: "Collection",
      label: "Chunk",
      is: Chunk.isChunk,
      size: (chunk: Chunk.Chunk<unknown>) => Chunk.size(chunk),
      entries: (chunk: Chunk.Chunk<unknown>) => chunk,
      make: (entries: Array<unknown>) => Chunk.fromArrayUnsafe(entries),
      element: compile(value!, "[]")
    })
  } satisfies { readonly [id: string]: Native }
))

/** Schema.Class and its kin: the fields travel, the constructor runs on arrival. */
const compileClass = (ast: SchemaAST.Declaration, { compile }: Compiler): Plan | undefined => {
  if (!isClass(ast)) return undefined
  const describe = ast.annotations!["~constructor"] as (parameters: ReadonlyArray<SchemaAST.AST>) => unknown
  const descriptor = describe(ast.typeParameters) as {
    readonly isConstructed: (value: unknown) => boolean
    readonly link: SchemaAST.Link
  }
  const { decode } = descriptor.link.transformation as { readonly decode: { readonly _tag: string } }
  if (decode._tag !== "Transform") return undefined
  const { transform } = decode as unknown as { readonly transform: (fields: unknown) => unknown }
  const name = SchemaAST.resolveIdentifier(ast) ?? "an instance of its class"
  return {
    _tag: "Convert",
    label: "",
    to: (value) => descriptor.isConstructed(value) ? value : fail(`expected ${name}`),
    from: construction(transform),
    plan: compile(ast.encoding?.[0].to ?? descriptor.link.to)
  }
}

/**
 * Runs a class's constructor. One that makes an Error takes the stack each
 * time, two microseconds of the decoder's own frames that nobody wants to see;
 * with the limit at 0 it is a fifth of that, and the stack is the message.
 */
const construction = (construct: (fields: unknown) => unknown): (fields: unknown) => unknown => {
  let isError = false
  return (fields) => {
    if (!isError) {
      const instance = construct(fields)
      isError = instance instanceof Error
      return instance
    }
    const limit = Error.stackTraceLimit
    // Not an assignment: where intrinsics are frozen, it changes nothing.
    Reflect.set(Error, "stackTraceLimit", 0)
    try {
      return construct(fields)
    } finally {
      Reflect.set(Error, "stackTraceLimit", limit)
    }
  }
}

const compileByCodec = (ast: SchemaAST.Declaration, { compile, refuse }: Compiler): Plan => {
  const parameters = ast.typeParameters.map((parameter) =>
    Schema.make<Schema.Top>(SchemaAST.toEncoded(parameter))
  )
  const link = linkOf(ast.annotations?.toCodecJson, parameters) ??
    linkOf(ast.annotations?.toCodec, parameters)
  if (link === undefined) {
    const name = SchemaAST.resolveIdentifier(ast) ?? representationId(ast) ?? ast.annotations?.expected
    return refuse(
      `${typeof name === "string" ? name : "a declared type"} has no codec (annotations toCodec, toCodecJson)`
    )
  }
  const linked = new SchemaAST.Declaration(
    ast.typeParameters,
    ast.run,
    ast.annotations,
    ast.checks,
    [link],
    ast.context,
    ast.encodingChecks,
    ast.encodingRun
  )
  return compile(linked)
}

const linkOf = (get: unknown, parameters: ReadonlyArray<Schema.Top>): SchemaAST.Link | undefined =>
  typeof get === "function" ? get(parameters) as SchemaAST.Link | undefined : undefined
