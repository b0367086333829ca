/**
 * Kills writers for as long as you like: `npm run stress:crash -- --minutes N --seed S --threads T`. Whatever is found
 * is printed, and the exit code is 1.
 */
import process from "node:process"
import { parseArgs } from "node:util"
import { run } from "./crashCase.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    threads: { type: "string", default: "16" }
  }
})
const ends = performance.now() + Number(values.minutes) * 60_000
const { forbidden, kills, records, takeovers } = await run({
  seed: Number(values.seed),
  threads: Number(values.threads),
  rounds: Infinity,
  until: () => performance.now() > ends
})
console.log(`crash: ${kills} writers killed, ${records} records read, ${takeovers} taken over at the end`)
for (const what of forbidden) console.log(`crash FAILED: ${what}`)
process.exitCode = forbidden.length === 0 ? 0 : 1
