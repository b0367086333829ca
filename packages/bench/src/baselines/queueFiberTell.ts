/** `local.tell.queue-fiber` and its variants: bursts of messages from outside, to each actor in turn. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import * as QueueFiber from "./QueueFiber.ts"

export const queueFiberTell = (loop: QueueFiber.Loop, take: string): Scenario.Scenario =>
  Scenario.throughput({
    baseline: true,
    multipleOf: Tally.burst,
    params: { face: `Queue.offerUnsafe, ${take}`, actors: Tally.receivers, burst: Tally.burst },
    setup: Effect.gen(function*() {
      let running = 0
      let done = Deferred.makeUnsafe<void>()
      const handlers: QueueFiber.Handlers<Tally.Tally, { readonly n: number }> = {
        Reset: () => Tally.zero,
        Add: (state, { n }) => Tally.add(state, n),
        End: (state) => {
          if (--running === 0) Deferred.doneUnsafe(done, Effect.void)
          return state
        }
      }
      const spawn = QueueFiber.spawn(Tally.zero, handlers, loop)
      const actors = yield* Effect.all(Array.from({ length: Tally.receivers }, () => spawn))
      const sendAll = (tag: string) => {
        for (const actor of actors) QueueFiber.send(actor, tag, { n: 0 })
      }
      return {
        run: (messages) =>
          Effect.gen(function*() {
            running = actors.length
            done = Deferred.makeUnsafe<void>()
            sendAll("Reset")
            for (let sent = 0; sent < messages; sent += Tally.burst) {
              for (let n = 0; n < Tally.burst; n++) {
                QueueFiber.send(actors[n % Tally.receivers]!, "Add", { n })
              }
              yield* Effect.yieldNow
            }
            sendAll("End")
            yield* Deferred.await(done)
          }),
        check: (_, messages) => Tally.check(actors.map((actor) => actor.state), Tally.bursts(messages))
      }
    })
  })
