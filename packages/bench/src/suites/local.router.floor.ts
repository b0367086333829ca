import * as Effect from "effect/Effect"
import * as Floor from "../baselines/Floor.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"

/** Bursts of messages to each of four actors in turn, by a counter. */
export default Scenario.throughput({
  baseline: true,
  multipleOf: Tally.burst,
  params: { face: "send", members: Tally.receivers, burst: Tally.burst },
  setup: Effect.sync(() => {
    const queue = new Floor.RunQueue<Tally.Tally>()
    const handlers: Floor.Handlers<Tally.Tally> = {
      Reset: () => Tally.zero,
      Add: (state, { n }) => Tally.add(state, n)
    }
    const actors = Array.from({ length: Tally.receivers }, () => Floor.spawn(Tally.zero, handlers))
    let turn = 0
    const route = (payload: Floor.Payload): void => {
      turn = (turn + 1) % actors.length
      queue.send(actors[turn]!, "Add", payload)
    }
    return {
      run: (messages) =>
        Effect.sync(() => {
          for (const actor of actors) queue.send(actor, "Reset", { n: 0 })
          for (let sent = 0; sent < messages; sent += Tally.burst) {
            for (let n = 0; n < Tally.burst; n++) route({ n })
            queue.drain()
          }
        }),
      check: (_, messages) => Tally.check(actors.map((actor) => actor.state), Tally.bursts(messages))
    }
  })
})
