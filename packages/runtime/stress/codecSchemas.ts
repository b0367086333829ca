/**
 * Schemas of every kind, made at random, each with the values it has: what the
 * property tests and the fuzz of the codec draw from.
 */
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"

/** A schema and its values. */
export interface Sample {
  /** How it is made, for messages. */
  readonly text: string
  readonly schema: Schema.Codec<any>
  readonly values: fc.Arbitrary<any>
}

const sample = (text: string, schema: Schema.Top, values: fc.Arbitrary<unknown>): Sample => ({
  text,
  schema: schema as Schema.Codec<any>,
  values
})

/** Any code units: lone surrogates too, in strings short and long. */
const strings = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 80 }) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 }).map((units) =>
      String.fromCharCode(...units)
    )
  }
)

/** Names that are more than names to JavaScript. */
const names = fc.oneof(
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "0",
    "42",
    "1000",
    "",
    "a b"
  ),
  fc.string({ minLength: 1, maxLength: 8 })
)

// Schema's own parser takes what an object inherits by these for fields that are
// there; the codec does not. Where Schema's is at work too, they are left out.
const inherited = /"(constructor|toString|hasOwnProperty|valueOf)"/

const doubles = fc.oneof(fc.double(), fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 2 ** 53, 5e-324))
const integers = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -1000, max: 1000 }), fc.constant(-0))
const times = fc.integer({ min: -8.64e12, max: 8.64e12 })

// What TypeScript makes of `enum Direction { Up, Down = "down" }`.
const Direction = { 0: "Up", Up: 0, Down: "down" } as const

const bounded: fc.Arbitrary<Sample> = fc.tuple(
  fc.oneof(fc.integer({ min: -40_000, max: 300 }), fc.integer(), fc.constant(0)),
  fc.oneof(fc.nat(600), fc.nat(70_000), fc.nat())
).map(([minimum, range]) =>
  sample(
    `Int[${minimum}, ${minimum + range}]`,
    Schema.Int.check(Schema.isBetween({ minimum, maximum: minimum + range })),
    minimum <= 0 && minimum + range >= 0
      ? fc.oneof(fc.integer({ min: minimum, max: minimum + range }), fc.constant(-0))
      : fc.integer({ min: minimum, max: minimum + range })
  )
)

const literals: fc.Arbitrary<Sample> = fc.uniqueArray(
  fc.oneof(fc.string({ maxLength: 5 }), fc.integer(), fc.boolean(), fc.bigInt({ min: -5n, max: 5n })),
  { minLength: 1, maxLength: 12 }
).map((values) =>
  sample(`Literals(${values.map(String).join()})`, Schema.Literals(values), fc.constantFrom(...values))
)

const leaves: fc.Arbitrary<Sample> = fc.oneof(
  bounded,
  literals,
  fc.constantFrom(
    sample("String", Schema.String, strings),
    sample("Number", Schema.Number, doubles),
    sample("Finite", Schema.Finite, doubles.filter(Number.isFinite)),
    sample("Int", Schema.Int, integers),
    sample("Boolean", Schema.Boolean, fc.boolean()),
    sample(
      "BigInt",
      Schema.BigInt,
      fc.oneof(fc.bigInt(), fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }))
    ),
    sample("Null", Schema.Null, fc.constant(null)),
    sample("Undefined", Schema.Undefined, fc.constant(undefined)),
    sample("Void", Schema.Void, fc.constant(undefined)),
    sample("Enum", Schema.Enum(Direction), fc.constantFrom(Direction.Up, Direction.Down)),
    sample(
      "TemplateLiteral",
      Schema.TemplateLiteral(["id-", Schema.Int]),
      fc.integer().map((n) => `id-${n}`)
    ),
    sample("Symbol", Schema.Symbol, fc.string({ maxLength: 9 }).map((key) => Symbol.for(key))),
    sample("Date", Schema.Date, times.map((time) => new Date(time))),
    sample("DateFromString", Schema.DateFromString, times.map((time) => new Date(time))),
    sample("NumberFromString", Schema.NumberFromString, fc.integer()),
    sample("DateTimeUtc", Schema.DateTimeUtc, times.map((time) => DateTime.makeUnsafe(time))),
    sample(
      "DateTimeZoned",
      Schema.DateTimeZoned,
      times.map((time) => DateTime.makeZonedUnsafe(time, { timeZone: "Europe/London" }))
    ),
    sample(
      "Duration",
      Schema.Duration,
      fc.oneof(
        fc.nat().map(Duration.millis),
        fc.bigInt({ min: 0n, max: 2n ** 70n }).map(Duration.nanos),
        fc.constantFrom(Duration.infinity, Duration.negativeInfinity)
      )
    ),
    sample("Uint8Array", Schema.Uint8Array, fc.uint8Array({ maxLength: 40 })),
    sample("URL", Schema.URL, fc.webUrl().map((url) => new URL(url))),
    sample("NonEmptyString", Schema.NonEmptyString, strings.filter((text) => text.length > 0)),
    sample("Json", Schema.Json, fc.jsonValue({ maxDepth: 3 }).map(withoutProto)),
    sample(
      "Unknown",
      Schema.Unknown,
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, maxDepth: 2 }).map(
        withoutProto
      )
    )
  )
)

// fast-check's own objects may have a null prototype, which no codec keeps.
function withoutProto(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutProto)
  if (value instanceof Map) {
    return new Map([...value].map(([key, each]) => [withoutProto(key), withoutProto(each)]))
  }
  if (value instanceof Set) return new Set([...value].map(withoutProto))
  if (typeof value !== "object" || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutProto(each)]))
}

type Tie = fc.Arbitrary<Sample>

const fieldsOf = (inner: Tie, maxLength: number) =>
  fc.uniqueArray(fc.tuple(names, inner, fc.constantFrom("required", "optionalKey", "optional", "mutable")), {
    selector: ([name]) => name,
    maxLength
  })

type Fields = ReadonlyArray<readonly [string, Sample, string]>

const schemaOfFields = (fields: Fields) => {
  const out: Record<string, Schema.Top> = {}
  for (const [name, { schema }, how] of fields) {
    const field = how === "optionalKey"
      ? Schema.optionalKey(schema)
      : how === "optional"
      ? Schema.optional(schema)
      : how === "mutable"
      ? Schema.mutableKey(schema)
      : schema
    Object.defineProperty(out, name, { value: field, enumerable: true, configurable: true, writable: true })
  }
  return out
}

const valuesOfFields = (fields: Fields): fc.Arbitrary<Record<string, unknown>> =>
  fc.tuple(
    ...fields.map(([, { values }, how]) =>
      (how === "optionalKey" || how === "optional"
        ? fc.option(how === "optional" ? fc.oneof(values, fc.constant(undefined)) : values, { nil: missing })
        : values) as fc.Arbitrary<unknown>
    )
  ).map((contents) => {
    const out = {}
    fields.forEach(([name], i) => {
      if (contents[i] === missing) return
      Object.defineProperty(out, name, {
        value: contents[i],
        enumerable: true,
        configurable: true,
        writable: true
      })
    })
    return out
  })

const missing = Symbol("missing")

const structs = (inner: Tie): Tie =>
  fieldsOf(inner, 12).map((fields) =>
    sample(
      `{${fields.map(([name, { text }, how]) => `${JSON.stringify(name)} ${how}: ${text}`).join("; ")}}`,
      // An empty struct admits everything but null and undefined; the codec, objects.
      Schema.Struct(schemaOfFields(fields)),
      valuesOfFields(fields)
    )
  )

let classes = 0
const classesOf = (inner: Tie): Tie =>
  fieldsOf(inner.filter(({ text }) => !text.includes("Void") && !inherited.test(text)), 5)
    // A class inherits members by these names.
    .filter((fields) =>
      fields.every(([name]) => /^[a-z]\w*$/.test(name) && !(name in Object.prototype) && name !== "pipe")
    )
    .map((fields) => {
      const name = `Class${classes++}`
      const made = class extends Schema.Class<any>(name)(schemaOfFields(fields)) {}
      return sample(
        `class{${fields.map(([key, { text }, how]) => `${key} ${how}: ${text}`).join("; ")}}`,
        made,
        valuesOfFields(fields).map((value) => new made(value))
      )
    })

const taggedUnions = (inner: Tie): Tie =>
  fc.array(fieldsOf(inner, 4).map((fields) => fields.filter(([name]) => name !== "_tag")), {
    minLength: 1,
    maxLength: 10
  }).map((members) => {
    const samples = members.map((fields, i) =>
      sample(
        `T${i}{${
          fields.map(([name, { text }, how]) => `${JSON.stringify(name)} ${how}: ${text}`).join("; ")
        }}`,
        Schema.Struct({ _tag: Schema.Literal(`T${i}`), ...schemaOfFields(fields) }),
        valuesOfFields(fields).map((value) => ({ _tag: `T${i}`, ...value }))
      )
    )
    return sample(
      samples.map(({ text }) => text).join(" | "),
      Schema.Union(samples.map(({ schema }) => schema)),
      fc.oneof(...samples.map(({ values }) => values))
    )
  })

const mixedUnions = (inner: Tie): Tie =>
  fc.tuple(inner, fc.subarray(["null", "string", "number", "date", "bytes"], { minLength: 1 })).map(
    ([element, picks]) => {
      const members: ReadonlyArray<readonly [string, Schema.Top, fc.Arbitrary<unknown>]> = [
        ["null", Schema.Null, fc.constant(null)],
        ["string", Schema.String, strings],
        ["number", Schema.Number, doubles],
        ["date", Schema.Date, times.map((time) => new Date(time))],
        ["bytes", Schema.Uint8Array, fc.uint8Array({ maxLength: 9 })]
      ]
      const chosen = members.filter(([name]) => picks.includes(name))
      return sample(
        `${chosen.map(([name]) => name).join(" | ")} | Array<${element.text}>`,
        Schema.Union([...chosen.map(([, schema]) => schema), Schema.Array(element.schema)]),
        fc.oneof(...chosen.map(([, , values]) => values), fc.array(element.values, { maxLength: 3 }))
      )
    }
  )

const sequences = (inner: Tie): Tie =>
  fc.oneof(
    inner.map(({ schema, text, values }) =>
      sample(`Array<${text}>`, Schema.Array(schema), fc.array(values, { maxLength: 6 }))
    ),
    fc.array(inner, { maxLength: 4 }).map((elements) =>
      sample(
        `[${elements.map(({ text }) => text).join()}]`,
        Schema.Tuple(elements.map(({ schema }) => schema)),
        fc.tuple(...elements.map(({ values }) => values))
      )
    ),
    fc.tuple(inner, inner, inner).map(([first, rest, last]) =>
      sample(
        `[${first.text}, ...${rest.text}, ${last.text}]`,
        Schema.TupleWithRest(Schema.Tuple([first.schema]), [rest.schema, last.schema]),
        fc.tuple(first.values, fc.array(rest.values, { maxLength: 3 }), last.values).map((
          [a, b, c]
        ) => [a, ...b, c])
      )
    ),
    fc.tuple(inner, inner).map(([first, second]) =>
      sample(
        `[${first.text}, ${second.text}?]`,
        Schema.Tuple([first.schema, Schema.optionalKey(second.schema)]),
        fc.oneof(fc.tuple(first.values), fc.tuple(first.values, second.values))
      )
    )
  )

const records = (inner: Tie): Tie =>
  fc.oneof(
    inner.map(({ schema, text, values }) =>
      sample(
        `Record<${text}>`,
        Schema.Record(Schema.String, schema),
        fc.dictionary(names, values, { noNullPrototype: true })
      )
    ),
    inner.map(({ schema, text, values }) =>
      sample(
        `{ id, [k]: ${text} }`,
        Schema.StructWithRest(Schema.Struct({ "@": Schema.Unknown }), [Schema.Record(
          Schema.String.check(Schema.isMinLength(2)),
          schema
        )]) as never,
        fc.dictionary(fc.string({ minLength: 2, maxLength: 4 }), values, {
          noNullPrototype: true
        }).map((rest) => ({ ...rest, "@": 1 }))
      )
    )
  )

const containers = (inner: Tie): Tie =>
  fc.oneof(
    inner.map(({ schema, text, values }) =>
      sample(
        `Option<${text}>`,
        Schema.Option(schema),
        fc.oneof(fc.constant(Option.none()), values.map(Option.some))
      )
    ),
    fc.tuple(inner, inner).map(([a, b]) =>
      sample(
        `Result<${a.text}, ${b.text}>`,
        Schema.Result(a.schema, b.schema),
        fc.oneof(a.values.map(Result.succeed), b.values.map(Result.fail))
      )
    ),
    fc.tuple(inner, inner).map(([a, b]) =>
      sample(
        `Exit<${a.text}, ${b.text}>`,
        Schema.Exit(a.schema, b.schema, Schema.Unknown),
        fc.oneof(
          a.values.map((value) => Exit.succeed(value)),
          b.values.map((error) => Exit.fail(error)),
          fc.string().map((defect) => Exit.die(defect)),
          fc.nat().map((id) => Exit.interrupt(id))
        )
      )
    ),
    inner.map(({ schema, text, values }) =>
      sample(
        `Map<string, ${text}>`,
        Schema.ReadonlyMap(Schema.String, schema),
        fc.array(fc.tuple(strings, values), { maxLength: 4 }).map((entries) => new Map(entries))
      )
    ),
    fc.constant(
      sample(
        "Set<string>",
        Schema.ReadonlySet(Schema.String),
        fc.array(strings, { maxLength: 4 }).map((all) => new Set(all))
      )
    ),
    inner.map(({ schema, text, values }) =>
      sample(
        `HashMap<string, ${text}>`,
        Schema.HashMap(Schema.String, schema),
        fc.array(fc.tuple(fc.string({ maxLength: 6 }), values), { maxLength: 4 }).map(HashMap.fromIterable)
      )
    ),
    fc.constant(
      sample(
        "HashSet<Int>",
        Schema.HashSet(Schema.Int),
        fc.array(fc.integer(), { maxLength: 4 }).map(HashSet.fromIterable)
      )
    ),
    inner.map(({ schema, text, values }) =>
      sample(
        `Chunk<${text}>`,
        Schema.Chunk(schema),
        fc.array(values, { maxLength: 4 }).map(Chunk.fromIterable)
      )
    )
  )

/** With a field that appears on decode, so that Schema itself transforms. */
const defaulted = (inner: Tie): Tie =>
  inner.filter(({ text }) => !/Undefined|Void|Unknown/.test(text) && !inherited.test(text)).map((
    { schema, text, values }
  ) =>
    sample(
      `{ n: default, inner: ${text} }`,
      Schema.Struct({
        n: Schema.Number.pipe(Schema.withDecodingDefaultKey(Effect.succeed(7))),
        inner: schema
      }),
      fc.record({ n: doubles, inner: values })
    )
  )

const recursive = (inner: Tie): Tie =>
  inner.map(({ schema, text, values }) => {
    interface Tree {
      readonly leaf: unknown
      readonly children: ReadonlyArray<Tree>
    }
    const tree: Schema.Codec<Tree> = Schema.Struct({
      leaf: schema,
      children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => tree))
    }) as never
    const trees = (depth: number): fc.Arbitrary<Tree> =>
      fc.record({
        leaf: values,
        children: depth === 0 ? fc.constant([]) : fc.array(trees(depth - 1), { maxLength: 2 })
      })
    return sample(`Tree<${text}>`, tree, trees(3))
  })

const level = (depth: number): Tie => {
  if (depth === 0) return leaves
  const inner = level(depth - 1)
  return fc.oneof(
    { weight: 2, arbitrary: leaves },
    { weight: 4, arbitrary: structs(inner) },
    { weight: 2, arbitrary: taggedUnions(inner) },
    mixedUnions(inner),
    { weight: 2, arbitrary: sequences(inner) },
    records(inner),
    { weight: 3, arbitrary: containers(inner) },
    classesOf(inner),
    defaulted(inner),
    recursive(inner)
  )
}

/** Schemas of some depth. */
export const samples: fc.Arbitrary<Sample> = level(2)
