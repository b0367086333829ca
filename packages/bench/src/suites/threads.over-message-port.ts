import * as Effect from "effect/Effect"
import { connect } from "../baselines/MessagePort.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { askingParams, questions } from "../troupe/threads.ts"

const operations = 1000

/**
 * `threads.ask` in times of `threads.ask.message-port`, the two in turn in one process: how long a thread takes to
 * wake depends on what else the machine does, and changes severalfold between two runs.
 */
export default Scenario.ratio({
  better: "lower",
  params: askingParams("0 micros", 1),
  of: { operations, setup: questions("0 micros", 1) },
  over: {
    operations,
    setup: Effect.map(connect, (port) => ({
      run: (questions: number) =>
        Effect.tryPromise(async () => {
          let answers = Tally.zero
          for (let n = 1; n <= questions; n++) answers = Tally.add(answers, await port.ask("Echo", n, n))
          return answers
        }),
      check: (answers: Tally.Tally, questions: number) => Tally.check([answers], Tally.countdown(questions))
    }))
  }
})
