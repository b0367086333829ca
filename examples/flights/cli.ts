/**
 * The command line of the job. Results go to stdout, progress and complaints to stderr; a complaint about
 * the input or the flags is one line, and the exit code is 1.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Os from "node:os"
import * as Airports from "./airports.ts"
import { airportsFile, defaultInput } from "./dataset.ts"
import type { Run } from "./Figures.ts"
import * as Progress from "./progress.ts"
import * as Report from "./report.ts"
import * as Source from "./Source.ts"
import * as Verify from "./verify.ts"

/** What stops the job, already told on stderr. */
class Stopped extends Schema.TaggedError<Stopped>()("Stopped", {}) {
  override readonly [Runtime.errorReported] = false
}

const maxWorkers = 256

const defaultWorkers = Math.min(maxWorkers, Math.max(1, Os.availableParallelism() - 1))

/** How many differences are shown before the rest is only counted. */
const shownDifferences = 20

const integer = (name: string, minimum: number, maximum: number, expected: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.filter((n) => n >= minimum && n <= maximum, () => expected)
  )

const flags = {
  input: Flag.String("input").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription(
      "Parquet or CSV file with the columns date, delay, distance, origin, destination " +
        "(default: the 3,000,000 flights of vega-datasets)"
    ),
    Flag.withDefault(defaultInput)
  ),
  workers: integer("workers", 0, maxWorkers, `an integer from 0 to ${maxWorkers}`).pipe(
    Flag.withDescription(
      `Worker threads; 0 for this thread only (default: the cores less one, here ${defaultWorkers})`
    ),
    Flag.withDefault(defaultWorkers)
  ),
  limit: integer("limit", 1, Number.MAX_SAFE_INTEGER, "an integer from 1").pipe(
    Flag.withDescription("Only the first N rows (default: all)"),
    Flag.optional
  ),
  journal: Flag.String("journal").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription(
      "Keep what the airports count in this directory: run again, a run that was killed goes on where it was"
    ),
    Flag.optional
  ),
  noVerify: Flag.Boolean("no-verify").pipe(
    Flag.withDescription("Leave out the check of the figures against a direct loop over the same rows"),
    Flag.withoutNegation,
    Flag.withDefault(false)
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON document instead of the table, with the figures of all airports"),
    Flag.withoutNegation,
    Flag.withDefault(false)
  ),
  strict: Flag.Boolean("strict").pipe(
    Flag.withDescription("Fail at the first row that is not a flight, where such rows are counted otherwise"),
    Flag.withoutNegation,
    Flag.withDefault(false)
  )
}

const complain = (message: string) => Console.error(`flights: ${message}`)

/** The command, for a way to run the job. */
const command = (run: Run) =>
  Command.make(
    "flights",
    flags,
    Effect.fnUntraced(
      function*(given) {
        const { input, json, limit, noVerify, strict, workers } = given
        const journal = Option.getOrUndefined(given.journal)
        const rows = Option.getOrElse(limit, () => Infinity)
        // The beginning of a file that is read already may be gone.
        const kept = journal === undefined ? undefined : yield* keptPlan(journal, input, rows)
        const plan = kept ?? Source.take(yield* Source.inspect(input), rows)
        const names = yield* Airports.names(airportsFile)
        const [duration, outcome] = yield* withProgress(
          "flights",
          plan,
          (onRows) => run(plan, { workers, strict, journal, onResumed: resumed(json), onRows })
        ).pipe(Effect.catchIf(isBadRow, firstBadRow(plan)), Effect.timed)
        // What is before that row is not looked at again.
        const checked = noVerify || outcome.resumed !== undefined
          ? undefined
          : yield* withProgress("check", plan, (onRows) => Verify.direct(plan, onRows)).pipe(Effect.timed)
        const check = checked && {
          millis: Duration.toMillis(checked[0]),
          differences: [...Verify.differences(outcome.figures, checked[1]), ...Verify.imbalances(outcome)]
        }
        const report: Report.Report = {
          path: input,
          outcome,
          names,
          runMillis: Duration.toMillis(duration),
          peakMemory: process.resourceUsage().maxRSS * 1024,
          check
        }
        yield* Console.log(json ? Report.json(report) : Report.text(report))
        if (check === undefined || check.differences.length === 0) return
        for (const difference of check.differences.slice(0, shownDifferences)) yield* complain(difference)
        const more = check.differences.length - shownDifferences
        if (more > 0) yield* complain(`and ${more} more`)
        return yield* new Stopped()
      },
      Effect.catch((error) =>
        error instanceof Stopped ? Effect.fail(error) : complain(error.message).pipe(
          Effect.andThen(Effect.fail(new Stopped()))
        )
      )
    )
  ).pipe(
    Command.withDescription(
      "Sends every flight of a file to the actors of its two airports, and prints the busiest twenty"
    ),
    Command.withExamples([
      { command: "npm start", description: "All flights, on every core" },
      { command: "npm start -- --workers 0 --limit 100000", description: "Some, on one thread" },
      { command: "npm start -- --input flights.csv --json", description: "Of another file, for a program" },
      { command: "npm start -- --journal ./journal", description: "So that it can be killed, and go on" }
    ])
  )

/** The plan of the run that a journal is of. What that takes is loaded only then. */
const keptPlan = (journal: string, input: string, rows: number) =>
  Effect.flatMap(
    Effect.promise(() => import("./Checkpoint.ts")),
    (Checkpoint) => Checkpoint.planIn(journal, input, rows)
  )

/** Says where a run is taken up; beside a document, not in it. */
const resumed = (json: boolean) => (row: number) =>
  (json ? Console.error : Console.log)(`resumed at row ${row}`)

const isBadRow = (error: Error): error is Source.BadRow => error instanceof Source.BadRow

/** Threads that read side by side may stop at another bad row than the first; the first is what is reported. */
const firstBadRow = (plan: Source.Plan) => (bad: Source.BadRow) =>
  Effect.flatMap(Source.firstBadRow(plan), (first) => Effect.fail(first ?? bad))

const withProgress = <A, E>(
  label: string,
  plan: Source.Plan,
  use: (onRows: (rows: number) => void) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.scoped(Effect.flatMap(Progress.make(label, plan.rows), ({ add }) => use(add)))

/** Help is printed as it is; wrong flags are one line. */
const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? complain(
        `${event.errors.map(({ message }) => message.replaceAll(/\s+/g, " ")).join("; ")} (see --help)`
      )
      : CliOutput.defaultPresenter.present(event)
}

/** The whole program, for arguments as they stand behind the program's name. */
export const main = (run: Run, args: ReadonlyArray<string>) =>
  Command.runWith(command(run), { version: "0.1.0" })(args).pipe(
    Effect.provide(Layer.mergeAll(
      NodeServices.layer,
      CliOutput.layerPresenter(presenter),
      CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] })
    ))
  )
