/** The benchmark command: `npm run bench -- --help`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { type Measurement, Report } from "./Measurement.ts"
import * as Progress from "./Progress.ts"
import * as Runner from "./Runner.ts"
import * as Suite from "./Suite.ts"
import * as Table from "./Table.ts"

/** What went wrong has been told in a line of its own: the process only has to end with code 1. */
class Told extends Schema.TaggedError<Told>()("Told", {}) {
  override readonly [Runtime.errorReported] = false
}

class UnwritableReport extends Schema.TaggedError<UnwritableReport>()("UnwritableReport", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `Cannot write ${this.file}: ${this.reason}`
  }
}

const names = Argument.String("name").pipe(
  Argument.withDescription(
    "Scenarios to run, all if none is named; '*' and '?' stand for any characters, as in 'local.*'"
  ),
  Argument.variadic()
)

const list = Flag.Boolean("list").pipe(
  Flag.withDescription("Name the scenarios and run none"),
  Flag.withDefault(false)
)

const json = Flag.File("json").pipe(
  Flag.withDescription("Write the figures to this file, as an array"),
  Flag.withMetavar("file"),
  Flag.optional
)

/** Less than five give no median worth the name. */
const samples = Flag.Int("samples").pipe(
  Flag.withDescription("Samples for each scenario, at least 5 (default: 11)"),
  Flag.filter((count) => count >= 5, (count) => `${count} samples are too few: at least 5`),
  Flag.withDefault(11)
)

const timeout = Flag.Int("timeout").pipe(
  Flag.withDescription("Seconds after which a scenario is given up (default: 60)"),
  Flag.filter((seconds) => seconds > 0, (seconds) => `${seconds} seconds are no time`),
  Flag.withDefault(60)
)

const suites = Flag.Directory("suites", { mustExist: true }).pipe(
  Flag.withDescription(
    "Take the scenarios from this directory, one in each file, instead of the built-in ones"
  ),
  Flag.withDefault(fileURLToPath(Suite.defaultDirectory))
)

const encodeReport = Schema.encodeEffect(Schema.toCodecJson(Report))

const writeReport = Effect.fnUntraced(function*(file: string, report: ReadonlyArray<Measurement>) {
  const fs = yield* FileSystem.FileSystem
  const text = JSON.stringify(yield* encodeReport(report), undefined, 2)
  yield* Effect.mapError(
    fs.writeFileString(file, `${text}\n`),
    (error) => new UnwritableReport({ file, reason: error.reason._tag })
  )
})

const measure = Command.make(
  Runner.subcommand,
  { name: Argument.String("name"), samples, suites },
  (input) => Runner.measure(input.name, { directory: input.suites, samples: input.samples })
).pipe(Command.unlisted)

const bench = Command.make(
  "bench",
  { names, list, json, samples, timeout, suites },
  (input) =>
    Effect.gen(function*() {
      const available = yield* Suite.names(input.suites)
      const chosen = yield* Suite.select(available, input.names)
      if (input.list) {
        return yield* Console.log(chosen.join("\n"))
      }
      const rows: Array<Table.Row> = []
      const failures: Array<string> = []
      const keep = Option.match(input.json, {
        onNone: () => Effect.void,
        onSome: (file) => Effect.suspend(() => writeReport(file, rows.map((row) => row.measurement)))
      })
      // Once before anything runs, so that a bad path is told at once; then after each, so that an
      // interrupted run has told what it had.
      yield* keep
      for (const [index, name] of chosen.entries()) {
        const outcome = yield* Runner.run(
          name,
          { directory: input.suites, samples: input.samples, timeout: input.timeout },
          (event) => Progress.standardError.event(name, index + 1, chosen.length, event)
        )
        yield* Progress.standardError.ended(outcome)
        if (outcome._tag === "Measured") {
          rows.push(outcome)
          yield* keep
        } else {
          failures.push(name)
        }
      }
      if (rows.length > 0) {
        yield* Console.log(`\n${Table.render(rows)}`)
      }
      if (failures.length > 0) {
        yield* Console.error(
          `\n${failures.length} of ${chosen.length} scenarios failed: ${failures.join(", ")}`
        )
        return yield* new Told()
      }
    }).pipe(
      Effect.catchTag(
        ["UnknownScenario", "BadSuite", "UnwritableReport"],
        (error) => Effect.andThen(Console.error(error.message), new Told())
      )
    )
).pipe(
  Command.withDescription(
    "Measures Troupe and, beside it, what it is compared with; each scenario in a process of its own."
  ),
  Command.withExamples([
    { command: "npm run bench -- --list", description: "Name the scenarios" },
    {
      command: "npm run bench -- 'local.tell.*' --json tell.json",
      description: "Measure some and keep the figures"
    }
  ]),
  Command.withSubcommands([measure])
)

bench.pipe(
  Command.run({ version: "0.1.0" }),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
