/**
 * Kills processes that write, as often as you like: `npm run stress:crash -- --kills N --seed S --of journals`. What
 * should not be is printed with the seed by which it comes again, as far as the clock allows, and the exit code is 1.
 */
import process from "node:process"
import { parseArgs } from "node:util"
import { channels } from "./channelCase.ts"
import { journals } from "./journalCase.ts"
import { type Case, run } from "./kills.ts"
import { run as runSwarms } from "./swarmCase.ts"
import { tmpdir } from "node:os"

const { values } = parseArgs({
  options: {
    /** Processes, of each kind. */
    kills: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    /** Writers, or swarms, in each process. */
    writers: { type: "string", default: "4" },
    of: { type: "string", default: "channels,journals,swarms" }
  }
})

const cases: Readonly<Record<string, Case>> = { channels, journals }

/** Kills, after which they begin with new files. */
const BLOCK = 25

const killAll = async (name: string, one: Case): Promise<boolean> => {
  const of = Number(values.kills)
  const began = performance.now()
  let kills = 0
  let records = 0
  for (let seed = Number(values.seed); kills < of; seed++) {
    const outcome = await run(one, {
      seed,
      kills: Math.min(BLOCK, of - kills),
      writers: Number(values.writers)
    })
    kills += outcome.kills
    records += outcome.records
    const seconds = Math.round((performance.now() - began) / 1000)
    console.log(`crash: ${name}: ${kills} of ${of} killed, ${records} records, seed ${seed}, ${seconds} s`)
    for (const what of outcome.forbidden) console.log(`crash FAILED: ${name}, seed ${seed}: ${what}`)
    if (outcome.forbidden.length > 0) return false
  }
  console.log(
    `crash: ${name}: ${kills} processes killed with ${values.writers} writers each, nothing forbidden`
  )
  return true
}

/** Processes with swarms: a third of them at a random moment, the others within a restoring and within a turn. */
const killSwarms = async (): Promise<boolean> => {
  const of = Math.ceil(Number(values.kills) / 3)
  for (let rounds = 0, seed = Number(values.seed); rounds < of; rounds += BLOCK, seed++) {
    const { forbidden, kills, open, restoring, taking } = await runSwarms({
      seed,
      rounds: Math.min(BLOCK, of - rounds),
      swarms: Number(values.writers),
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

const names = values.of.split(",")
for (const name of names) {
  const one = cases[name]
  if (one === undefined && name !== "swarms") {
    throw new RangeError(`of ${name}: one of ${Object.keys(cases).join(", ")}, swarms`)
  }
  if (!await (one === undefined ? killSwarms() : killAll(name, one))) {
    process.exitCode = 1
    break
  }
}
