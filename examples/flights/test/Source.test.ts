import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Source from "../Source.ts"
import { file, problemOf, readRows } from "./files.ts"
import { parquetFile } from "./parquetFile.ts"

const header = "date,delay,distance,origin,destination"
const csv = (delays: ReadonlyArray<string | number>) =>
  [header, ...delays.map((delay) => `2001-01-01,${delay},405,MCI,MDW`)].join("\n")

/** Four rows in two row groups, the second and the last of them without a delay. */
const parquet = parquetFile([
  { name: "date", type: "INT32", converted: "DATE", values: [1, 2, 3, 4] },
  { name: "delay", type: "INT64", values: [1, null, 3, null] },
  { name: "distance", type: "INT64", values: [1, 2, 3, 4] },
  { name: "origin", type: "BYTE_ARRAY", values: ["A", "B", "C", "D"] },
  { name: "destination", type: "BYTE_ARRAY", values: ["B", "C", "D", "A"] }
], 2)

describe("Source", () => {
  describe("inspect", () => {
    it.effect("tells the format by the content, not by the name", () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* Source.inspect(yield* file(parquet, "flights.csv"))).format, "parquet")
        assert.strictEqual((yield* Source.inspect(yield* file(csv([1]), "flights.parquet"))).format, "csv")
      }))

    it.effect("gives a plan that survives being sent as JSON", () =>
      Effect.gen(function*() {
        const plan = yield* Source.inspect(yield* file(parquet))
        const sent = yield* Schema.decodeUnknownEffect(Source.Plan)(JSON.parse(JSON.stringify(plan)))
        assert.deepStrictEqual(sent, plan)
        assert.deepStrictEqual(yield* readRows(sent), yield* readRows(plan))
      }))

    it.effect("says in one line what is wrong with a path", () =>
      Effect.gen(function*() {
        const path = yield* file("")
        const messageOf = (path: string) =>
          Source.inspect(path).pipe(Effect.flip, Effect.map(({ message }) => message))
        const directory = Path.dirname(path)
        const nowhere = Path.join(directory, "nowhere")
        assert.strictEqual(yield* messageOf(path), `${path}: is empty`)
        assert.strictEqual(yield* messageOf(directory), `${directory}: is a directory, not a file`)
        assert.strictEqual(yield* messageOf(nowhere), `${nowhere}: no such file`)
        assert.strictEqual(yield* messageOf(Path.join(path, "below")), `${path}/below: no such file`)
        assert.strictEqual(yield* messageOf("/dev/null"), "/dev/null: is not a regular file")
      }))
  })

  describe("take", () => {
    for (const [format, content] of [["parquet", parquet], ["csv", csv([1, "", 3, ""])]] as const) {
      it.effect(`leaves the first rows of a ${format} file, bad ones counted`, () =>
        Effect.gen(function*() {
          const plan = yield* Source.inspect(yield* file(content))
          for (let rows = 1; rows <= 5; rows++) {
            const taken = Source.take(plan, rows)
            assert.strictEqual(taken.rows, Math.min(rows, 4))
            const read = yield* readRows(taken)
            assert.deepStrictEqual(read.rows.map(({ delay }) => delay), rows < 3 ? [1] : [1, 3])
            assert.deepStrictEqual(
              read.skipped.length,
              format === "parquet" && rows > 3 ? 2 : rows > 1 ? 1 : 0
            )
          }
        }))
    }
  })

  describe("open", () => {
    it.effect("reads groups in any order", () =>
      Effect.gen(function*() {
        const plan = yield* Source.inspect(yield* file(parquet))
        const { rows } = yield* readRows({ ...plan, groups: plan.groups.toReversed() })
        assert.deepStrictEqual(rows.map(({ origin, destination }) => origin + destination), ["CD", "AB"])
      }))

    it.effect("fails at a bad row when strict, with its number in the file", () =>
      Effect.gen(function*() {
        const plan = yield* Source.inspect(yield* file(parquet))
        const error = yield* Effect.flip(
          readRows({ ...plan, groups: plan.groups.slice(1) }, { strict: true })
        )
        assert.strictEqual(error.message, `${plan.path}: row 4: delay is missing`)
        assert.strictEqual((yield* Source.firstBadRow(plan))?.row, 2)
        assert.isUndefined(yield* Source.firstBadRow(Source.take(plan, 1)))
      }))

    it.effect("fails if the file has become shorter since it was looked at", () =>
      Effect.gen(function*() {
        const path = yield* file(csv([1, 2, 3]))
        const plan = yield* Source.inspect(path)
        yield* Effect.promise(() => Fs.writeFile(path, csv([1, 2])))
        assert.strictEqual((yield* Effect.flip(readRows(plan))).message, `${path}: ends at row 2, too early`)
        yield* Effect.promise(() => Fs.rm(path))
        assert.strictEqual((yield* Effect.flip(readRows(plan))).message, `${path}: no such file`)
      }))

    it.effect("keeps an airport's index from one group to the next", () =>
      Effect.gen(function*() {
        const plan = yield* Source.inspect(yield* file(parquet))
        const reader = yield* Source.open(plan, { strict: false })
        const first = yield* reader.read(plan.groups[0]!)
        const codes = first.codes.slice()
        const second = yield* reader.read(plan.groups[1]!)
        assert.deepStrictEqual(second.codes.slice(0, codes.length), codes)
        assert.strictEqual(new Set(second.codes).size, second.codes.length)
      }))
  })

  it.effect("takes what only begins like Parquet for damaged Parquet", () =>
    Effect.gen(function*() {
      assert.match(yield* problemOf("PAR1"), /^is a damaged or unsupported Parquet file/)
    }))
})
