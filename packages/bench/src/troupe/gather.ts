/** One question to each of many actors, all of them awaited: with `Ask`, and as one writes it without. */
import type { ActorRef } from "@troupe/runtime/ActorRef"
import * as Ask from "@troupe/runtime/Ask"
import type { AskError } from "@troupe/runtime/AskError"
import * as Effect from "effect/Effect"
import * as Number from "effect/Number"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Scenario from "../Scenario.ts"
import * as Tally from "../Tally.ts"
import { Adder, plain, type protocol } from "./Adder.ts"
import { inSystem } from "./local.ts"

type AdderRef = ActorRef<RpcGroup.Rpcs<typeof protocol>>

/** How many actors are asked at a time. */
const ACTORS = 1000

/** Asks each actor once; the sum of the answers. */
export type Round = (actors: ReadonlyArray<AdderRef>) => Effect.Effect<number, AskError>

const sum = (answers: ReadonlyArray<number>): number => answers.reduce((all, n) => all + n, 0)
const count = (actor: AdderRef): Effect.Effect<number, AskError> => actor.ask("Count", { n: 1 })

export const all: Round = (actors) => Effect.map(Ask.all(actors.map(count)), sum)
export const reduce: Round = (actors) => Ask.reduce(actors, count, Number.ReducerSum)
export const forEach: Round = (actors) =>
  Effect.map(Effect.forEach(actors, count, { concurrency: "unbounded" }), sum)

export const gathering = (
  round: Round,
  options: { readonly baseline?: boolean; readonly params: Scenario.Params }
): Scenario.Scenario =>
  Scenario.throughput({
    ...options,
    multipleOf: ACTORS,
    params: { ...options.params, actors: ACTORS, open: ACTORS },
    setup: inSystem(
      plain,
      Effect.gen(function*() {
        const actors = yield* Effect.all(Array.from({ length: ACTORS }, () => Adder.spawn()))
        return {
          run: Effect.fnUntraced(function*(questions: number) {
            for (const actor of actors) yield* actor.tell("Reset")
            let answers = 0
            for (let asked = 0; asked < questions; asked += ACTORS) answers += yield* round(actors)
            return answers
          }),
          // The n-th round's answers are n each.
          check: Effect.fnUntraced(function*(answers: number, questions: number) {
            const rounds = questions / ACTORS
            yield* Scenario.expect("the sum of the answers", answers, (ACTORS * rounds * (rounds + 1)) / 2)
            const tallies = yield* Effect.forEach(actors, (actor) => actor.ask("Read"))
            yield* Tally.check(tallies, { received: questions, sum: questions })
          })
        }
      })
    )
  })
