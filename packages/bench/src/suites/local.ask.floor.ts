import * as Effect from "effect/Effect"
import * as Floor from "../baselines/Floor.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"

/** One question after another, each awaited as a promise that its handler resolves. */
export default Scenario.throughput({
  baseline: true,
  params: { face: "send, Promise", actors: 1, open: 1 },
  setup: Effect.sync(() => {
    const queue = new Floor.RunQueue<Tally.Tally>()
    let resolve: (answer: number) => void
    const actor = Floor.spawn<Tally.Tally>(Tally.zero, {
      Add: (state, { n }) => {
        const next = Tally.add(state, n)
        resolve(next.received)
        return next
      }
    })
    const ask = (n: number): Promise<number> =>
      new Promise((succeed) => {
        resolve = succeed
        queue.send(actor, "Add", { n })
        queue.drain()
      })
    return {
      run: (questions: number) =>
        Effect.promise(async () => {
          actor.state = Tally.zero
          let answers = Tally.zero
          for (let n = 1; n <= questions; n++) answers = Tally.add(answers, await ask(n))
          return answers
        }),
      // The n-th answer is n, as the n-th question was.
      check: (answers: Tally.Tally, questions: number) =>
        Effect.andThen(
          Tally.check([actor.state], Tally.countdown(questions)),
          Tally.check([answers], Tally.countdown(questions))
        )
    }
  })
})
