/** Keyed actors that leave memory, and what they keep in a store. */
import { Actor, ActorSystem } from "@troupe/runtime"
import { Console, Context, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

class Store extends Context.Service<Store, Map<string, number>>()("Store") {}

const Counter = Actor.make("Counter", {
  protocol: RpcGroup.make(Rpc.make("Increment", { success: Schema.Int }))
})

const CounterLive = Counter.toLayer({
  state: Schema.Int,
  initial: (_, { key }) => Effect.map(Store, (store) => store.get(key!) ?? 0),
  handlers: {
    Increment: (count, _, { key }) =>
      Effect.map(Store, (store) => {
        store.set(key!, count + 1)
        return Actor.reply(count + 1, count + 1)
      })
  },
  passivation: { capacity: 2, idleTimeToLive: "10 minutes" }
})

const program = Effect.gen(function*() {
  const counter = yield* Counter.byKey
  // Only two stay: "a" leaves, and is made anew from what it has stored.
  for (const key of ["a", "b", "c", "a"]) {
    const count = yield* counter(key).ask("Increment")
    yield* Console.log(`${key} ${count}`)
  }
  // => a 1
  // => b 1
  // => c 1
  // => a 2
})

const live = Layer.provide(CounterLive, Layer.succeed(Store, new Map()))
Effect.runPromise(program.pipe(Effect.provide(Layer.provideMerge(live, ActorSystem.layer))))
