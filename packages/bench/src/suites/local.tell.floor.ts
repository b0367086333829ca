import * as Effect from "effect/Effect"
import * as Floor from "../baselines/Floor.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"

/** Bursts of messages from outside, to each actor in turn. */
export default Scenario.throughput({
  baseline: true,
  multipleOf: Tally.burst,
  params: { face: "send", actors: Tally.receivers, burst: Tally.burst },
  setup: Effect.sync(() => {
    const queue = new Floor.RunQueue<Tally.Tally>()
    const handlers: Floor.Handlers<Tally.Tally> = {
      Reset: () => Tally.zero,
      Add: (state, { n }) => Tally.add(state, n)
    }
    const actors = Array.from({ length: Tally.receivers }, () => Floor.spawn(Tally.zero, handlers))
    return {
      run: (messages) =>
        Effect.sync(() => {
          for (const actor of actors) queue.send(actor, "Reset", { n: 0 })
          for (let sent = 0; sent < messages; sent += Tally.burst) {
            for (let n = 0; n < Tally.burst; n++) queue.send(actors[n % Tally.receivers]!, "Add", { n })
            queue.drain()
          }
        }),
      check: (_, messages) => Tally.check(actors.map((actor) => actor.state), Tally.bursts(messages))
    }
  })
})
