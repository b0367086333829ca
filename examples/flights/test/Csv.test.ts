import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import * as Source from "../Source.ts"
import { file, problemOf, readRows, type Row, rowsOf } from "./files.ts"

const header = "date,delay,distance,origin,destination"
const row = { date: "2001-01-01T00:01:00.000Z", delay: 14, distance: 405, origin: "MCI", destination: "MDW" }
const line = Object.values(row).join(",")

describe("Csv", () => {
  describe("read", () => {
    const accepted: ReadonlyArray<readonly [string, string]> = [
      ["a plain file", `${header}\n${line}\n`],
      ["no line end at the end", `${header}\n${line}`],
      ["CRLF", `${header}\r\n${line}\r\n`],
      ["CR alone", `${header}\r${line}\r`],
      ["a byte order mark", `\uFEFF${header}\n${line}\n`],
      ["a byte order mark before a quote", `\uFEFF"date",delay,distance,origin,destination\n${line}\n`],
      ["blank lines", `\n${header}\n\n\n${line}\n\n`],
      ["quoted fields", `${header}\n"2001-01-01 00:01","14","405","MCI","MDW"\n`],
      [
        "columns in another order",
        `origin,destination,distance,delay,date\nMCI,MDW,405,14,2001-01-01 00:01\n`
      ],
      [
        "columns of no interest",
        `date,delay,note,distance,origin,destination\n2001-01-01 00:01,14,"a ""b"",\r\nc",405,MCI,MDW\n`
      ],
      [
        "spaces around names and numbers",
        `date, delay, distance,origin,destination\n2001-01-01 00:01, 14 , 405,MCI,MDW\n`
      ]
    ]
    for (const [what, content] of accepted) {
      it.effect(`takes ${what}`, () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* rowsOf(content), { rows: [row], skipped: [] })
        }))
    }

    it.effect("takes a file with a header only", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* rowsOf(header), { rows: [], skipped: [] })
      }))

    it.effect("counts rows that are not flights, and rows that do not fit the header", () =>
      Effect.gen(function*() {
        const { rows, skipped } = yield* rowsOf([
          header,
          line,
          "2001-01-01,x,405,MCI,MDW",
          "2001-01-01,,405,MCI,MDW",
          "2001-01-01,1.5,405,MCI,MDW",
          "2001-01-01,1,405,MCI",
          "2001-01-01,1,405,MCI,MDW,",
          "2001-01-01,1,405,,MDW",
          "yesterday,1,405,MCI,MDW",
          line
        ].join("\n"))
        assert.deepStrictEqual(rows, [row, row])
        assert.deepStrictEqual(skipped, [
          "2 delay is not an integer",
          "1 4 fields instead of 5",
          "1 6 fields instead of 5",
          "1 date is not a date",
          "1 delay is missing",
          "1 origin is missing"
        ])
      }))

    it.effect("reads back whatever is written by the rules", () => {
      const text = fc.string({ unit: fc.constantFrom("A", "ü", "😀", ",", "\"", "\n", "\r", " ") })
      const flight = fc.record({
        date: fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }).map((date) =>
          date.toISOString()
        ),
        delay: fc.integer(),
        distance: fc.nat(),
        origin: text.map((code) => `${code}A`),
        destination: text.map((code) => `B${code}`),
        note: text
      })
      const names = fc.shuffledSubarray(
        ["date", "delay", "distance", "origin", "destination", "note"] as const,
        { minLength: 6 }
      )
      const quote = (value: string) => /[",\r\n]/.test(value) ? `"${value.replaceAll("\"", "\"\"")}"` : value
      return Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.array(flight),
            names,
            fc.constantFrom("\n", "\r\n", "\r"),
            (flights, names, end) =>
              Effect.runPromise(Effect.gen(function*() {
                const lines = [
                  names,
                  ...flights.map((flight) => names.map((name) => quote(String(flight[name]))))
                ]
                const { rows, skipped } = yield* rowsOf(lines.map((cells) => cells.join(",") + end).join(""))
                assert.deepStrictEqual(skipped, [])
                assert.deepStrictEqual(
                  rows,
                  flights.map(({ date, delay, destination, distance, origin }) => ({
                    date,
                    delay,
                    distance,
                    origin,
                    destination
                  }))
                )
              }))
          ),
          { numRuns: 50 }
        )
      )
    })
  })

  describe("groups", () => {
    it.effect("cuts a long file between records, and numbers rows through", () =>
      Effect.gen(function*() {
        // Line ends and quotes within quotes, wherever a cut could fall.
        const note = "\"" + "\r\n\"\",".repeat(40) + "\""
        const rows: ReadonlyArray<Row> = Array.from({ length: 60_000 }, (_, i) => ({ ...row, delay: i }))
        const lines = rows.map((row) => `${Object.values(row).join(",")},${note}`)
        const bad = `${line.replace("14", "late")},`
        const plan = yield* Source.inspect(yield* file([`${header},note`, ...lines, bad, ""].join("\r\n")))
        assert.isAbove(plan.groups.length, 1)
        assert.strictEqual(plan.rows, rows.length + 1)
        assert.deepStrictEqual(yield* readRows(plan), { rows, skipped: ["1 delay is not an integer"] })
        assert.deepStrictEqual(
          (yield* Source.firstBadRow(plan))?.message,
          `${plan.path}: row ${rows.length + 1}: delay is not an integer`
        )
      }).pipe(Effect.scoped))
  })

  describe("bad input", () => {
    const refused: ReadonlyArray<readonly [string, string | Uint8Array, string]> = [
      ["a missing column", "date,distance,origin,destination\n", "has no column delay"],
      ["several missing columns", "date,distance,origin\n", "has no column delay, destination"],
      ["a column that is there twice", `${header},delay\n`, "has the column delay more than once"],
      [
        "other text",
        "Lorem ipsum\n",
        "is neither Parquet nor CSV with the columns date, delay, distance, origin, destination named in its first line"
      ],
      [
        "binary data",
        Uint8Array.from({ length: 1000 }, (_, i) => i),
        "is neither Parquet nor CSV with the columns date, delay, distance, origin, destination named in its first line"
      ],
      [
        "a quote within a field",
        `${header}\n${line}\n${line.replace("MCI", "M\"CI")}\n`,
        "is not well-formed CSV near row 1: Unexpected quote in an unquoted field"
      ],
      [
        "a quote that is never closed",
        `${header}\n${line}\n"${line}\n`,
        "is not well-formed CSV near row 2: Unterminated quoted field"
      ]
    ]
    for (const [what, content, problem] of refused) {
      it.effect(`refuses ${what}`, () =>
        Effect.gen(function*() {
          assert.strictEqual(yield* problemOf(content), problem)
        }))
    }
  })
})
