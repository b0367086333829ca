import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet"
import * as Fs from "node:fs/promises"
import * as Zlib from "node:zlib"
import { defaultInput } from "../dataset.ts"
import * as Source from "../Source.ts"
import { problemOf, readRows, rowsOf } from "./files.ts"
import { type Column, parquetFile } from "./parquetFile.ts"

const columns: ReadonlyArray<Column> = [
  { name: "date", type: "INT64", converted: "TIMESTAMP_MILLIS", values: [978307260000, 978307320000] },
  { name: "delay", type: "INT64", values: [14, -3] },
  { name: "distance", type: "INT64", values: [405, 1750] },
  { name: "origin", type: "BYTE_ARRAY", converted: "UTF8", values: ["MCI", "LAX"] },
  { name: "destination", type: "BYTE_ARRAY", converted: "UTF8", values: ["MDW", "MCI"] }
]
const rows = [
  { date: "2001-01-01T00:01:00.000Z", delay: 14, distance: 405, origin: "MCI", destination: "MDW" },
  { date: "2001-01-01T00:02:00.000Z", delay: -3, distance: 1750, origin: "LAX", destination: "MCI" }
]

/** The columns with some of them in place of those of the same name. */
const replacing = (...changed: ReadonlyArray<Column>): Uint8Array =>
  parquetFile(columns.map((column) => changed.find(({ name }) => name === column.name) ?? column))

describe("Parquet", () => {
  describe("the data set", () => {
    it.effect("has the rows that hyparquet's own row reader gives", () =>
      Effect.gen(function*() {
        const plan = yield* Source.inspect(defaultInput)
        assert.strictEqual(plan.format, "parquet")
        assert.strictEqual(plan.rows, 3_000_000)
        assert.strictEqual(plan.groups.length, 11)
        // The end of one row group and the beginning of the next.
        const [, second, third] = plan.groups
        const read = yield* readRows({ ...plan, groups: [second!, { ...third!, rows: 1000 }] })
        const expected = yield* Effect.promise(() =>
          asyncBufferFromFile(defaultInput).then((file) =>
            parquetReadObjects({
              file,
              rowStart: third!.firstRow - 1000,
              rowEnd: third!.firstRow + 1000,
              compressors: { ZSTD: (page) => Zlib.zstdDecompressSync(page) }
            })
          )
        )
        assert.deepStrictEqual(read.skipped, [])
        assert.deepStrictEqual(
          read.rows.slice(second!.rows - 1000),
          expected.map((row) => ({
            date: (row["date"] as Date).toISOString(),
            delay: Number(row["delay"]),
            distance: Number(row["distance"]),
            origin: String(row["origin"]),
            destination: String(row["destination"])
          }))
        )
      }))
  })

  describe("read", () => {
    it.effect("takes a plain file, whatever it is called", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* rowsOf(parquetFile(columns)), { rows, skipped: [] })
      }))

    it.effect("takes columns in another order, and ones of no interest", () =>
      Effect.gen(function*() {
        const note: Column = { name: "note", type: "DOUBLE", values: [1, null] }
        assert.deepStrictEqual(yield* rowsOf(parquetFile([note, ...columns.toReversed()])), {
          rows,
          skipped: []
        })
      }))

    it.effect("takes several row groups", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* rowsOf(parquetFile(columns, 1)), { rows, skipped: [] })
      }))

    const types: ReadonlyArray<readonly [string, Column]> = [
      ["32-bit integers", { name: "delay", type: "INT32", values: [14, -3] }],
      ["doubles", { name: "delay", type: "DOUBLE", values: [14, -3] }],
      ["unsigned 64-bit integers", {
        name: "distance",
        type: "INT64",
        converted: "UINT_64",
        values: [405, 1750]
      }],
      ["dates as text", {
        name: "date",
        type: "BYTE_ARRAY",
        converted: "UTF8",
        values: ["2001-01-01 00:01", "2001-01-01 00:02"]
      }],
      ["text that is not declared to be", { name: "origin", type: "BYTE_ARRAY", values: ["MCI", "LAX"] }]
    ]
    for (const [what, column] of types) {
      it.effect(`takes ${what}`, () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* rowsOf(replacing(column)), { rows, skipped: [] })
        }))
    }

    const skips: ReadonlyArray<readonly [string, Column]> = [
      ["delay is missing", { name: "delay", type: "INT64", values: [null, -3] }],
      ["delay is not an integer", { name: "delay", type: "DOUBLE", values: [0.5, -3] }],
      ["delay is out of range", { name: "delay", type: "INT64", values: [2n ** 40n, -3] }],
      ["distance is out of range", {
        name: "distance",
        type: "INT64",
        converted: "UINT_64",
        values: [-1, 1750]
      }],
      ["date is missing", {
        name: "date",
        type: "INT64",
        converted: "TIMESTAMP_MILLIS",
        values: [null, 978307320000]
      }],
      ["origin is missing", { name: "origin", type: "BYTE_ARRAY", converted: "UTF8", values: [null, "LAX"] }],
      ["origin is missing", { name: "origin", type: "BYTE_ARRAY", converted: "UTF8", values: ["", "LAX"] }]
    ]
    for (const [reason, column] of skips) {
      it.effect(`counts a row of which ${reason} (${column.values[0]})`, () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* rowsOf(replacing(column)), {
            rows: [rows[1]],
            skipped: [`1 ${reason}`]
          })
        }))
    }
  })

  describe("bad input", () => {
    it.effect("refuses a file without a column", () =>
      Effect.gen(function*() {
        assert.strictEqual(
          yield* problemOf(parquetFile(columns.slice(0, 3))),
          "has no column origin, destination"
        )
      }))

    const types: ReadonlyArray<readonly [string, Column]> = [
      ["column delay is UTF8, not a number", {
        name: "delay",
        type: "BYTE_ARRAY",
        converted: "UTF8",
        values: ["1", "2"]
      }],
      ["column delay is DATE, not a number", {
        name: "delay",
        type: "INT32",
        converted: "DATE",
        values: [1, 2]
      }],
      ["column date is INT64, not a date", { name: "date", type: "INT64", values: [1, 2] }],
      ["column origin is INT32, not text", { name: "origin", type: "INT32", values: [1, 2] }]
    ]
    for (const [problem, column] of types) {
      it.effect(`says that ${problem}`, () =>
        Effect.gen(function*() {
          assert.strictEqual(yield* problemOf(replacing(column)), problem)
        }))
    }

    it.effect("refuses a file that is cut off, wherever", () =>
      Effect.gen(function*() {
        const whole = parquetFile(columns)
        for (let length = 4; length < whole.length; length += 7) {
          assert.match(
            yield* problemOf(whole.subarray(0, length)),
            /^is a damaged or unsupported Parquet file \(.+\)$/
          )
        }
      }))

    it.effect("never gives more than a typed error for a file whose bytes are changed", () =>
      Effect.gen(function*() {
        const whole = parquetFile(columns)
        for (let i = 4; i < whole.length; i++) {
          const changed = Uint8Array.from(whole)
          changed[i]! ^= 1 << (i & 7)
          const exit = yield* Effect.exit(rowsOf(changed))
          if (exit._tag === "Failure") {
            assert.deepStrictEqual(
              exit.cause.reasons.map(({ _tag }) => _tag),
              ["Fail"],
              `byte ${i}: ${exit.cause}`
            )
          }
        }
      }))

    it.effect("refuses the data set cut in half", () =>
      Effect.gen(function*() {
        const bytes = yield* Effect.promise(() => Fs.readFile(defaultInput))
        assert.match(
          yield* problemOf(bytes.subarray(0, bytes.length >> 1)),
          /^is a damaged or unsupported Parquet file/
        )
      }))
  })
})
