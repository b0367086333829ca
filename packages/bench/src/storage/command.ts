/** One event-sourced actor that is asked for more before it has answered: what it stores shares the syncs, or does not. */
import * as DiskStorage from "@troupe/persistence/DiskStorage"
import * as EventSourced from "@troupe/persistence/EventSourced"
import * as Journal from "@troupe/persistence/Journal"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scenario from "../Scenario.ts"
import { temporary } from "./temporary.ts"

/** Commands that wait for their answers at a time. */
const OPEN = 64

const Account = Actor.make("Account", {
  protocol: RpcGroup.make(
    Rpc.make("Deposit", { payload: { amount: Schema.Int }, success: Schema.Int })
  )
})

const live = EventSourced.toLayer(Account, {
  state: Schema.Int,
  events: Schema.Struct({ amount: Schema.Int }),
  initial: () => 0,
  apply: (balance, { amount }) => balance + amount,
  commands: {
    Deposit: (_, { amount }) => EventSourced.persist({ amount }, (balance) => balance)
  }
})

export const command: Scenario.Scenario = Scenario.throughput({
  multipleOf: OPEN,
  params: { face: "ask of an event-sourced actor on DiskStorage", durability: "batch", open: OPEN },
  setup: Effect.gen(function*() {
    const directory = yield* temporary
    const layer = DiskStorage.layer({ directory, durability: "batch" })
    const context = yield* Layer.build(
      live.pipe(Layer.provideMerge(ActorSystem.layer), Layer.provideMerge(layer))
    )
    const journal = Context.get(context, Journal.Journal)
    const account = yield* Effect.provide(Account.keyed("a"), context)
    const deposit = account.ask("Deposit", { amount: 1 })
    let expected = 0
    return {
      run: (operations: number) => {
        expected += operations
        const writer = Effect.repeat(deposit, { times: operations / OPEN - 1 })
        return Effect.forEach(Array.from({ length: OPEN }), () => writer, {
          concurrency: "unbounded",
          discard: true
        })
      },
      check: () =>
        Effect.flatMap(journal.last("Account/a"), (last) => Scenario.expect("events", last, expected))
    }
  })
})
