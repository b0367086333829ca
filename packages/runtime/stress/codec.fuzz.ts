/**
 * The codec's fuzz for as long as one likes:
 *
 *     node --conditions=@troupe/source packages/runtime/stress/codec.fuzz.ts --minutes 10 --seed 7
 *
 * Prints the seed that fails and exits 1; the same seed with `--minutes 0` shows it again.
 */
import { parseArgs } from "node:util"
import { fuzz } from "./codecFuzz.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) }
  }
})
const seed = Number(values.seed)
const deadline = performance.now() + Number(values.minutes) * 60_000
console.log(`seed ${seed}, ${values.minutes} minutes`)

const report = fuzz({ seed, isOver: (round) => round > 0 && performance.now() > deadline })
console.log(`${report.records} records, ${report.accepted} of them accepted`)
if (report.failure !== undefined) {
  const { bytes, schema, seed, what } = report.failure
  console.error(`FAILED with --seed ${seed}: ${what}\nschema ${schema}\nbytes ${bytes}`)
  process.exitCode = 1
}
