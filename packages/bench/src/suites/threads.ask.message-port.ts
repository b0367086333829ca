import * as Effect from "effect/Effect"
import { connect } from "../baselines/MessagePort.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"

/** One question after another: two hops, and a promise found by its number. */
export default Scenario.duration({
  baseline: true,
  params: { face: "postMessage of an object, both ways", content: "16 B", open: 1 },
  setup: Effect.map(connect, (port) => ({
    run: (questions: number) =>
      Effect.tryPromise(async () => {
        let answers = Tally.zero
        for (let n = 1; n <= questions; n++) answers = Tally.add(answers, await port.ask("Echo", n, n))
        return answers
      }),
    check: (answers: Tally.Tally, questions: number) => Tally.check([answers], Tally.countdown(questions))
  }))
})
