import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Path from "node:path"
import { main } from "../cli.ts"
import type { Outcome, Run } from "../Figures.ts"
import * as Progress from "../progress.ts"
import * as Source from "../Source.ts"
import * as Verify from "../verify.ts"
import { file, readRows } from "./files.ts"

/** A run without actors: the direct loop's figures, changed as a test wants them. */
const runWith = (change: (outcome: Outcome) => Outcome): Run => (plan, { onRows, strict, workers }) =>
  Effect.gen(function*() {
    const { rows, skipped } = yield* readRows(plan, { strict })
    const flights = rows.length
    return change({
      figures: yield* Verify.direct(plan, onRows),
      flights,
      skipped: skipped.map((reason) => ({ reason, count: 1 })),
      messages: { sent: 2 * flights, handled: 2 * flights, deadLetters: 0 },
      workers: [{ name: `${workers} workers`, handled: 2 * flights }]
    })
  })

/** What the program prints and its exit code. */
const invoke = (args: ReadonlyArray<string>, run: Run = runWith((outcome) => outcome)) =>
  Effect.gen(function*() {
    const stdout: Array<string> = []
    const stderr: Array<string> = []
    const console: Console.Console = {
      ...globalThis.console,
      log: (...parts: ReadonlyArray<unknown>) => void stdout.push(parts.join(" ")),
      error: (...parts: ReadonlyArray<unknown>) => void stderr.push(parts.join(" "))
    }
    const progress: Array<string> = []
    const exit = yield* main(run, args).pipe(
      Effect.provideService(Console.Console, console),
      Effect.provideService(Progress.Output, { write: (text) => progress.push(text) }),
      Effect.exit
    )
    let code = 0
    Runtime.defaultTeardown(exit, (exitCode) => {
      code = exitCode
    })
    return { code, stdout: stdout.join("\n"), stderr: stderr.join("\n"), progress: progress.join("") }
  })

const header = "date,delay,distance,origin,destination"
const flights = [header, "2001-01-01,10,405,MCI,MDW", "2001-01-01,x,405,MCI,MDW", "2001-01-02,4,405,MDW,MCI"]
  .join("\n")

describe("cli", () => {
  it.effect("prints the table, the counts and the check", () =>
    Effect.gen(function*() {
      const { code, progress, stderr, stdout } = yield* invoke([
        "--input",
        yield* file(flights),
        "--workers",
        "3"
      ])
      assert.strictEqual(code, 0)
      assert.strictEqual(stderr, "")
      assert.match(progress, /^flights: 0 of 3 rows, 0%\n/)
      assert.match(progress, /^check: 3 of 3 rows, 100%/m)
      assert.match(
        stdout,
        /^1 {2}MCI {3}Kansas City International +1 +1 +10\.00 min +10 min {2}MDW {2}Chicago Midway$/m
      )
      assert.include(stdout, "2 flights, 2 airports, 4 messages in ")
      assert.include(stdout, "3 workers: 4 messages handled")
      assert.include(stdout, "1 row skipped: 1 delay is not an integer")
      assert.include(stdout, "checked: a direct loop gives the same figures")
    }))

  it.effect("prints one JSON document instead", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* invoke([
        "--input",
        yield* file(flights),
        "--json",
        "--no-verify",
        "--limit",
        "1"
      ])
      assert.strictEqual(code, 0)
      const document = JSON.parse(stdout)
      assert.strictEqual(document.check, null)
      assert.strictEqual(document.flights, 1)
      assert.deepStrictEqual(document.airports.map(({ code }: { readonly code: string }) => code), [
        "MCI",
        "MDW"
      ])
    }))

  it.effect("fails when the figures differ, and says in which airport", () =>
    Effect.gen(function*() {
      const path = yield* file(flights)
      const wrong = runWith((outcome) => ({
        ...outcome,
        figures: outcome.figures.map((figures) =>
          figures.code === "MDW" ? { ...figures, p95Delay: 7 } : figures
        )
      }))
      const { code, stderr, stdout } = yield* invoke(["--input", path], wrong)
      assert.strictEqual(code, 1)
      assert.strictEqual(stderr, "flights: MDW differs in p95Delay: 7 by the actors, 4 by the direct loop")
      assert.notInclude(stdout, "checked")
      assert.strictEqual((yield* invoke(["--input", path, "--no-verify"], wrong)).code, 0)
    }))

  it.effect("fails when messages are missing", () =>
    Effect.gen(function*() {
      const lossy = runWith((outcome) => ({ ...outcome, messages: { ...outcome.messages, sent: 5 } }))
      const { code, stderr } = yield* invoke(["--input", yield* file(flights)], lossy)
      assert.strictEqual(code, 1)
      assert.strictEqual(stderr, "flights: 5 messages were sent, but 4 handled and 0 dead letters")
    }))

  it.effect("with --strict fails at the first bad row, whichever the run came upon", () =>
    Effect.gen(function*() {
      const path = yield* file(`${flights}\n,1,1,A,B`)
      const { code, stderr, stdout } = yield* invoke(
        ["--input", path, "--strict"],
        () => Effect.fail(new Source.BadRow({ path, row: 4, reason: "date is missing" }))
      )
      assert.deepStrictEqual({ code, stderr, stdout }, {
        code: 1,
        stderr: `flights: ${path}: row 2: delay is not an integer`,
        stdout: ""
      })
    }))

  it.effect("says in one line what is wrong with the input", () =>
    Effect.gen(function*() {
      const directory = Path.dirname(yield* file(""))
      const cases = [
        [directory, "is a directory, not a file"],
        [Path.join(directory, "nowhere"), "no such file"],
        [yield* file(""), "is empty"],
        [yield* file("date,delay,distance,origin\n"), "has no column destination"]
      ] as const
      for (const [path, problem] of cases) {
        assert.deepStrictEqual(yield* invoke(["--input", path]), {
          code: 1,
          stderr: `flights: ${path}: ${problem}`,
          stdout: "",
          progress: ""
        })
      }
    }))

  it.effect("says in one line what is wrong with the flags", () =>
    Effect.gen(function*() {
      const cases = [
        [["--nope"], "Unrecognized flag: --nope in command flights"],
        [["--workers", "-1"], "Invalid value for flag --workers: \"-1\". Expected: an integer from 0 to 256"],
        [["--workers", "1.5"], "Invalid value for flag --workers: \"1.5\". Expected an integer"],
        [["--limit", "0"], "Invalid value for flag --limit: \"0\". Expected: an integer from 1"],
        [["flights.csv"], "Unexpected positional argument: \"flights.csv\""]
      ] as const
      for (const [args, problem] of cases) {
        assert.deepStrictEqual(yield* invoke(args), {
          code: 1,
          stderr: `flights: ${problem} (see --help)`,
          stdout: "",
          progress: ""
        })
      }
    }))

  it.effect("helps", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* invoke(["--help"])
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      for (const flag of ["--input FILE", "--workers N", "--limit N", "--no-verify", "--json", "--strict"]) {
        assert.include(stdout, flag)
      }
    }))
})
