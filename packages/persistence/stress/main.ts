/**
 * Kills processes that write, as often as you like: `npm run stress:crash -- --help`. What should not be is printed with
 * the seed by which it comes again, as far as the clock allows, and the exit code is 1.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { tmpdir } from "node:os"
import process from "node:process"
import { channels } from "./channelCase.ts"
import { journals } from "./journalCase.ts"
import { type Case, run } from "./kills.ts"
import { run as runSwarms } from "./swarmCase.ts"

interface Options {
  /** Processes, of each kind. */
  readonly kills: number
  readonly seed: number
  /** Writers, or swarms, in each process. */
  readonly writers: number
}

/** Kills, after which they begin with new files. */
const BLOCK = 25

const killWriters = (name: string, one: Case) => async ({ kills: of, seed: first, writers }: Options) => {
  const began = performance.now()
  let kills = 0
  let records = 0
  for (let seed = first; kills < of; seed++) {
    const outcome = await run(one, { seed, kills: Math.min(BLOCK, of - kills), writers })
    kills += outcome.kills
    records += outcome.records
    const seconds = Math.round((performance.now() - began) / 1000)
    console.log(`crash: ${name}: ${kills} of ${of} killed, ${records} records, seed ${seed}, ${seconds} s`)
    for (const what of outcome.forbidden) console.log(`crash FAILED: ${name}, seed ${seed}: ${what}`)
    if (outcome.forbidden.length > 0) return false
  }
  console.log(`crash: ${name}: ${kills} processes killed with ${writers} writers each, nothing forbidden`)
  return true
}

/** Processes with swarms: a third of them at a random moment, the others within a restoring and within a turn. */
const killSwarms = async (options: Options) => {
  const of = Math.ceil(options.kills / 3)
  for (let rounds = 0, seed = options.seed; rounds < of; rounds += BLOCK, seed++) {
    const { forbidden, kills, open, restoring, taking } = await runSwarms({
      seed,
      rounds: Math.min(BLOCK, of - rounds),
      swarms: options.writers,
      precise: 1,
      home: tmpdir()
    })
    console.log(
      `crash: swarms: ${kills} killed, seed ${seed}: ${open} within a turn, ${taking} within a snapshot, ` +
        `${restoring} while one was restored`
    )
    for (const what of forbidden) console.log(`crash FAILED: swarms, seed ${seed}: ${what}`)
    if (forbidden.length > 0) return false
  }
  return true
}

const kinds: Readonly<Record<string, (options: Options) => Promise<boolean>>> = {
  channels: killWriters("channels", channels),
  journals: killWriters("journals", journals),
  swarms: killSwarms
}

const count = (name: string, standard: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.withDescription(`${description} (default: ${standard})`),
    Flag.filter((n) => n > 0, () => "an integer from 1"),
    Flag.withDefault(standard)
  )

const crash = Command.make(
  "stress:crash",
  {
    kills: count("kills", 200, "Processes that are killed, of each kind"),
    seed: count("seed", 1, "What the processes do, and when they are killed"),
    writers: count("writers", 4, "Writers, or swarms, in each process"),
    of: Flag.Literals("of", Object.keys(kinds)).pipe(
      Flag.withDescription("One kind of process"),
      Flag.optional
    )
  },
  ({ of, ...options }) =>
    Effect.promise(async () => {
      for (const kind of Option.match(of, { onNone: () => Object.keys(kinds), onSome: (kind) => [kind] })) {
        if (await kinds[kind]!(options)) continue
        process.exitCode = 1
        break
      }
    })
).pipe(
  Command.withDescription(
    "Kills processes that write channels, journals and swarms, and reads what is there then; 1 if it should not be."
  ),
  Command.withExamples([
    {
      command: "npm run stress:crash -- --of journals --kills 1000",
      description: "Journals, more often"
    }
  ])
)

crash.pipe(Command.run({ version: "0.1.0" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
