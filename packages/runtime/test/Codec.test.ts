/** The codec by example: every kind of schema, every way to be refused. */
import * as BigDecimal from "effect/BigDecimal"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { spawnSync } from "node:child_process"
import { describe, expect, it } from "vitest"
import * as Codec from "../src/Codec.ts"

class Point extends Schema.Class<Point>("Point")({ x: Schema.Number, at: Schema.Date }) {
  get double(): number {
    return this.x * 2
  }
}
class Circle extends Schema.TaggedClass<Circle>()("Circle", { radius: Schema.Number }) {}
class Square extends Schema.TaggedClass<Square>()("Square", { side: Schema.Number }) {}
class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { missing: Schema.Number }) {}

interface Tree {
  readonly value: number
  readonly children: ReadonlyArray<Tree>
}
const Tree = Schema.Struct({
  value: Schema.Number,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
})

interface List {
  readonly next?: List
}
const List: Schema.Codec<List> = Schema.Struct({
  next: Schema.optionalKey(Schema.suspend((): Schema.Codec<List> => List))
})
const listOf = (length: number): List => {
  let list: List = {}
  for (let i = 0; i < length; i++) list = { next: list }
  return list
}

const symbol = Symbol("of this schema only")
const Colour = { 0: "Red", Red: 0, Green: "green" } as const

const engines = [
  ["generated", false],
  ["interpreted", true]
] as const

const values: ReadonlyArray<readonly [string, Schema.Top, ReadonlyArray<unknown>]> = [
  ["String", Schema.String, ["", "ascii", "naïve ☃ 😀", "\ud800 alone", "x".repeat(1000), "é".repeat(1000)]],
  ["Number", Schema.Number, [0, -0, 1.5, NaN, Infinity, -Infinity, 2 ** 60]],
  ["Finite", Schema.Finite, [0, -0, 1.5]],
  ["Int", Schema.Int, [0, -0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
  ["a port", Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })), [0, -0, 8080, 65_535]],
  ["a small integer", Schema.Int.check(Schema.isBetween({ minimum: -5, maximum: 100 })), [-5, -0, 0, 100]],
  ["a positive integer", Schema.Int.check(Schema.isGreaterThan(0), Schema.isLessThan(10)), [1, 9]],
  ["Boolean", Schema.Boolean, [true, false]],
  ["BigInt", Schema.BigInt, [0n, -1n, 2n ** 63n, -(2n ** 200n)]],
  ["Null", Schema.Null, [null]],
  ["Undefined", Schema.Undefined, [undefined]],
  ["Void", Schema.Void, [undefined]],
  ["Literal", Schema.Literal("on"), ["on"]],
  ["Literals", Schema.Literals(["a", 1, true, 2n]), ["a", 1, true, 2n]],
  ["twenty literals", Schema.Literals(Array.from({ length: 20 }, (_, i) => `l${i}`)), ["l0", "l19"]],
  ["three hundred literals", Schema.Literals(Array.from({ length: 300 }, (_, i) => `l${i}`)), ["l0", "l299"]],
  ["Enum", Schema.Enum(Colour), [0, "green"]],
  ["TemplateLiteral", Schema.TemplateLiteral(["id-", Schema.Int]), ["id-17"]],
  ["UniqueSymbol", Schema.UniqueSymbol(symbol), [symbol]],
  ["Symbol", Schema.Symbol, [Symbol.for("registered")]],
  ["a brand", Schema.String.pipe(Schema.brand("UserId")), ["u1"]],
  ["Struct", Schema.Struct({ a: Schema.Number, b: Schema.String }), [{ a: 1, b: "x" }]],
  ["an empty Struct", Schema.Struct({}), [{}]],
  [
    "optional fields",
    Schema.Struct({
      a: Schema.optionalKey(Schema.Number),
      b: Schema.optional(Schema.String),
      c: Schema.Boolean
    }),
    [{ c: true }, { a: 1, c: true }, { b: undefined, c: false }, { a: 1, b: "x", c: true }]
  ],
  [
    "nine optional fields",
    Schema.Struct(
      Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, Schema.optionalKey(Schema.Number)]))
    ),
    [{}, { f8: 1 }, { f0: 1, f7: 2, f8: 3 }]
  ],
  [
    "optional transformed fields",
    Schema.Struct({ at: Schema.optionalKey(Schema.DateFromString) }),
    [{}, { at: new Date(5) }]
  ],
  ["a field of a symbol", Schema.Struct({ [symbol]: Schema.Number }), [{ [symbol]: 5 }]],
  ["a mutable field", Schema.Struct({ a: Schema.mutableKey(Schema.Number) }), [{ a: 1 }]],
  ["Record", Schema.Record(Schema.String, Schema.Number), [{}, { a: 1, b: 2 }]],
  ["a record of literal keys", Schema.Record(Schema.Literals(["a", "b"]), Schema.Number), [{ a: 1, b: 2 }]],
  ["a record of numbers", Schema.Record(Schema.Number, Schema.String), [{ 1: "a", 2.5: "b" }]],
  ["a record of symbols", Schema.Record(Schema.Symbol, Schema.Number), [{ [Symbol.for("k")]: 1 }]],
  ["a record of templates", Schema.Record(Schema.TemplateLiteral(["x-", Schema.String]), Schema.Int), [{
    "x-a": 1
  }]],
  [
    "a struct with rest",
    Schema.StructWithRest(Schema.Struct({ id: Schema.Number }), [
      Schema.Record(Schema.String, Schema.Number)
    ]),
    [{ id: 1 }, { id: 1, other: 2 }]
  ],
  ["Array", Schema.Array(Schema.Number), [[], [1, 2, 3]]],
  ["an array of nothing", Schema.Array(Schema.Null), [[], [null, null]]],
  ["an array of empty structs", Schema.Array(Schema.Struct({ kind: Schema.Literal("k") })), [[{
    kind: "k"
  }]]],
  ["NonEmptyArray", Schema.NonEmptyArray(Schema.String), [["a"], ["a", "b"]]],
  ["Tuple", Schema.Tuple([Schema.Number, Schema.String, Schema.Null]), [[1, "a", null]]],
  [
    "an optional element",
    Schema.Tuple([Schema.Number, Schema.optionalKey(Schema.String)]),
    [[1], [1, "a"]]
  ],
  [
    "a tuple with rest",
    Schema.TupleWithRest(Schema.Tuple([Schema.String]), [Schema.Number, Schema.Boolean]),
    [["a", true], ["a", 1, 2, true]]
  ],
  ["NullOr", Schema.NullOr(Schema.String), [null, "a"]],
  ["UndefinedOr", Schema.UndefinedOr(Schema.Number), [undefined, 1]],
  ["NullishOr", Schema.NullishOr(Schema.Number), [undefined, null, 1]],
  [
    "a tagged union",
    Schema.Union([
      Schema.TaggedStruct("A", { a: Schema.Number }),
      Schema.TaggedStruct("B", { b: Schema.String }),
      Schema.TaggedStruct("C", {})
    ]),
    [{ _tag: "A", a: 1 }, { _tag: "B", b: "x" }, { _tag: "C" }]
  ],
  [
    "twelve tags",
    Schema.Union(Array.from({ length: 12 }, (_, i) => Schema.TaggedStruct(`T${i}`, { v: Schema.Number }))),
    [{ _tag: "T0", v: 0 }, { _tag: "T11", v: 11 }]
  ],
  [
    "three hundred tags",
    Schema.Union(Array.from({ length: 300 }, (_, i) => Schema.TaggedStruct(`T${i}`, { v: Schema.Number }))),
    [{ _tag: "T0", v: 0 }, { _tag: "T299", v: 11 }]
  ],
  [
    "a union without tags",
    Schema.Union([Schema.Struct({ a: Schema.Number }), Schema.Struct({ b: Schema.String })]),
    [{ a: 1 }, { b: "x" }]
  ],
  [
    "a union told apart by a check",
    Schema.Union([Schema.String.check(Schema.isMinLength(5)), Schema.String]),
    ["long enough", "no"]
  ],
  [
    "a union of everything",
    Schema.Union([
      Schema.Null,
      Schema.String,
      Schema.Number,
      Schema.Boolean,
      Schema.BigInt,
      Schema.Date,
      Point,
      Schema.Array(Schema.String)
    ]),
    [null, "a", 1, true, 1n, new Date(1), new Point({ x: 1, at: new Date(2) }), ["a"]]
  ],
  [
    "a union of exactly one",
    Schema.Union([Schema.Struct({ a: Schema.Number }), Schema.Struct({ b: Schema.Number })], {
      mode: "oneOf"
    }),
    [{ a: 1 }, { b: 2 }]
  ],
  ["Date", Schema.Date, [new Date(0), new Date(8.64e15)]],
  ["Duration", Schema.Duration, [
    Duration.millis(5),
    Duration.nanos(7n),
    Duration.infinity,
    Duration.negativeInfinity
  ]],
  ["DateTimeUtc", Schema.DateTimeUtc, [DateTime.makeUnsafe(123)]],
  ["DateTimeZoned", Schema.DateTimeZoned, [DateTime.makeZonedUnsafe(5, { timeZone: "Europe/Vienna" })]],
  ["BigDecimal", Schema.BigDecimal, [BigDecimal.make(12345n, 3)]],
  ["Uint8Array", Schema.Uint8Array, [new Uint8Array(), new Uint8Array([1, 2, 255])]],
  ["URL", Schema.URL, [new URL("https://example.org/a?b")]],
  ["RegExp", Schema.RegExp, [/a+/gi]],
  ["Option", Schema.Option(Schema.String), [Option.none(), Option.some("a")]],
  ["Result", Schema.Result(Schema.Number, Overdrawn), [
    Result.succeed(1),
    Result.fail(new Overdrawn({ missing: 2 }))
  ]],
  [
    "Exit",
    Schema.Exit(Schema.Void, Overdrawn, Schema.Defect()),
    [
      Exit.void,
      Exit.fail(new Overdrawn({ missing: 3 })),
      Exit.die("defect"),
      Exit.interrupt(7),
      Exit.interrupt()
    ]
  ],
  [
    "Cause",
    Schema.Cause(Schema.String, Schema.Unknown),
    [
      Cause.fail("e"),
      Cause.die({ a: 1 }),
      Cause.fromReasons([Cause.makeFailReason("a"), Cause.makeFailReason("b")])
    ]
  ],
  ["ReadonlyMap", Schema.ReadonlyMap(Schema.Number, Schema.String), [
    new Map(),
    new Map([[1, "a"], [2, "b"]])
  ]],
  ["ReadonlySet", Schema.ReadonlySet(Schema.String), [new Set(), new Set(["a", "b"])]],
  ["HashMap", Schema.HashMap(Schema.String, Schema.Number), [HashMap.empty(), HashMap.make(["a", 1])]],
  ["HashSet", Schema.HashSet(Schema.Number), [HashSet.make(1, 2)]],
  ["Chunk", Schema.Chunk(Schema.Number), [Chunk.make(1, 2)]],
  ["Class", Point, [new Point({ x: 1, at: new Date(3) })]],
  ["a union of classes", Schema.Union([Circle, Square]), [
    new Circle({ radius: 1 }),
    new Square({ side: 2 })
  ]],
  ["TaggedError", Overdrawn, [new Overdrawn({ missing: 30 })]],
  ["a transformation", Schema.DateFromString, [new Date(17)]],
  ["a transformed element", Schema.Array(Schema.NumberFromString), [[1, 2]]],
  ["a recursive schema", Tree, [{
    value: 1,
    children: [{ value: 2, children: [] }, { value: 3, children: [] }]
  }]],
  ["Json", Schema.Json, [null, { a: [1, "x", true, { b: null }] }]],
  ["Unknown", Schema.Unknown, [
    undefined,
    1n,
    NaN,
    new Date(1),
    new Map([[1, new Set(["a"])]]),
    new Uint8Array([1])
  ]],
  ["Never, in an array", Schema.Array(Schema.Never), [[]]]
]

const twice = (schema: Schema.Top, interpreter: boolean, value: unknown): unknown => {
  const codec = Codec.make(schema, { interpreter })
  return Codec.decodeUnsafe(codec, Codec.encodeUnsafe(codec, value))
}

const errorOf = (run: () => unknown): Codec.CodecError | Codec.CodecDefinitionError => {
  try {
    run()
  } catch (error) {
    if (error instanceof Codec.CodecError || error instanceof Codec.CodecDefinitionError) return error
    throw error
  }
  throw new Error("it did not fail")
}

describe("Codec", () => {
  for (const [engine, interpreter] of engines) {
    describe(`${engine}`, () => {
      for (const [kind, schema, all] of values) {
        it(`brings ${kind} to the other side`, () => {
          for (const value of all) {
            const arrived = twice(schema, interpreter, value)
            expect(arrived).toStrictEqual(value)
            // A value one finds in an object tells minus zero and NaN apart.
            expect(Object.is(arrived, value) || typeof value === "object").toBe(true)
          }
        })
      }

      it("makes instances, by their constructor", () => {
        const point = twice(Point, interpreter, new Point({ x: 21, at: new Date(0) }))
        expect(point).toBeInstanceOf(Point)
        expect((point as Point).double).toBe(42)
        for (let i = 0; i < 3; i++) {
          const error = twice(Overdrawn, interpreter, new Overdrawn({ missing: 1 }))
          expect(error).toBeInstanceOf(Overdrawn)
          expect(error).toBeInstanceOf(Error)
        }
        expect(Error.stackTraceLimit).toBeGreaterThan(0)
      })

      it("keeps what an Error was as a defect", () => {
        const exit = twice(
          Schema.Exit(Schema.Void, Schema.Never, Schema.Defect()),
          interpreter,
          Exit.die(new Error("boom"))
        )
        expect(
          String(Exit.isFailure(exit as never) && Cause.squash((exit as Exit.Failure<never, never>).cause))
        ).toContain("boom")
      })

      it("keeps a Redacted redacted", () => {
        const arrived = twice(Schema.Redacted(Schema.String), interpreter, Redacted.make("secret"))
        expect(Redacted.value(arrived as Redacted.Redacted)).toBe("secret")
        expect(String(arrived)).not.toContain("secret")
      })

      it("keeps the fields' order", () => {
        const schema = Schema.Struct({
          a: Schema.Number,
          b: Schema.optionalKey(Schema.Number),
          c: Schema.String
        })
        expect(Object.keys(twice(schema, interpreter, { c: "x", b: 1, a: 2 }) as object)).toEqual([
          "a",
          "b",
          "c"
        ])
      })

      it("leaves out fields the schema does not know", () => {
        expect(twice(Schema.Struct({ a: Schema.Number }), interpreter, { a: 1, b: 2 })).toStrictEqual({
          a: 1
        })
      })

      it("fills in what a schema defaults on decode", () => {
        const schema = Schema.Struct({
          n: Schema.Number.pipe(Schema.withDecodingDefaultKey(Effect.succeed(7)))
        })
        expect(twice(schema, interpreter, { n: 3 })).toStrictEqual({ n: 3 })
      })

      describe("names are data", () => {
        const names = [
          "__proto__",
          "constructor",
          "toString",
          "valueOf",
          "hasOwnProperty",
          "0",
          "1000",
          "k0",
          "u8",
          "}"
        ]
        const data = () => {
          const out = Object.create(null) as { [key: string]: unknown }
          for (const name of names) out[name] = 1
          return out
        }

        it("as fields", () => {
          const fields = Object.create(null) as { [key: string]: Schema.Number }
          for (const name of names) fields[name] = Schema.Number
          const arrived = twice(Schema.Struct(fields), interpreter, data()) as object
          expect(Object.getPrototypeOf(arrived)).toBe(Object.prototype)
          for (const name of names) expect(Object.getOwnPropertyDescriptor(arrived, name)?.value).toBe(1)
        })

        it("as keys of a record", () => {
          for (const schema of [Schema.Record(Schema.String, Schema.Number), Schema.Unknown]) {
            const arrived = twice(schema, interpreter, data()) as object
            expect(Object.getPrototypeOf(arrived)).toBe(Object.prototype)
            for (const name of names) expect(Object.getOwnPropertyDescriptor(arrived, name)?.value).toBe(1)
          }
          expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined()
        })

        it("so that what every object inherits is not there", () => {
          const schema = Schema.Struct({ constructor: Schema.optionalKey(Schema.Unknown) })
          expect(twice(schema, interpreter, {})).toStrictEqual({})
          const required = Codec.make(Schema.Struct({ toString: Schema.Unknown }), { interpreter })
          expect(errorOf(() => Codec.encodeUnsafe(required, {} as never))).toMatchObject({ path: "toString" })
        })
      })

      describe("values that cannot be encoded", () => {
        const refused: ReadonlyArray<readonly [string, Schema.Top, unknown, string]> = [
          ["of another type", Schema.Struct({ a: Schema.Number }), { a: "1" }, "a"],
          ["deep inside", Schema.Struct({ a: Schema.Array(Schema.Struct({ b: Schema.Int })) }), {
            a: [{ b: 1 }, { b: 1.5 }]
          }, "a[1].b"],
          ["in a record", Schema.Record(Schema.String, Schema.Number), { "a b": null }, "[\"a b\"]"],
          ["a field that is missing", Schema.Struct({ a: Schema.UndefinedOr(Schema.Number) }), {}, "a"],
          [
            "undefined where only absence is allowed",
            Schema.Struct({ a: Schema.optionalKey(Schema.Number) }),
            { a: undefined },
            "a"
          ],
          ["no literal", Schema.Literals(["a", "b"]), "c", ""],
          ["outside the bounds", Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })), 10, ""],
          ["a fraction", Schema.Int, 0.5, ""],
          ["NaN for a finite number", Schema.Finite, NaN, ""],
          ["no member", Schema.Union([Schema.String, Schema.Number]), true, ""],
          ["an unknown tag", Schema.Union([Circle, Square]), { _tag: "Triangle" }, ""],
          ["not of the class", Point, { x: 1, at: new Date() }, ""],
          ["an invalid date", Schema.Date, new Date(NaN), ""],
          ["an array for a struct", Schema.Struct({}), [], ""],
          ["a tuple too short", Schema.Tuple([Schema.Number, Schema.Number]), [1], ""],
          ["a symbol of this thread", Schema.Symbol, Symbol("local"), ""],
          ["a function in unknown", Schema.Unknown, { f: () => 1 }, ""],
          ["an instance in unknown", Schema.Unknown, { f: new WeakMap() }, ""],
          ["what never is", Schema.Never, 1, ""],
          ["a getter's exception", Schema.Struct({ a: Schema.Number }), {
            get a(): number {
              throw new Error("got")
            }
          }, ""]
        ]
        for (const [what, schema, value, path] of refused) {
          it(what, () => {
            const codec = Codec.make(schema, { interpreter, path: "root" })
            const error = errorOf(() => Codec.encodeUnsafe(codec, value))
            expect(error).toMatchObject({ _tag: "CodecError", operation: "encode" })
            if (path !== "") expect(error.path).toBe(path.startsWith("[") ? `root${path}` : `root.${path}`)
          })
        }

        it("a cyclic one", () => {
          const cycle: { next?: unknown } = {}
          cycle.next = cycle
          for (const schema of [List, Schema.Unknown, Schema.Json]) {
            const codec = Codec.make(schema as Schema.Codec<unknown>, { interpreter })
            expect(errorOf(() => Codec.encodeUnsafe(codec, cycle)).reason).toContain("deeper than")
          }
        })
      })

      describe("bytes that cannot be decoded", () => {
        const decode = (schema: Schema.Top, ...bytes: ReadonlyArray<number>) =>
          errorOf(() => Codec.decodeUnsafe(Codec.make(schema, { interpreter }), Uint8Array.from(bytes)))

        it("with bytes left over, or too few", () => {
          expect(decode(Schema.Boolean, 1, 0).reason).toContain("left over")
          expect(decode(Schema.Boolean).reason).toContain("end before")
          expect(decode(Schema.Number, 1, 2, 3).reason).toContain("end before")
        })

        it("outside the buffer", () => {
          const codec = Codec.make(Schema.Boolean, { interpreter })
          const bytes = new Codec.Bytes(new ArrayBuffer(4))
          for (const [offset, end] of [[3, 5], [-1, 0], [5, 6], [2, 1]] as const) {
            expect(errorOf(() => codec.decode(bytes, offset, end))._tag).toBe("CodecError")
          }
          expect(codec.encode(true, bytes, 4, 99)).toBe(-1)
        })

        it("with a check that does not hold, and where", () => {
          const text = Schema.Struct({ a: Schema.String })
          const long = Schema.Struct({ a: Schema.String.check(Schema.isMinLength(3)) })
          const bytes = Codec.encodeUnsafe(Codec.make(text), { a: "no" })
          const error = errorOf(() => Codec.decodeUnsafe(Codec.make(long, { interpreter, path: "m" }), bytes))
          expect(error).toMatchObject({ operation: "decode", path: "m.a" })
          expect(error.reason).toContain("length of at least 3")
        })

        it("with counts beyond what is there, before anything is allocated", () => {
          const count = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f]
          for (
            const schema of [
              Schema.Array(Schema.Number),
              Schema.Array(Schema.Null),
              Schema.Array(Schema.Struct({})),
              Schema.Array(Schema.Array(Schema.Undefined)),
              Schema.Tuple([Schema.optionalKey(Schema.Null)]),
              Schema.TupleWithRest(Schema.Tuple([Schema.Null]), [Schema.Null, Schema.Null]),
              Schema.Record(Schema.String, Schema.Null),
              Schema.ReadonlyMap(Schema.Null, Schema.Null),
              Schema.ReadonlySet(Schema.Literal("x")),
              Schema.HashSet(Schema.Void),
              Schema.String,
              Schema.Uint8Array
            ]
          ) {
            expect(decode(schema, ...count, 0, 0)._tag).toBe("CodecError")
          }
          expect(decode(Schema.BigInt, 1, ...count, 0, 0)._tag).toBe("CodecError")
          for (const tag of [5, 6, 7, 8, 10, 11, 12]) {
            expect(decode(Schema.Unknown, tag, ...count, 0)._tag).toBe("CodecError")
          }
        })

        it("nested beyond the limit", () => {
          const deep = new Uint8Array(1_000_000).fill(1)
          expect(errorOf(() => Codec.decodeUnsafe(Codec.make(List, { interpreter }), deep)).reason).toContain(
            "deeper than"
          )
          const arrays = new Uint8Array(1_000_000).map((_, i) => i % 2 === 0 ? 7 : 1)
          expect(
            errorOf(() => Codec.decodeUnsafe(Codec.make(Schema.Unknown, { interpreter }), arrays)).reason
          )
            .toContain("deeper than")
        })

        it("with a thousand keys of a HashMap that hash alike", () => {
          // Found by search over the second unit, for h * 33 ^ unit.
          const keys = collisions(1000)
          const codec = Codec.make(Schema.HashSet(Schema.String), { interpreter })
          const bytes = Codec.encodeUnsafe(Codec.make(Schema.Array(Schema.String)), keys)
          expect(errorOf(() => Codec.decodeUnsafe(codec, bytes)).reason).toContain("hash alike")
        })
      })

      it("takes 512 levels, and no more", () => {
        expect(twice(List, interpreter, listOf(512))).toStrictEqual(listOf(512))
        const codec = Codec.make(List, { interpreter })
        expect(errorOf(() => Codec.encodeUnsafe(codec, listOf(513))).reason).toContain("512")
      })

      it("makes a record's index no dense array", () => {
        const codec = Codec.make(Schema.Array(Schema.Record(Schema.String, Schema.Boolean)), { interpreter })
        const bytes = Codec.encodeUnsafe(codec, Array.from({ length: 20_000 }, () => ({ "1000": true })))
        const before = process.memoryUsage().heapUsed
        const arrived = Codec.decodeUnsafe(codec, bytes)
        // Dense it would be 12 kilobytes for each record, 240 megabytes in all.
        expect(process.memoryUsage().heapUsed - before).toBeLessThan(80e6)
        expect(arrived.length).toBe(20_000)
      })
    })
  }

  describe("make", () => {
    const Opaque = Schema.declare((u): u is Promise<unknown> => u instanceof Promise, {
      identifier: "Promise"
    })
    const refused: ReadonlyArray<readonly [string, Schema.Top, string]> = [
      ["at the root", Opaque, "P"],
      ["in a struct", Schema.Struct({ a: Schema.Struct({ b: Opaque }) }), "P.a.b"],
      ["in an array", Schema.Struct({ a: Schema.Array(Opaque) }), "P.a[]"],
      ["in a tuple", Schema.Tuple([Schema.String, Opaque]), "P[1]"],
      ["in a record", Schema.Record(Schema.String, Opaque), "P{}"],
      ["in an option", Schema.Struct({ "a b": Schema.Option(Opaque) }), "P[\"a b\"].value"],
      [
        "in a class",
        Schema.Struct({ c: class extends Schema.Class<any>("C")({ inner: Opaque }) {} }),
        "P.c.inner"
      ],
      ["in a recursion", Schema.Struct({ r: Schema.suspend(() => Schema.Struct({ x: Opaque })) }), "P.r.x"],
      ["in a union", Schema.Struct({ u: Schema.Union([Schema.String, Opaque]) }), "P.u"],
      ["behind a transformation", Schema.Struct({ f: Schema.instanceOf(WeakMap) }), "P.f"]
    ]
    for (const [where, schema, path] of refused) {
      it(`refuses what cannot cross a thread ${where}, and says where`, () => {
        expect(errorOf(() => Codec.make(schema, { path: "P" }))).toMatchObject({
          _tag: "CodecDefinitionError",
          path
        })
      })
    }

    it("refuses a schema without end", () => {
      const endless = (): Schema.Top => Schema.Struct({ a: Schema.suspend(endless) })
      expect(errorOf(() => Codec.make(endless()))._tag).toBe("CodecDefinitionError")
    })

    it("says how many bytes, when all values take the same", () => {
      expect(
        Codec.make(Schema.Struct({ a: Schema.Number, b: Schema.Boolean, c: Schema.Literal("x") })).fixedSize
      ).toBe(9)
      expect(Codec.make(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 255 }))).fixedSize).toBe(1)
      expect(Codec.make(Schema.Void).fixedSize).toBe(0)
      expect(Codec.make(Schema.String).fixedSize).toBeUndefined()
      expect(Codec.make(Schema.Array(Schema.Null)).fixedSize).toBeUndefined()
    })

    it("works where code cannot be generated", () => {
      const script = `
        import * as Schema from "effect/Schema"
        import * as Codec from "@troupe/runtime/Codec"
        const codec = Codec.make(Schema.Struct({ a: Schema.Number, b: Schema.String }))
        const arrived = Codec.decodeUnsafe(codec, Codec.encodeUnsafe(codec, { a: 1, b: "x" }))
        console.log(JSON.stringify(arrived))`
      const flags = [
        "--disallow-code-generation-from-strings",
        "--conditions=@troupe/source",
        "--input-type=module"
      ]
      const child = spawnSync(process.execPath, [...flags, "-e", script], {
        cwd: import.meta.dirname,
        encoding: "utf8"
      })
      expect(child.stdout.trim()).toBe("{\"a\":1,\"b\":\"x\"}")
    })
  })

  describe("fingerprint", () => {
    const of = (schema: Schema.Top) => Codec.make(schema).fingerprint

    it("is the same for the same form, whatever stands around it", () => {
      expect(of(Schema.Struct({ a: Schema.Number }))).toBe(
        of(Schema.Struct({ a: Schema.Number.pipe(Schema.brand("A")) }))
      )
      expect(of(Schema.String)).toBe(of(Schema.NonEmptyString.annotate({ title: "name" })))
      expect(of(Tree)).toBe(of(Tree))
      expect(of(Point)).toBe(of(Schema.Struct({ x: Schema.Number, at: Schema.Date })))
    })

    it("differs where the bytes or what they mean differ", () => {
      const all = [
        Schema.Number,
        Schema.Int,
        Schema.String,
        Schema.Date,
        Schema.DateTimeUtc,
        Schema.Struct({}),
        Schema.Struct({ a: Schema.Number, b: Schema.Number }),
        Schema.Struct({ b: Schema.Number, a: Schema.Number }),
        Schema.Struct({ a: Schema.Number, c: Schema.Number }),
        Schema.Struct({ a: Schema.Number, b: Schema.String }),
        Schema.Struct({ a: Schema.Number, b: Schema.optionalKey(Schema.Number) }),
        Schema.Tuple([Schema.Number, Schema.Number]),
        Schema.Array(Schema.Number),
        Schema.Literal("a"),
        Schema.Literal("b"),
        Schema.Literal(1),
        Schema.Literal("1"),
        Schema.Literal(1n),
        Schema.Literals(["a", "b"]),
        Schema.Literals(["b", "a"]),
        Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 255 })),
        Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 256 })),
        Schema.Option(Schema.Number),
        Schema.NullOr(Schema.Number),
        Schema.UndefinedOr(Schema.Number),
        Schema.ReadonlySet(Schema.Number),
        Schema.HashSet(Schema.Number),
        Schema.Record(Schema.String, Schema.Number),
        Tree,
        List,
        Schema.Unknown,
        Schema.Json
      ]
      expect(new Set(all.map(of)).size).toBe(all.length)
    })
  })

  describe("encode and decode", () => {
    it("fail in the Effect, with the typed error", () => {
      const codec = Codec.make(Schema.Struct({ a: Schema.Number }), { path: "Message" })
      const bytes = Effect.runSync(Codec.encode(codec, { a: 5 }))
      expect(Effect.runSync(Codec.decode(codec, bytes))).toStrictEqual({ a: 5 })
      expect(Effect.runSync(Effect.flip(Codec.decode(codec, bytes.slice(1))))).toMatchObject({
        _tag: "CodecError",
        operation: "decode"
      })
      expect(Effect.runSync(Effect.flip(Codec.encode(codec, { a: "5" } as never))).message).toBe(
        "cannot encode Message.a: expected a number"
      )
    })

    it("can be used within a transformation of each other", () => {
      const inner = Codec.make(Schema.Struct({ text: Schema.String }))
      const Nested = Schema.Uint8Array.pipe(Schema.decodeTo(Schema.Struct({ text: Schema.String }), {
        decode: SchemaGetter.transform((bytes: Uint8Array) => Codec.decodeUnsafe(inner, bytes)),
        encode: SchemaGetter.transform((value: { readonly text: string }) => Codec.encodeUnsafe(inner, value))
      }))
      const value = { before: "b", nested: { text: "inside" }, after: [1, 2, 3] }
      const schema = Schema.Struct({
        before: Schema.String,
        nested: Nested,
        after: Schema.Array(Schema.Number)
      })
      for (const [, interpreter] of engines) expect(twice(schema, interpreter, value)).toStrictEqual(value)
    })

    it("grow to what a value needs", () => {
      const codec = Codec.make(Schema.String)
      const text = "x".repeat(3_000_000)
      expect(Codec.decodeUnsafe(codec, Codec.encodeUnsafe(codec, text))).toBe(text)
    })
  })
})

/** Strings of two units that Effect's Hash cannot tell apart. */
function collisions(count: number): Array<string> {
  // Hash.string goes from the last unit to the first: h = (h * 33) ^ unit.
  const groups = new Map<number, Array<string>>()
  const start = 5381 * 33
  for (let last = 0x100; last < 0xd000; last++) {
    const state = ((start ^ last) * 33) | 0
    const first = (state ^ 0x4141) & 0xffff
    if (first >= 0xd800 && first < 0xe000) continue
    const group = state >>> 16
    const keys = groups.get(group) ?? []
    keys.push(String.fromCharCode(first, last))
    groups.set(group, keys)
    if (keys.length >= count) return keys
  }
  throw new Error("too few collisions")
}
