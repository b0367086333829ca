/**
 * Faults on purpose: `npm run faults -- --scenario NAME --seed S --seconds N`. What must hold is checked while it runs;
 * the exit code is 1 if it does not.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Runtime, Schema } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import process from "node:process"
import { bank } from "./bank.ts"
import { flights } from "./flights.ts"
import { ring } from "./ring.ts"
import type { Scenario } from "./Scenario.ts"
import { tree } from "./tree.ts"

const scenarios: Readonly<Record<string, Scenario>> = { bank, ring, tree, flights }
const names = Object.keys(scenarios)

/** What does not hold was told already. */
class Failed extends Schema.TaggedError<Failed>()("Failed", {}) {
  override readonly [Runtime.errorReported] = false
}

const flags = {
  scenario: Flag.Literals("scenario", [...names, "all"]).pipe(
    Flag.withDescription(names.map((name) => `${name}: ${scenarios[name]!.description}`).join("; ")),
    Flag.withDefault("all")
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription(
      "What is hurt, and when: on one thread a seed repeats a run exactly, down to its digest"
    ),
    Flag.withDefault(1)
  ),
  seconds: Flag.Int("seconds").pipe(
    Flag.withDescription("How long each scenario runs: virtual time on one thread, real time on several"),
    Flag.filter((n) => n > 0, () => "an integer from 1"),
    Flag.withDefault(10)
  )
}

const command = Command.make(
  "faults",
  flags,
  Effect.fnUntraced(function*({ scenario, seconds, seed }) {
    let failed = false
    for (const name of scenario === "all" ? names : [scenario]) {
      yield* Console.log(`${name}, seed ${seed}, ${seconds} s`)
      yield* scenarios[name]!.run({ seed, seconds }).pipe(
        Effect.matchEffect({
          onSuccess: (summary) =>
            Effect.forEach(
              [...summary, ["holds", "yes"]],
              ([label, value]) => Console.log(`  ${String(label).padEnd(38)}${value}`)
            ),
          onFailure: ({ message }) => {
            failed = true
            return Console.error(
              `  DOES NOT HOLD: ${message}\n  again: npm run faults -- --scenario ${name} --seed ${seed} --seconds ${seconds}`
            )
          }
        })
      )
    }
    if (failed) return yield* new Failed()
  })
).pipe(
  Command.withDescription("Hurts running systems on purpose, and checks what must hold"),
  Command.withExamples([
    { command: "npm run faults", description: "All scenarios" },
    {
      command: "npm run faults -- --scenario bank --seed 7 --seconds 60",
      description: "One, again and exactly so"
    }
  ])
)

Command.runWith(command, { version: "0.1.0" })(process.argv.slice(2)).pipe(
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
