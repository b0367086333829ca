import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import * as Columns from "../Columns.ts"
import * as Flight from "../Flight.ts"

const decode = (
  rows: ReadonlyArray<Partial<Record<Flight.ColumnName, unknown>>>,
  codes: ReadonlyArray<string>,
  firstRow = 0
) =>
  Columns.decode(
    {
      rows: rows.length,
      date: [rows.map(({ date }) => date)],
      delay: [rows.map(({ delay }) => delay)],
      distance: [rows.map(({ distance }) => distance)],
      origin: [rows.map(({ origin }) => origin)],
      destination: [rows.map(({ destination }) => destination)]
    },
    firstRow,
    codes
  )

const good = { date: 0, delay: 5, distance: 100, origin: 0, destination: 1 }
const codes = ["ATL", "SFO"]

describe("Columns", () => {
  describe("decode", () => {
    it("keeps the flights, in order, and counts the rest by reason", () => {
      const columns = decode(
        [
          good,
          { ...good, delay: null },
          { ...good, delay: 6 },
          { ...good, delay: 1.5 },
          { ...good, delay: NaN },
          { ...good, delay: 7n, origin: 1 }
        ],
        codes,
        100
      )
      assert.deepStrictEqual([...columns.delay], [5, 6, 7])
      assert.deepStrictEqual([...columns.origin], [0, 0, 1])
      assert.strictEqual(columns.length, 3)
      assert.deepStrictEqual(columns.skipped, [
        { reason: "delay is not an integer", count: 2 },
        { reason: "delay is missing", count: 1 }
      ])
      assert.deepStrictEqual(columns.firstSkipped, { row: 102, reason: "delay is missing" })
    })

    const reasons: ReadonlyArray<readonly [string, object]> = [
      ["date is missing", { date: undefined }],
      ["date is not a date", { date: NaN }],
      ["date is not a date", { date: 1e16 }],
      ["delay is out of range", { delay: 2 ** 31 }],
      ["delay is out of range", { delay: -(2n ** 40n) }],
      ["distance is missing", { distance: null }],
      ["distance is negative", { distance: -1 }],
      ["origin is missing", { origin: undefined }],
      ["destination is missing", { destination: null }]
    ]
    for (const [reason, change] of reasons) {
      it(`says that ${reason}`, () => {
        assert.deepStrictEqual(decode([{ ...good, ...change }], codes).skipped, [{ reason, count: 1 }])
      })
    }

    it("gives the same verdict as the schema", () => {
      const isFlight = Schema.is(Flight.Flight)
      const number = fc.oneof(
        fc.constantFrom(
          0,
          -0,
          -1,
          NaN,
          Infinity,
          2 ** 31 - 1,
          2 ** 31,
          -(2 ** 31),
          -(2 ** 31) - 1,
          1.5,
          8.64e15,
          8.64e15 + 2
        ),
        fc.integer(),
        fc.double(),
        fc.constantFrom(null, undefined)
      )
      const index = fc.constantFrom(0, 1, undefined, null)
      const row = fc.record({
        date: number,
        delay: number,
        distance: number,
        origin: index,
        destination: index
      })
      fc.assert(fc.property(fc.array(row), (rows) => {
        const expected = rows
          .map((row) => ({
            ...row,
            origin: codes[row.origin ?? -1],
            destination: codes[row.destination ?? -1]
          }))
          .filter(isFlight)
        const columns = decode(rows, codes)
        const actual = Array.from({ length: columns.length }, (_, i) => ({
          date: columns.date[i]!,
          delay: columns.delay[i]! + 0,
          distance: columns.distance[i]! + 0,
          origin: codes[columns.origin[i]!]!,
          destination: codes[columns.destination[i]!]!
        }))
        // Integers have no minus zero in 32 bits; adding 0 takes it away on the other side too.
        assert.deepStrictEqual(
          actual.map((row) => ({ ...row, date: row.date + 0 })),
          expected.map((row) => ({
            ...row,
            date: row.date + 0,
            delay: row.delay + 0,
            distance: row.distance + 0
          }))
        )
        const skipped = columns.skipped.reduce((sum, { count }) => sum + count, 0)
        assert.strictEqual(columns.length + skipped, rows.length)
      }))
    })

    it("walks pages of any lengths as one column", () => {
      const columns = Columns.decode(
        {
          rows: 3,
          date: [[0], [0, 0]],
          delay: [[1, 2], [], [null]],
          distance: [[1, 2, 3]],
          origin: [[0, 0, 0, 0]],
          destination: [[1], [1], [1]]
        },
        0,
        codes
      )
      assert.deepStrictEqual([...columns.delay], [1, 2])
      assert.deepStrictEqual(columns.firstSkipped, { row: 3, reason: "delay is missing" })
    })
  })

  describe("mergeSkipped", () => {
    it("adds up by reason, the most frequent first, ties by reason", () => {
      assert.deepStrictEqual(
        Columns.mergeSkipped([
          [{ reason: "b", count: 1 }, { reason: "c", count: 2 }],
          [],
          [{ reason: "c", count: 3 }, { reason: "a", count: 1 }]
        ]),
        [{ reason: "c", count: 5 }, { reason: "a", count: 1 }, { reason: "b", count: 1 }]
      )
    })
  })

  describe("Codes", () => {
    it("gives each code one index and a blank one none", () => {
      const codes = new Columns.Codes()
      assert.deepStrictEqual(["ATL", "SFO", "ATL", "", " "].map((code) => codes.indexOf(code)), [
        0,
        1,
        0,
        undefined,
        undefined
      ])
      assert.deepStrictEqual(codes.all, ["ATL", "SFO"])
    })
  })
})
