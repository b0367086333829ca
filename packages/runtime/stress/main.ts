/**
 * Stress for as long as you like: `npm run stress -- --minutes N --seed S`.
 *
 * Each case follows from one number, which is printed when it fails; `--case NUMBER` runs that one again.
 */
import { parseArgs } from "node:util"
import * as Ring from "./ringCase.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    case: { type: "string" },
    scale: { type: "string", default: "3" }
  }
})
const scale = Number(values.scale)

const runCase = async (seed: number): Promise<boolean> => {
  const self = Ring.fromSeed(seed, scale)
  const began = performance.now()
  const outcome = await Ring.run(self)
  const { seed: _, wait, ...rest } = self
  console.log(
    `ring ${seed} ${outcome.forbidden.length === 0 ? "ok" : "FAILED"} ${
      Math.round(performance.now() - began)
    } ms ` +
      `${outcome.seen} events, ${outcome.skipped} skipped, ${outcome.repaired} repaired; ${wait._tag} ${
        JSON.stringify(rest)
      }`
  )
  for (const forbidden of outcome.forbidden) console.log(`  ${forbidden}`)
  if (outcome.forbidden.length > 0) console.log(`  again: npm run stress -- --case ${seed} --scale ${scale}`)
  return outcome.forbidden.length === 0
}

if (values.case !== undefined) process.exitCode = await runCase(Number(values.case)) ? 0 : 1
else {
  const seeds = Ring.random(Number(values.seed))
  const ends = performance.now() + Number(values.minutes) * 60_000
  let cases = 0
  let failed = 0
  do {
    if (!(await runCase(Math.floor(seeds() * 2 ** 31)))) failed++
    cases++
  } while (performance.now() < ends)
  console.log(`${cases} cases from seed ${values.seed}, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
