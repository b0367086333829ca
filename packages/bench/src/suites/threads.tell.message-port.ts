import * as Effect from "effect/Effect"
import { setImmediate } from "node:timers/promises"
import { connect } from "../baselines/MessagePort.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"

/** Bursts of messages to one worker, until it says that it had them all. */
export default Scenario.throughput({
  baseline: true,
  multipleOf: Tally.burst,
  params: { face: "postMessage of an object", content: "16 B", burst: Tally.burst },
  setup: Effect.map(connect, (port) => ({
    run: (messages: number) =>
      Effect.tryPromise(async () => {
        await port.ask("Reset", 0, 0)
        for (let sent = 0; sent < messages; sent += Tally.burst) {
          for (let n = 0; n < Tally.burst; n++) port.tell("Add", n, n)
          await setImmediate()
        }
        return await port.ask("Received", 0, 0)
      }),
    check: (received: number, messages: number) =>
      Effect.flatMap(
        Effect.tryPromise(() => port.ask("Sum", 0, 0)),
        (sum) => Tally.check([{ received, sum }], Tally.bursts(messages))
      )
  }))
})
