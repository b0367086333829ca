/** Rings between threads, for as long as one likes: each case follows from one number, printed when it fails. */
import * as Ring from "./ringCase.ts"

/** Runs one case and tells of it; whether nothing forbidden was seen. */
export const runCase = async (seed: number, scale: number): Promise<boolean> => {
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
  if (outcome.forbidden.length > 0) {
    console.log(`  again: npm run stress -- --only rings --case ${seed} --scale ${scale}`)
  }
  return outcome.forbidden.length === 0
}

/** Runs random cases until the time is up; whether all passed. */
export const run = async (options: {
  readonly minutes: number
  readonly seed: number
  readonly scale: number
}): Promise<boolean> => {
  const seeds = Ring.random(options.seed)
  const ends = performance.now() + options.minutes * 60_000
  let cases = 0
  let failed = 0
  do {
    if (!(await runCase(Math.floor(seeds() * 2 ** 31), options.scale))) failed++
    cases++
  } while (performance.now() < ends)
  console.log(`rings: ${cases} cases from seed ${options.seed}, ${failed} failed`)
  return failed === 0
}
