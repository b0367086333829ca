import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { Report } from "../src/Measurement.ts"
import * as Statistics from "../src/Statistics.ts"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
const fixtures = fileURLToPath(new URL("./fixtures/", import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command as `npm run bench` does. */
const bench = (names: ReadonlyArray<string>, flags: ReadonlyArray<string> = []): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = execFile(
      process.execPath,
      ["--conditions=@troupe/source", main, ...names, ...flags],
      (_, stdout, stderr) => resume(Effect.succeed({ code: child.exitCode, stdout, stderr }))
    )
  })

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-bench-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

const readReport = (file: string) => Schema.decodeUnknownSync(Report)(JSON.parse(readFileSync(file, "utf8")))

describe("bench", () => {
  it.effect("measures what is asked for, writes it and shows it", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryDirectory, "report.json")
      const { code, stderr, stdout } = yield* bench(
        ["local.ping-pong.floor", "local.tell.floor"],
        ["--samples", "5", "--json", file]
      )
      assert.strictEqual(code, 0, stderr)
      const report = readReport(file)
      assert.deepStrictEqual(report.map(({ better, name, unit }) => [name, unit, better]), [
        ["local.ping-pong.floor", "ns", "lower"],
        ["local.tell.floor", "ops/s", "higher"]
      ])
      for (const { machine, params, samples, value } of report) {
        assert.strictEqual(samples.length, 5)
        assert.isTrue(samples.every((sample) => sample > 0))
        assert.strictEqual(value, Statistics.median(samples))
        assert.isAbove(Number(params["operations"]), 1024)
        assert.strictEqual(machine.node, process.version)
        assert.isAtLeast(machine.cores, 1)
      }
      for (const { name } of report) {
        assert.include(stdout, name)
        assert.include(stderr, name)
      }
    }).pipe(Effect.scoped), 30_000)

  it.effect(
    "reports what fails with its reason, runs the others and exits with 1",
    () =>
      Effect.gen(function*() {
        const file = join(yield* temporaryDirectory, "report.json")
        const { code, stderr, stdout } = yield* bench(
          ["dies", "map-set", "not-a-scenario", "wrong"],
          ["--suites", fixtures, "--samples", "5", "--json", file]
        )
        assert.strictEqual(code, 1)
        assert.deepStrictEqual(readReport(file).map(({ name }) => name), ["map-set"])
        assert.include(stdout, "map-set")
        const lines = stderr.split("\n")
        assert.includeMembers(lines, [
          "dies  FAILED: its process exited with code 7: out of luck",
          "wrong  FAILED: operations: expected 1, got 0",
          "3 of 4 scenarios failed: dies, not-a-scenario, wrong"
        ])
        assert.isTrue(
          lines.some((line) => /^not-a-scenario {2}FAILED: .*does not export a scenario/.test(line))
        )
      }).pipe(Effect.scoped),
    30_000
  )

  it.effect("gives up a scenario that hangs", () =>
    Effect.gen(function*() {
      const { code, stderr } = yield* bench(["hangs"], ["--suites", fixtures, "--timeout", "1"])
      assert.strictEqual(code, 1)
      assert.include(stderr, "hangs  FAILED: no result within 1 s")
    }), 30_000)

  it("has run the README's example", () => {
    const example = readFileSync(join(fixtures, "map-set.ts"), "utf8")
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8")
    assert.include(readme, example.slice(example.indexOf("export default")))
  })

  it.effect("names its scenarios and runs none", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* bench(["--list"])
      assert.strictEqual(code, 0)
      const names = stdout.trim().split("\n")
      assert.includeMembers(names, ["local.tell.floor", "local.tell.queue-fiber.take-all"])
      assert.isTrue(names.every((name) => /^[a-z0-9]+(\.[A-Za-z0-9-]+)+$/.test(name)), stdout)
    }), 30_000)

  const refused: ReadonlyArray<readonly [string, ReadonlyArray<string>, RegExp]> = [
    [
      "an unknown name",
      ["local.tell.floor", "local.tel"],
      /^No scenario is called 'local\.tel'; --list names them\.\n$/
    ],
    [
      "a report it cannot write",
      ["local.tell.floor", "--json", "/no/such/place.json"],
      /^Cannot write \/no.*: NotFound\n$/
    ]
  ]
  for (const [what, args, line] of refused) {
    it.effect(`refuses ${what} in one line, before anything runs`, () =>
      Effect.gen(function*() {
        const { code, stderr, stdout } = yield* bench(args)
        assert.deepStrictEqual([code, stdout], [1, ""])
        assert.match(stderr, line)
      }), 30_000)
  }

  it.effect("refuses too few samples", () =>
    Effect.gen(function*() {
      const { code, stderr } = yield* bench(["local.tell.floor"], ["--samples", "4"])
      assert.strictEqual(code, 1)
      assert.include(stderr, "4 samples are too few")
    }), 30_000)
})
