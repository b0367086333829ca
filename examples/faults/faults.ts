/**
 * The command `faults`: runs scenarios, and says whether what must hold held.
 */
import { Console, Effect, Exit, Fiber, Runtime, Schema } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { bank } from "./bank.ts"
import { flights } from "./flights.ts"
import { ring } from "./ring.ts"
import { messageKinds, type Options, type Scenario, type Summary, type Violation } from "./Scenario.ts"
import { tree } from "./tree.ts"
import { vault } from "./vault.ts"

export const scenarios: Readonly<Record<string, Scenario>> = { bank, vault, ring, tree, flights }
const names = Object.keys(scenarios)

/** What does not hold was told already. */
class Failed extends Schema.TaggedError<Failed>()("Failed", {}) {
  override readonly [Runtime.errorReported] = false
}

/** What was asked for cannot be. */
export class Unusable extends Schema.TaggedError<Unusable>()("Unusable", { what: Schema.String }) {
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    return this.what
  }
}

const kinds = [...messageKinds, "full", "storage"]

/** What is hit instead of the scenario's own: shares by kind. */
const ratesOf = (given: Readonly<Record<string, string>>): Effect.Effect<Options["rates"], Unusable> =>
  Effect.gen(function*() {
    const entries = Object.entries(given)
    if (entries.length === 0) return undefined
    const rates: Record<string, number> = {}
    for (const [kind, text] of entries) {
      const share = Number(text)
      if (!kinds.includes(kind)) {
        return yield* new Unusable({ what: `--rate ${kind}=${text}: the kinds are ${kinds.join(", ")}` })
      }
      if (text === "" || !(share >= 0 && share <= 1)) {
        return yield* new Unusable({ what: `--rate ${kind}=${text}: a share is from 0 to 1` })
      }
      rates[kind] = share
    }
    return rates
  })

const flags = {
  scenario: Flag.Literals("scenario", [...names, "all"]).pipe(
    Flag.withDescription("Which of the scenarios above"),
    Flag.withDefault("all")
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription(
      "What is hurt, and when: on one thread a seed repeats a run exactly, down to its digest (default: 1)"
    ),
    Flag.withDefault(1)
  ),
  seconds: Flag.Int("seconds").pipe(
    Flag.withDescription(
      "How long each scenario runs: virtual time on one thread, real time on several (default: 10)"
    ),
    Flag.filter((n) => n > 0, () => "an integer from 1"),
    Flag.withDefault(10)
  ),
  rate: Flag.KeyValuePair("rate").pipe(
    Flag.withDescription(
      `The share of messages that a kind of fault hits, instead of the scenario's own: ${kinds.join(", ")}`
    ),
    Flag.withDefault({})
  ),
  decisions: Flag.Boolean("decisions").pipe(
    Flag.withDescription("Prints what is done to the system, a line each"),
    Flag.withDefault(false)
  ),
  mistake: Flag.String("mistake").pipe(
    Flag.withDescription("Something wrong with the system on purpose, which must be found: see above"),
    Flag.withDefault("")
  )
}

const report = (
  name: string,
  exit: Exit.Exit<Summary, Violation>,
  again: string
): Effect.Effect<boolean> =>
  Exit.match(exit, {
    onSuccess: (summary) =>
      Effect.as(
        Effect.forEach(
          summary.some(([label]) => label === "holds") ? summary : [...summary, ["holds", "yes"]],
          ([label, value]) => Console.log(`  ${String(label).padEnd(38)}${value}`)
        ),
        true
      ),
    onFailure: (cause) => {
      const [violation] = cause.reasons
      if (violation?._tag !== "Fail") return Effect.failCause(cause as never)
      return Effect.as(
        Console.error(
          `  DOES NOT HOLD: ${violation.error.message}\n  again: npm run faults -- --scenario ${name}${again}`
        ),
        false
      )
    }
  })

export const command = Command.make(
  "faults",
  flags,
  Effect.fnUntraced(function*({ decisions, mistake, rate, scenario, seconds, seed }) {
    const chosen = scenario === "all" ? names : [scenario]
    const rates = yield* ratesOf(rate)
    for (const name of chosen) {
      const { kinds, mistakes } = scenarios[name]!
      const strange = Object.keys(rate).find((kind) => !kinds.includes(kind))
      if (strange !== undefined) {
        const known = kinds.length === 0 ? "it has faults of its own" : `its kinds are ${kinds.join(", ")}`
        return yield* new Unusable({ what: `--rate ${strange} means nothing to ${name}: ${known}` })
      }
      if (mistake !== "" && !(mistake in mistakes)) {
        const known = Object.keys(mistakes).join(", ")
        return yield* new Unusable({ what: `--mistake ${mistake}: those of ${name} are ${known}` })
      }
    }
    const shares = Object.entries(rate).map(([kind, share]) => ` --rate ${kind}=${share}`).join("")
    const wrong = mistake === "" ? "" : ` --mistake ${mistake}`
    const again = ` --seed ${seed} --seconds ${seconds}${shares}${wrong}`
    let held = true
    for (const name of chosen) {
      yield* Console.log(`${name}, seed ${seed}, ${seconds} s`)
      let stopped = false
      const lines: Array<string> = []
      const fiber = yield* Effect.forkDetach(
        scenarios[name]!.run({
          seed,
          seconds,
          rates,
          mistake,
          stopped: () => stopped,
          decided: decisions ? (line) => lines.push(line) : undefined
        })
      )
      const told = Effect.flatMap(
        Fiber.await(fiber),
        (exit) =>
          Effect.andThen(
            Effect.forEach(lines, (line) => Console.log(`  ${line}`)),
            report(name, exit, again)
          )
      )
      // Who interrupts it gets its summary all the same, and what must hold is looked at once more.
      const came = yield* Effect.onInterrupt(Effect.andThen(Fiber.await(fiber), told), () => {
        stopped = true
        return Effect.andThen(Console.log("  stopped early"), told)
      })
      held &&= came
    }
    if (!held) return yield* new Failed()
  })
).pipe(
  Command.withDescription(
    [
      "Hurts running systems on purpose, and checks what must hold: 0 if it does, 1 if it does not, and after Ctrl-C, which",
      "ends a scenario early with its summary (twice: at once), 130.",
      "",
      ...names.flatMap((name) => [
        `${name}: ${scenarios[name]!.description}`,
        ...Object.entries(scenarios[name]!.mistakes).map(([mistake, what]) =>
          `  --mistake ${mistake}: ${what}`
        )
      ])
    ].join("\n  ")
  ),
  Command.withExamples([
    { command: "npm run faults", description: "All scenarios" },
    {
      command: "npm run faults -- --scenario bank --seed 7 --seconds 60",
      description: "One, again and exactly so"
    },
    {
      command: "npm run faults -- --scenario bank --rate drop=0.2 --rate kill=0.01",
      description: "With faults of one's own"
    }
  ])
)

/** The command with these arguments. */
export const faults = (args: ReadonlyArray<string>) =>
  Effect.tapError(
    Command.runWith(command, { version: "0.1.0" })(args),
    (error) => error instanceof Unusable ? Console.error(`\nERROR\n  ${error.message}`) : Effect.void
  )
