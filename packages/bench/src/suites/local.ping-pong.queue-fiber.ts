import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as QueueFiber from "../baselines/QueueFiber.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"

type Player = QueueFiber.Actor<Tally.Tally, { readonly n: number }>

/** Two actors throw a ball that counts down, one message at a time. */
export default Scenario.duration({
  baseline: true,
  params: { face: "Queue.offerUnsafe, Queue.take", actors: 2 },
  setup: Effect.gen(function*() {
    let done = Deferred.makeUnsafe<void>()
    const player = (peer: () => Player): Player["handlers"] => ({
      Reset: () => Tally.zero,
      Ball: (state, { n }) => {
        if (n > 1) QueueFiber.send(peer(), "Ball", { n: n - 1 })
        else Deferred.doneUnsafe(done, Effect.void)
        return Tally.add(state, n)
      }
    })
    const ping: Player = yield* QueueFiber.spawn(Tally.zero, player(() => pong), QueueFiber.takeAndYield)
    const pong: Player = yield* QueueFiber.spawn(Tally.zero, player(() => ping), QueueFiber.takeAndYield)
    return {
      run: (messages) =>
        Effect.suspend(() => {
          done = Deferred.makeUnsafe<void>()
          QueueFiber.send(ping, "Reset", { n: 0 })
          QueueFiber.send(pong, "Reset", { n: 0 })
          QueueFiber.send(ping, "Ball", { n: messages })
          // Resumed from within the last handler, whose state is set when this fiber lets it end.
          return Effect.andThen(Deferred.await(done), Effect.yieldNow)
        }),
      check: (_, messages) => Tally.check([ping.state, pong.state], Tally.countdown(messages))
    }
  })
})
