/**
 * Stress for as long as you like: `npm run stress -- --minutes N --seed S`.
 *
 * The minutes are shared out between the rings, the links between threads, pools whose threads
 * are killed and resized, bounded mailboxes and the codec's fuzz; `--only` names one of
 * them. Whatever fails prints the seed that shows it again, and the exit code is 1.
 */
import { parseArgs } from "node:util"
import { fuzz } from "./codecFuzz.ts"
import * as Gauge from "./gauge.ts"
import * as Link from "./link.ts"
import * as Pool from "./pool.ts"
import * as Rings from "./rings.ts"

interface Options {
  readonly minutes: number
  readonly seed: number
  readonly scale: number
}

const kinds: Readonly<Record<string, (options: Options) => Promise<boolean>>> = {
  rings: Rings.run,
  links: async ({ minutes, seed }) => {
    const { cases, failure } = await Link.run({ minutes, seed })
    console.log(`links: ${cases} cases from seed ${seed}`)
    if (failure === undefined) return true
    console.log(
      `links FAILED: ${failure.what}\n  again: npm run stress -- --only links --seed ${failure.seed} --minutes 0`
    )
    return false
  },
  pools: async ({ minutes, seed }) => {
    const { cases, failure } = await Pool.run({ minutes, seed })
    console.log(`pools: ${cases} cases from seed ${seed}`)
    if (failure === undefined) return true
    console.log(
      `pools FAILED: ${failure.what}\n  again: npm run stress -- --only pools --seed ${failure.seed} --minutes 0`
    )
    return false
  },
  mailboxes: async ({ minutes, seed }) => {
    const { cases, failure } = await Gauge.run({ minutes, seed })
    console.log(`mailboxes: ${cases} cases from seed ${seed}`)
    if (failure === undefined) return true
    console.log(
      `mailboxes FAILED: ${failure.what}\n  again: npm run stress -- --only mailboxes --seed ${failure.seed} --minutes 0`
    )
    return false
  },
  codec: ({ minutes, seed }) => {
    const ends = performance.now() + minutes * 60_000
    const { accepted, failure, records } = fuzz({
      seed,
      isOver: (round) => round > 0 && performance.now() > ends
    })
    console.log(`codec: ${records} records from seed ${seed}, ${accepted} of them accepted`)
    if (failure === undefined) return Promise.resolve(true)
    console.log(`codec FAILED: ${failure.what}\nschema ${failure.schema}\nbytes ${failure.bytes}`)
    console.log(`  again: npm run stress -- --only codec --seed ${failure.seed} --minutes 0`)
    return Promise.resolve(false)
  }
}

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    /** A ring's case by its number. */
    case: { type: "string" },
    /** How long a ring's case is. */
    scale: { type: "string", default: "3" }
  }
})
const scale = Number(values.scale)
const chosen = Object.keys(kinds).filter((kind) => values.only === undefined || values.only === kind)

if (values.case !== undefined) {
  process.exitCode = await Rings.runCase(Number(values.case), scale) ? 0 : 1
} else if (chosen.length === 0) {
  console.error(`stress: --only takes ${Object.keys(kinds).join(", ")}, not ${values.only}`)
  process.exitCode = 1
} else {
  const options = { minutes: Number(values.minutes) / chosen.length, seed: Number(values.seed), scale }
  for (const kind of chosen) {
    if (!(await kinds[kind]!(options))) process.exitCode = 1
  }
}
