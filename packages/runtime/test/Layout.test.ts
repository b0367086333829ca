import { assert, describe, it } from "@effect/vitest"
import * as Layout from "@troupe/runtime/Layout"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"

const Colour = { Red: 0, Green: 7, Blue: "blue" } as const

const When = Layout.via(Schema.Date, {
  as: Schema.Struct({ millis: Schema.Number }),
  get: (view) => new Date(view.millis),
  set: (view, date) => {
    view.millis = date.getTime()
  }
})

const Shape = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Circle"), radius: Schema.Number }),
  Schema.Struct({ _tag: Schema.Literal("Box"), width: Layout.Uint16, height: Layout.Uint16 })
])

const Everything = Schema.Struct({
  flag: Schema.Boolean,
  i8: Layout.Int8,
  u8: Layout.Uint8,
  i16: Layout.Int16,
  u16: Layout.Uint16,
  i32: Schema.Number.check(Schema.isInt32()),
  u32: Schema.Number.check(Schema.isUint32()),
  f32: Layout.Float32,
  f64: Schema.Number,
  int: Schema.Int,
  i64: Layout.Int64,
  u64: Layout.Uint64,
  always: Schema.Literal("always"),
  side: Schema.Literals(["buy", "sell", 3, true]),
  colour: Schema.Enum(Colour),
  none: Schema.Null,
  nullable: Schema.NullOr(Schema.Number),
  undefinable: Schema.UndefinedOr(Layout.Uint8),
  optional: Schema.optional(Schema.BigInt),
  optionalKey: Schema.optionalKey(Layout.Uint8),
  optionalTag: Schema.optionalKey(Schema.Literals(["a", "b"])),
  pair: Schema.Tuple([Schema.Number, Layout.Uint8]),
  nested: Schema.Struct({ deep: Schema.Struct({ x: Schema.Number, y: Schema.Boolean }) }),
  shape: Shape,
  maybeShape: Schema.NullOr(Shape),
  when: When,
  __proto__x: Schema.Number,
  ["constructor"]: Layout.Uint8,
  ["]; throw 1; ["]: Layout.Uint8
})
type Everything = typeof Everything.Type

const shape = fc.oneof(
  fc.record({ _tag: fc.constant("Circle" as const), radius: fc.double() }),
  fc.record({
    _tag: fc.constant("Box" as const),
    width: fc.integer({ min: 0, max: 65535 }),
    height: fc.integer({ min: 0, max: 65535 })
  })
)
const int = (min: number, max: number) => fc.integer({ min, max })

const everything: fc.Arbitrary<Everything> = fc.record({
  flag: fc.boolean(),
  i8: int(-128, 127),
  u8: int(0, 255),
  i16: int(-32768, 32767),
  u16: int(0, 65535),
  i32: int(-(2 ** 31), 2 ** 31 - 1),
  u32: int(0, 2 ** 32 - 1),
  f32: fc.float(),
  f64: fc.double(),
  int: fc.maxSafeInteger(),
  i64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  always: fc.constant("always" as const),
  side: fc.constantFrom("buy" as const, "sell" as const, 3 as const, true as const),
  colour: fc.constantFrom(Colour.Red, Colour.Green, Colour.Blue),
  none: fc.constant(null),
  nullable: fc.option(fc.double()),
  undefinable: fc.option(int(0, 255), { nil: undefined }),
  pair: fc.tuple(fc.double(), int(0, 255)),
  nested: fc.record({ deep: fc.record({ x: fc.double(), y: fc.boolean() }) }),
  shape,
  maybeShape: fc.option(shape),
  when: fc.date({ noInvalidDate: true }),
  __proto__x: fc.double(),
  ["constructor"]: int(0, 255),
  ["]; throw 1; ["]: int(0, 255)
}).chain((all) =>
  fc.record({
    optional: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { nil: undefined }),
    optionalKey: int(0, 255),
    optionalTag: fc.constantFrom("a" as const, "b" as const)
  }, { requiredKeys: [] }).map((more) => ({ ...all, ...more }) as Everything)
)

const ways = ["code", "closures"] as const

describe("Layout", () => {
  it("reaches records with something between them, within the memory alone", () => {
    const layout = Layout.make(Schema.Struct({ n: Schema.Number, flag: Schema.Boolean }))
    const buffer = new ArrayBuffer(100)
    const cursor = layout.cursor({ buffer, byteOffset: 8, byteLength: 92 })
    for (const at of [0, 24, 76 & -8]) layout.write(cursor.atByte(at), { n: at, flag: at > 0 })
    for (const at of [0, 24, 72]) {
      assert.deepStrictEqual(layout.read(cursor.atByte(at)), { n: at, flag: at > 0 })
    }
    assert.strictEqual(new Float64Array(buffer, 8 + 24, 1)[0], 24)
    for (const at of [-8, 1, 4, 80, NaN, 0.5, 2 ** 33]) {
      assert.throws(() => cursor.atByte(at), RangeError, String(at))
    }
  })

  describe("round trip", () => {
    it.each(ways)("writes and reads equal values, views made by %s", (by) => {
      const layout = Layout.make(Everything, { by })
      const cursor = layout.cursor({ buffer: new ArrayBuffer(layout.byteLength * 3) })
      fc.assert(
        fc.property(fc.array(everything, { minLength: 3, maxLength: 3 }), (values) => {
          values.forEach((value, i) => layout.write(cursor.at(i), value))
          values.forEach((value, i) => assert.deepStrictEqual(layout.read(cursor.at(i)), value))
          // in place, field by field, from one record into another
          for (const name of Object.keys(values[0]!) as Array<keyof Everything>) {
            layout.write(cursor.at(1), { ...values[1]!, [name]: values[0]![name] } as Everything)
            assert.deepStrictEqual(
              layout.read(cursor.at(1)),
              { ...values[1]!, [name]: values[0]![name] } as Everything
            )
          }
          assert.deepStrictEqual(layout.read(cursor.at(2)), values[2])
        }),
        { numRuns: 50 }
      )
    })

    it("gives the same bytes either way", () => {
      const [code, closures] = ways.map((by) => Layout.make(Everything, { by }))
      const a = new ArrayBuffer(code!.byteLength)
      const b = new ArrayBuffer(code!.byteLength)
      fc.assert(fc.property(everything, (value) => {
        code!.write(code!.view({ buffer: a }), value)
        closures!.write(closures!.view({ buffer: b }), value)
        assert.deepStrictEqual(new Uint8Array(a), new Uint8Array(b))
        assert.deepStrictEqual(code!.read(code!.view({ buffer: b })), value)
      }))
      assert.strictEqual(code!.fingerprint, closures!.fingerprint)
    })
  })

  describe.each(ways)("views made by %s", (by) => {
    const layout = Layout.make(Everything, { by })
    const view = layout.view({ buffer: new SharedArrayBuffer(layout.byteLength) })

    it("read and write nested fields in place", () => {
      view.nested.deep.x = 4.5
      view.pair[0] = 2
      view.pair[1] = 200
      assert.strictEqual(view.nested.deep.x, 4.5)
      assert.deepStrictEqual([...view.pair], [2, 200])
      assert.strictEqual(view.pair.length, 2)
      view.nested = { deep: { x: 1, y: true } }
      assert.strictEqual(view.nested.deep.y, true)
      assert.strictEqual(view.nested, view.nested)
    })

    it("narrow a union by its tag", () => {
      view.shape = { _tag: "Box", width: 3, height: 4 }
      assert(view.shape._tag === "Box")
      view.shape.width += 2
      assert.strictEqual(view.shape.width, 5)
      view.shape = { _tag: "Circle", radius: 9 }
      assert(view.shape._tag === "Circle")
      assert.strictEqual(view.shape.radius, 9)
      assert.throws(() => {
        view.shape = { _tag: "Triangle" } as never
      }, RangeError)
    })

    it("refuse what a field cannot hold, and keep what it held", () => {
      const refused: ReadonlyArray<readonly [keyof Everything, ReadonlyArray<unknown>]> = [
        ["u8", [256, -1, 1.5, NaN, "1", undefined, null]],
        ["i8", [128, -129]],
        ["u16", [65536]],
        ["i16", [-32769]],
        ["i32", [2 ** 31]],
        ["u32", [2 ** 32, -1]],
        ["f64", ["1", undefined, 1n]],
        ["i64", [2n ** 63n, 1]],
        ["u64", [-1n, 2n ** 64n]],
        ["flag", [1, 0, "true", undefined]],
        ["side", ["hold", false]],
        ["always", ["never"]],
        ["nullable", [undefined, "x"]],
        ["undefinable", [null, 256]]
      ]
      const loose = view as unknown as { [name: string]: unknown }
      for (const [name, values] of refused) {
        const before = loose[name]
        for (const value of values) {
          assert.throws(() => {
            loose[name] = value
          }, RangeError)
        }
        assert.deepStrictEqual(loose[name], before)
      }
    })

    it("refuse bytes that are no value of the field", () => {
      const bytes = new Uint8Array(layout.byteLength).fill(0xff)
      const hostile = layout.view({ buffer: bytes.buffer })
      assert.throws(() => hostile.side, RangeError)
      assert.throws(() => hostile.shape, RangeError)
      assert.throws(() => hostile.nullable, RangeError)
      assert.throws(() => layout.read(hostile), RangeError)
    })
  })

  describe("make", () => {
    it("gives integers the width of their bounds and packs without padding", () => {
      const layout = Layout.make(Schema.Struct({
        a: Layout.Uint8,
        b: Schema.Number,
        c: Layout.Int16,
        d: Layout.Uint32,
        e: Layout.Uint8,
        f: Schema.Natural.check(Schema.isLessThan(100))
      }))
      assert.strictEqual(layout.byteLength, 24)
      assert.strictEqual(layout.alignment, 8)
      assert.deepStrictEqual({ ...layout.fields }, {
        a: { byteOffset: 14, type: "u8" },
        b: { byteOffset: 0, type: "f64" },
        c: { byteOffset: 12, type: "i16" },
        d: { byteOffset: 8, type: "u32" },
        e: { byteOffset: 15, type: "u8" },
        f: { byteOffset: 16, type: "u8" }
      })
    })

    it.each<[string, Schema.Schema<any>, ReadonlyArray<string>]>([
      ["a string", Schema.Struct({ a: Schema.Struct({ name: Schema.String }) }), ["a", "name"]],
      ["an array", Schema.Struct({ xs: Schema.Array(Schema.Number) }), ["xs"]],
      [
        "a string within a case",
        Schema.Struct({
          u: Schema.Union([Shape, Schema.Struct({ _tag: Schema.Literal("S"), s: Schema.String })])
        }),
        ["u", "S", "s"]
      ],
      ["an untagged union", Schema.Struct({ u: Schema.Union([Schema.Number, Schema.Boolean]) }), ["u"]],
      ["a class", Schema.Struct({ d: Schema.Date }), ["d"]],
      ["any number of keys", Schema.Struct({ r: Schema.Record(Schema.String, Schema.Number) }), ["r"]],
      ["an element of a tuple", Schema.Struct({ t: Schema.Tuple([Schema.Number, Schema.String]) }), [
        "t",
        "1"
      ]],
      ["no record", Schema.Number, []]
    ])("names the field that has no fixed size: %s", (_, schema, path) => {
      const result = Layout.makeResult(schema)
      assert(Result.isFailure(result))
      assert.instanceOf(result.failure, Layout.LayoutError)
      assert.deepStrictEqual(result.failure.path, path)
      assert.throws(() => Layout.make(schema), /./)
    })

    it("refuses records outside the memory", () => {
      const layout = Layout.make(Schema.Struct({ a: Schema.Number }))
      const cursor = layout.cursor({ buffer: new ArrayBuffer(20) })
      assert.strictEqual(cursor.length, 2)
      for (const index of [-1, 2, 0.5, NaN]) assert.throws(() => cursor.at(index), RangeError)
      assert.throws(() => layout.cursor({ buffer: new ArrayBuffer(16), byteOffset: 4 }), RangeError)
    })
  })
})
