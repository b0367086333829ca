/**
 * Runs a scenario in a process of its own, so that one scenario's compiled
 * code, heap and threads are not another's.
 *
 * The process tells how it goes on its file descriptor 3, a line of JSON for
 * each {@link Event}, because what it prints is nobody's protocol. It is killed
 * once it has told its last, or when its time is over: a scenario that leaves
 * something running does not disturb the next.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { writeSync } from "node:fs"
import process from "node:process"
import * as Harness from "./Harness.ts"
import * as Machine from "./Machine.ts"
import type { Measurement } from "./Measurement.ts"
import * as Statistics from "./Statistics.ts"
import * as Suite from "./Suite.ts"

/** The subcommand by which the command line runs a scenario in its own process. */
export const subcommand = "measure-in-this-process"

export interface Options {
  readonly directory: string
  readonly samples: number
  /** Seconds after which a scenario that has not ended is a failed one. */
  readonly timeout: number
}

export type Outcome =
  | { readonly _tag: "Measured"; readonly measurement: Measurement; readonly baseline: boolean }
  | { readonly _tag: "Failed"; readonly name: string; readonly reason: string }

const eventDescriptor = 3

const EventLine = Schema.fromJsonString(Harness.Event)

/** The far side: measures in this process and tells the one that started it. */
export const measure = (name: string, options: Pick<Options, "directory" | "samples">) => {
  const encode = Schema.encodeSync(EventLine)
  return Harness.run(
    Suite.load(options.directory, name),
    options.samples,
    // Written at once and whole: a pipe takes a line of this length without waiting.
    (event) => writeSync(eventDescriptor, `${encode(event)}\n`)
  )
}

/** The near side: starts the process and follows it. A scenario that fails is an outcome, not an error. */
export const run = Effect.fnUntraced(
  function*(name: string, options: Options, onEvent: (event: Harness.Event) => Effect.Effect<void>) {
    const machine = yield* Machine.describe
    const child = yield* ChildProcess.make(process.execPath, [
      ...process.execArgv,
      "--expose-gc",
      process.argv[1]!,
      subcommand,
      "--suites",
      options.directory,
      "--samples",
      String(options.samples),
      name
    ], {
      stdin: "ignore",
      killSignal: "SIGKILL",
      additionalFds: { [`fd${eventDescriptor}` as const]: { type: "output" } }
    })
    const lastLine = yield* Ref.make("")
    const output = yield* child.all.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.filter((line) => line.trim() !== ""),
      Stream.runForEach((line) => Ref.set(lastLine, line.trim())),
      Effect.forkScoped
    )
    const last = yield* child.getOutputFd(eventDescriptor).pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.mapEffect((line) => Schema.decodeEffect(EventLine)(line)),
      Stream.tap(onEvent),
      Stream.takeUntil((event) => event._tag === "Measured" || event._tag === "Failed"),
      Stream.runLast,
      Effect.timeoutOption(`${options.timeout} seconds`)
    )
    if (Option.isNone(last)) {
      return failed(name, `no result within ${options.timeout} s`)
    }
    const event = Option.getOrUndefined(last.value)
    if (event === undefined || event._tag === "WarmingUp" || event._tag === "Sampled") {
      const code = yield* Effect.option(child.exitCode)
      yield* Effect.exit(Fiber.await(output))
      const how = Option.match(code, {
        onNone: () => "was killed",
        onSome: (code) => `exited with code ${code}`
      })
      return failed(name, [`its process ${how}`, yield* Ref.get(lastLine)].filter(Boolean).join(": "))
    }
    return event._tag === "Failed" ? failed(name, event.reason) : measured(name, event, machine)
  },
  Effect.scoped,
  (effect, name) =>
    Effect.catch(
      effect,
      (error) => Effect.succeed(failed(name, `its process could not be followed: ${error.message}`))
    )
)

const failed = (name: string, reason: string): Outcome => ({ _tag: "Failed", name, reason })

const measured = (
  name: string,
  event: Extract<Harness.Event, { readonly _tag: "Measured" }>,
  machine: Machine.Machine
): Outcome => ({
  _tag: "Measured",
  baseline: event.baseline,
  measurement: {
    name,
    unit: event.unit,
    better: event.better,
    value: Statistics.median(event.samples),
    samples: event.samples,
    params: event.params,
    machine
  }
})
