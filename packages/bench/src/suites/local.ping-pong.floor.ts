import * as Effect from "effect/Effect"
import * as Floor from "../baselines/Floor.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"

/** Two actors throw a ball that counts down, one message at a time. */
export default Scenario.duration({
  baseline: true,
  params: { face: "send", actors: 2 },
  setup: Effect.sync(() => {
    const queue = new Floor.RunQueue<Tally.Tally>()
    const player = (peer: () => Floor.Actor<Tally.Tally>): Floor.Handlers<Tally.Tally> => ({
      Reset: () => Tally.zero,
      Ball: (state, { n }) => {
        if (n > 1) queue.send(peer(), "Ball", { n: n - 1 })
        return Tally.add(state, n)
      }
    })
    const ping: Floor.Actor<Tally.Tally> = Floor.spawn(Tally.zero, player(() => pong))
    const pong: Floor.Actor<Tally.Tally> = Floor.spawn(Tally.zero, player(() => ping))
    return {
      run: (messages) =>
        Effect.sync(() => {
          queue.send(ping, "Reset", { n: 0 })
          queue.send(pong, "Reset", { n: 0 })
          queue.send(ping, "Ball", { n: messages })
          queue.drain()
        }),
      check: (_, messages) => Tally.check([ping.state, pong.state], Tally.countdown(messages))
    }
  })
})
