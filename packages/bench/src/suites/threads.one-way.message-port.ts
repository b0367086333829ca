import * as Effect from "effect/Effect"
import { connect, now } from "../baselines/MessagePort.ts"
import * as Scenario from "../Scenario.ts"
import * as Statistics from "../Statistics.ts"

const messages = 400

/** The age of a message on arrival, one at a time: the next is sent when its answer is back. A sample is a median. */
export default Scenario.measured({
  baseline: true,
  unit: "ns",
  better: "lower",
  params: {
    face: "postMessage of an object",
    content: "16 B",
    messages,
    clock: "hrtime, sent in the message and read on arrival"
  },
  setup: Effect.map(connect, (port) => {
    const ages: Array<number> = []
    return {
      sample: Effect.gen(function*() {
        const taken = yield* Effect.tryPromise(async () => {
          const taken: Array<number> = []
          while (taken.length < messages) taken.push(await port.ask("Age", taken.length, now()))
          return taken
        })
        yield* Scenario.expect(
          "messages that arrived before they were sent",
          taken.filter((age) => age < 0).length,
          0
        )
        ages.push(...taken)
        return Statistics.median(taken)
      }),
      params: Effect.sync(() => ({
        p50: Statistics.percentile(ages, 0.5),
        p99: Statistics.percentile(ages, 0.99)
      }))
    }
  })
})
