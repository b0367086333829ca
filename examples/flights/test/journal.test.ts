import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { copyFileSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { defaultInput } from "../dataset.ts"
import * as Source from "../Source.ts"
import * as Verify from "../verify.ts"

const main = fileURLToPath(new URL("../main.ts", import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program, and kills it after so many milliseconds if it has not ended by then. */
const program = (args: ReadonlyArray<string>, millis: number): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = spawn(process.execPath, ["--conditions=@troupe/source", main, ...args])
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Uint8Array) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Uint8Array) => (stderr += chunk.toString()))
    const timer = millis === Infinity ? undefined : setTimeout(() => child.kill("SIGKILL"), millis)
    child.on("close", (code) => {
      clearTimeout(timer)
      resume(Effect.succeed({ code, stdout, stderr }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "flights-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** Overwrites a file up to an offset: whoever counts from its beginning counts nonsense, or fails. */
const destroy = (path: string, end: number): void => {
  const file = openSync(path, "r+")
  writeSync(file, new Uint8Array(end).fill(0xAA), 0, end, 0)
}

/** Where a run went on; undefined for one that has not said so, or was killed before it could. */
const resumedRow = (text: string): number | undefined => {
  const found = /resumed at row (\d+)/.exec(text)
  return found === null ? undefined : Number(found[1])
}

describe("a run with a journal", () => {
  for (const workers of [0, 1]) {
    it.live(
      `is killed again and again, loses what it had read, and counts right, with ${workers} workers`,
      () =>
        Effect.gen(function*() {
          const directory = yield* temporary
          const input = join(directory, "flights.parquet")
          copyFileSync(defaultInput, input)
          const rows = 1_000_000
          const plan = Source.take(yield* Source.inspect(input), rows)
          const expected = yield* Verify.direct(plan, () => {})
          const args = ["--input", input, "--limit", `${rows}`, "--workers", `${workers}`, "--json"]
          const journaled = [...args, "--journal", join(directory, "journal")]

          const seed = Math.floor(Math.random() * 2 ** 31)
          let random = seed
          const next = (): number => (random = (random * 48_271) % 2_147_483_647) / 2_147_483_647
          let kills = 0
          let destroyed = 0
          for (;;) {
            // Later and later, so that it ends on a slow machine too; once it was taken up behind destroyed rows, it may end.
            const enough = kills >= 6 && destroyed > 0
            const { code, stderr, stdout } = yield* program(
              journaled,
              enough ? Infinity : 300 + next() * 400 * (kills + 4)
            )
            const resumed = resumedRow(stderr)
            const row = resumed ?? 0
            // One that is killed says nothing if that is before it has found out.
            if (code === 0 || resumed !== undefined) {
              assert.isAtLeast(row, destroyed, `seed ${seed}: it went back`)
            }
            if (code === 0) {
              const document = JSON.parse(stdout)
              assert.deepStrictEqual(Verify.differences(document.airports, expected), [], `seed ${seed}`)
              assert.strictEqual(document.flights, rows, `seed ${seed}`)
              break
            }
            assert.strictEqual(code, null, `seed ${seed}: ${stderr}`)
            kills++
            if (row > destroyed) {
              destroyed = row
              destroy(input, plan.groups.find(({ firstRow }) => firstRow === row)?.start ?? 0)
            }
          }
          // Whoever counts from the beginning cannot.
          if (destroyed > 0) assert.notStrictEqual((yield* program(args, Infinity)).code, 0)
        }),
      120_000
    )
  }

  it.live("is another run's, for other rows, other workers or another file", () =>
    Effect.gen(function*() {
      const directory = yield* temporary
      const journal = join(directory, "journal")
      const given = ["--journal", journal, "--workers"]
      const args = [...given, "0", "--limit", "3000"]
      assert.strictEqual((yield* program(args, Infinity)).code, 0)
      const again = yield* program(args, Infinity)
      assert.strictEqual(again.code, 0)
      assert.include(again.stdout, "resumed at row 3000")
      for (
        const [problem, other] of [
          ["--workers 0", ["1", "--limit", "3000"]],
          ["3000 rows", ["0", "--limit", "2000"]],
          ["flights-3m.parquet", ["0", "--input", "other.csv"]]
        ] as const
      ) {
        const { code, stderr } = yield* program([...given, ...other], Infinity)
        assert.strictEqual(code, 1)
        assert.include(stderr, problem)
        assert.include(stderr, "give another directory")
      }
    }))
})
