import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import process from "node:process"
import { fileURLToPath } from "node:url"
import * as Scenario from "../Scenario.ts"
import { type Visit, visit } from "../storage/Kept.ts"
import { temporary } from "../storage/temporary.ts"

const count = 1_000_000
const entry = fileURLToPath(new URL("../entry/reopening.ts", import.meta.url))

/**
 * A process opens a swarm that is there and broadcasts to all of it: from the building of its layers, system included, to
 * the end of the first turn. Each sample is a new process, whose code has not run before.
 */
export default Scenario.measured({
  unit: "ns",
  better: "lower",
  params: {
    face: "Swarm.toLayer over MappedMemory, broadcast, step",
    instances: count,
    operation: "all of it"
  },
  setup: Effect.gen(function*() {
    const directory = yield* temporary
    yield* visit(directory, count)
    let visits = 1
    const sample = Effect.gen(function*() {
      const said = yield* Effect.sync(() =>
        execFileSync(process.execPath, [...process.execArgv, entry, directory, String(count)], {
          encoding: "utf8"
        })
      )
      const there = JSON.parse(said) as Visit
      visits++
      yield* Scenario.expect("instances", there.count, count)
      yield* Scenario.expect("broadcasts that each has had", String(there.ticks), `${visits},${visits}`)
      yield* Scenario.expect("the greatest position", there.position, 3 * visits)
      return there.milliseconds * 1e6
    })
    return { sample, params: Effect.sync(() => ({ processes: visits })) }
  })
})
