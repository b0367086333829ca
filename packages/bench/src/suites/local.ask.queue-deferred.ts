import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as QueueFiber from "../baselines/QueueFiber.ts"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"

interface Question {
  readonly n: number
  readonly reply: Deferred.Deferred<number>
}

/** One question after another, each with a Deferred for its answer. */
export default Scenario.throughput({
  baseline: true,
  params: { face: "Queue.offerUnsafe, Deferred.await", actors: 1, open: 1 },
  setup: Effect.gen(function*() {
    const handlers: QueueFiber.Handlers<Tally.Tally, Question> = {
      Add: (state, { n, reply }) => {
        const next = Tally.add(state, n)
        Deferred.doneUnsafe(reply, Effect.succeed(next.received))
        return next
      }
    }
    const actor = yield* QueueFiber.spawn(Tally.zero, handlers, QueueFiber.takeAndYield)
    return {
      run: Effect.fnUntraced(function*(questions: number) {
        actor.state = Tally.zero
        let answers = Tally.zero
        for (let n = 1; n <= questions; n++) {
          const reply = Deferred.makeUnsafe<number>()
          QueueFiber.send(actor, "Add", { n, reply })
          answers = Tally.add(answers, yield* Deferred.await(reply))
        }
        // Resumed from within the last handler, whose state is set when this fiber lets it end.
        yield* Effect.yieldNow
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
