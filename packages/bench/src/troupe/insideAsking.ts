/** One question after another, asked by an actor within its handler. */
import * as Actor from "@troupe/runtime/Actor"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { Adder, plain, State } from "./Adder.ts"
import { inSystem } from "./local.ts"

const Asker = Actor.make("Asker", {
  protocol: RpcGroup.make(Rpc.make("Run", { payload: { questions: Schema.Int }, success: State }))
})

/** Asks the adder with the key `it`. */
const asker = Asker.toLayer({
  state: Schema.Void,
  initial: () => undefined,
  handlers: {
    Run: (state, { questions }) =>
      Effect.gen(function*() {
        const adder = yield* Adder.keyed("it")
        let answers = Tally.zero
        for (let n = 1; n <= questions; n++) {
          answers = Tally.add(answers, yield* adder.ask("Count", { n }))
        }
        return Actor.reply(state, answers)
      }).pipe(Effect.orDie)
  }
})

export const askingInside = (params: Scenario.Params): Scenario.Scenario =>
  Scenario.throughput({
    params: { ...params, actors: 1, open: 1 },
    setup: inSystem(
      Layer.provideMerge(asker, plain),
      Effect.gen(function*() {
        const actor = yield* Asker.spawn()
        const adder = yield* Adder.keyed("it")
        return {
          run: Effect.fnUntraced(function*(questions: number) {
            yield* adder.tell("Reset")
            return yield* actor.ask("Run", { questions })
          }),
          check: (answers: Tally.Tally, questions: number) =>
            Effect.andThen(
              Tally.check([answers], Tally.countdown(questions)),
              Effect.flatMap(adder.ask("Read"), (tally) => Tally.check([tally], Tally.countdown(questions)))
            )
        }
      })
    )
  })
