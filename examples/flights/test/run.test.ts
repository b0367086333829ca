import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { defaultInput } from "../dataset.ts"
import { run } from "../run.ts"
import * as Source from "../Source.ts"
import * as Verify from "../verify.ts"
import { file } from "./files.ts"

const rows = 60_000

const options = { workers: 0, strict: false, onRows: () => {} }

/** Runs the program as a user does: its exit code, or signal, and what it printed. */
const program = (
  args: ReadonlyArray<string>,
  during?: (child: ReturnType<typeof spawn>) => void
): Effect.Effect<{ code: number | null; signal: string | null; stdout: string; stderr: string }> =>
  Effect.callback((resume) => {
    const main = fileURLToPath(new URL("../main.ts", import.meta.url))
    const child = spawn(process.execPath, ["--conditions=@troupe/source", main, ...args])
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Uint8Array) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Uint8Array) => (stderr += chunk.toString()))
    child.on("close", (code, signal) => resume(Effect.succeed({ code, signal, stdout, stderr })))
    during?.(child)
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("run", () => {
  for (const workers of [0, 1, 2, 3]) {
    it.live(`gives the direct loop's figures with ${workers} workers`, () =>
      Effect.gen(function*() {
        const plan = Source.take(yield* Source.inspect(defaultInput), rows)
        const outcome = yield* run(plan, { ...options, workers })
        assert.deepStrictEqual(Verify.differences(outcome.figures, yield* Verify.direct(plan, () => {})), [])
        assert.deepStrictEqual(Verify.imbalances(outcome), [])
        assert.strictEqual(outcome.flights, rows)
        const names = Array.from({ length: workers }, (_, i) => `worker ${i + 1}`)
        assert.deepStrictEqual(
          outcome.workers.map(({ name }) => name),
          workers === 0 ? ["this thread"] : names
        )
        for (const { handled, name } of outcome.workers) assert.isAbove(handled, 0, name)
      }))
  }

  it.live("knows only airports that have a flight among the rows, whatever else the file names", () =>
    Effect.gen(function*() {
      const plan = Source.take(yield* Source.inspect(defaultInput), 3000)
      for (const workers of [0, 1]) {
        const { figures } = yield* run(plan, { ...options, workers })
        assert.deepStrictEqual(Verify.differences(figures, yield* Verify.direct(plan, () => {})), [])
      }
    }))

  it.live("counts the rows that it skips, on whichever thread", () =>
    Effect.gen(function*() {
      const header = "date,delay,distance,origin,destination"
      const lines = Array.from({ length: 1000 }, (_, i) => `2001-01-01,${i % 10 === 0 ? "x" : i},405,MCI,MDW`)
      const plan = yield* Source.inspect(yield* file([header, ...lines].join("\n")))
      const outcome = yield* run(plan, { ...options, workers: 1 })
      assert.deepStrictEqual(outcome.skipped, [{ reason: "delay is not an integer", count: 100 }])
      assert.strictEqual(outcome.flights, 900)
    }))

  it.live("fails with the bad row itself when it is strict, on a worker too", () =>
    Effect.gen(function*() {
      const header = "date,delay,distance,origin,destination"
      const plan = yield* Source.inspect(yield* file(`${header}\n2001-01-01,1,1,A,B\n2001-01-01,1,far,A,B\n`))
      for (const workers of [0, 2]) {
        const error = yield* Effect.flip(run(plan, { ...options, workers, strict: true }))
        assert.instanceOf(error, Source.BadRow)
        assert.strictEqual((error as Source.BadRow).row, 2)
      }
    }))
})

describe("the program", () => {
  it.live("ends by itself, with its check passed", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* program(["--workers", "1", "--limit", "20000"])
      assert.strictEqual(code, 0)
      assert.include(stdout, "20,000 flights")
      assert.include(stdout, "checked: a direct loop gives the same figures")
    }))

  for (const workers of ["0", "1"]) {
    it.live(`ends at Ctrl-C with ${workers} workers`, () =>
      Effect.gen(function*() {
        const { code, signal, stderr } = yield* program(["--workers", workers], (child) => {
          // The first line of progress says that it runs.
          child.stderr!.once("data", () => child.kill("SIGINT"))
        })
        assert.strictEqual(signal, null)
        assert.strictEqual(code, 130)
        assert.notInclude(stderr, "Error")
      }))
  }
})
