import * as Effect from "effect/Effect"
import * as Floor from "../baselines/Floor.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { keys, rounds } from "../troupe/finding.ts"

/** Bursts of messages to keys in turn, each of which is looked up in a Map. */
export default Scenario.throughput({
  baseline: true,
  multipleOf: keys,
  params: { face: "Map.get, send", keys },
  setup: Effect.sync(() => {
    const queue = new Floor.RunQueue<Tally.Tally>()
    const handlers: Floor.Handlers<Tally.Tally> = {
      Reset: () => Tally.zero,
      Add: (state, { n }) => Tally.add(state, n)
    }
    const names = Array.from({ length: keys }, (_, n) => `key ${n}`)
    const actors = new Map(names.map((name) => [name, Floor.spawn(Tally.zero, handlers)]))
    return {
      run: (messages) =>
        Effect.sync(() => {
          for (const actor of actors.values()) queue.send(actor, "Reset", { n: 0 })
          for (let n = 0; n < messages / keys; n++) {
            for (const name of names) queue.send(actors.get(name)!, "Add", { n })
            queue.drain()
          }
        }),
      check: (_, messages) =>
        Tally.check(Array.from(actors.values(), ({ state }) => state), rounds(keys, messages))
    }
  })
})
