/** Effect's metrics of actors, read while they run: how many messages came, and how many actors failed. */
import { Actor, ActorSystem } from "@troupe/runtime"
import { Console, Effect, Layer, Logger, Metric, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Till = Actor.make("Till", {
  protocol: RpcGroup.make(
    Rpc.make("Pay", { payload: { amount: Schema.Int } }),
    Rpc.make("Total", { success: Schema.Int })
  )
})

const TillLive = Till.toLayer({
  state: Schema.Int,
  initial: () => 0,
  handlers: {
    Pay: (total, { amount }) =>
      amount < 0 ? Actor.crash(new Error("no refunds")) : Actor.next(total + amount),
    Total: (total) => Actor.reply(total, total)
  }
})

const program = Effect.gen(function*() {
  const till = yield* Till.byKey
  const [door, bar] = [till("door"), till("bar")]
  yield* door.tell("Pay", { amount: 3 })
  yield* door.tell("Pay", { amount: 4 })
  yield* Console.log(yield* door.ask("Total")) // => 7
  yield* Effect.flip(bar.ask("Pay", { amount: -1 }))

  for (const { id, state } of yield* Metric.snapshot) {
    if (id === "actor_messages_handled" || id === "actor_failures") {
      if ("count" in state) yield* Console.log(id, state.count)
    }
  }
  // => actor_messages_handled 4
  // => actor_failures 1
})

const SystemLive = Layer.provideMerge(TillLive, ActorSystem.layer).pipe(
  Layer.provide(Layer.succeed(ActorSystem.Metrics, true)),
  Layer.provide(Logger.layer([]))
)

Effect.runPromise(Effect.provide(program, SystemLive))
