/** An event-sourced actor that takes up its state from a journal on disk. */
import * as DiskStorage from "@troupe/persistence/DiskStorage"
import * as EventSourced from "@troupe/persistence/EventSourced"
import * as Journal from "@troupe/persistence/Journal"
import * as Versioned from "@troupe/persistence/Versioned"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scenario from "../Scenario.ts"
import { temporary } from "./temporary.ts"

const EVENTS = 100_000

const Account = Actor.make("Account", {
  protocol: RpcGroup.make(Rpc.make("Balance", { success: Schema.Int }))
})

const Event = Schema.Struct({ amount: Schema.Int, note: Schema.String })

const live = EventSourced.toLayer(Account, {
  state: Schema.Int,
  events: Event,
  initial: () => 0,
  apply: (balance, { amount }) => balance + amount,
  commands: { Balance: (balance) => EventSourced.reply(balance) }
})

export const recovery: Scenario.Scenario = Scenario.throughput({
  operations: EVENTS,
  params: { face: "the first ask of an event-sourced actor", events: EVENTS },
  setup: Effect.gen(function*() {
    const directory = yield* temporary
    const storage = yield* Layer.build(DiskStorage.layer({ directory, durability: "none" }))
    const bytes = Versioned.make(Event).encodeUnsafe({ amount: 3, note: "a deposit" })
    // One by one, as commands write them.
    for (let i = 0; i < EVENTS; i++) yield* Effect.provide(Journal.append("Account/a", i, [bytes]), storage)
    const balance = Effect.flatMap(Account.keyed("a"), (account) => account.ask("Balance"))
    return {
      run: () =>
        balance.pipe(
          Effect.provide(Layer.fresh(Layer.provide(live, ActorSystem.layer))),
          Effect.provide(storage)
        ),
      check: (sum: number) => Scenario.expect("the balance", sum, 3 * EVENTS)
    }
  })
})
