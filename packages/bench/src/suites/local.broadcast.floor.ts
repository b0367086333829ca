import * as Effect from "effect/Effect"
import * as Floor from "../baselines/Floor.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { listeners, rounds } from "../troupe/finding.ts"

/** The same message to a thousand actors, round after round. */
export default Scenario.throughput({
  baseline: true,
  multipleOf: listeners,
  params: { face: "send", actors: listeners },
  setup: Effect.sync(() => {
    const queue = new Floor.RunQueue<Tally.Tally>()
    const handlers: Floor.Handlers<Tally.Tally> = {
      Reset: () => Tally.zero,
      Add: (state, { n }) => Tally.add(state, n)
    }
    const actors = Array.from({ length: listeners }, () => Floor.spawn(Tally.zero, handlers))
    return {
      run: (messages) =>
        Effect.sync(() => {
          for (const actor of actors) queue.send(actor, "Reset", { n: 0 })
          for (let n = 0; n < messages / listeners; n++) {
            const payload = { n }
            for (const actor of actors) queue.send(actor, "Add", payload)
            queue.drain()
          }
        }),
      check: (_, messages) => Tally.check(actors.map((actor) => actor.state), rounds(listeners, messages))
    }
  })
})
