/** An actor that failed is looked at before it is gone: by what it holds, and by what it still answers. */
import { Actor, ActorSystem, Inspect, Message } from "@troupe/runtime"
import { Console, Effect, Layer, Logger, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Stock = Actor.make("Stock", {
  protocol: RpcGroup.make(
    Rpc.make("Take", { payload: { item: Schema.String } }),
    Rpc.make("Left", { payload: { item: Schema.String }, success: Schema.Number }).pipe(Message.essential)
  )
})

const StockLive = Stock.toLayer({
  state: Schema.Struct({ items: Schema.Record(Schema.String, Schema.Number) }),
  initial: () => ({ items: { pen: 2, ink: 1 } as Record<string, number> }),
  handlers: {
    Take: ({ items }, { item }) => {
      const left = items[item]
      if (left === undefined) throw new Error(`there is no ${item}`)
      return Actor.next({ items: { ...items, [item]: left - 1 } })
    },
    Left: (state, { item }) => Actor.reply(state, state.items[item] ?? 0)
  }
})

const SystemLive = Layer.mergeAll(StockLive, Inspect.layer).pipe(
  Layer.provideMerge(ActorSystem.layer),
  Layer.provide(Layer.succeed(ActorSystem.Inspection, { postMortem: "actor" })),
  Layer.provide(Logger.layer([]))
)

const program = Effect.gen(function*() {
  const { find, postMortem, state } = yield* Inspect.Inspect
  const stock = yield* Stock.spawn()
  for (const item of ["pen", "paper", "ink"]) yield* stock.tell("Take", { item })

  yield* Console.log(yield* stock.ask("Left", { item: "pen" }))
  const { kept, lastFailure } = yield* find(stock)
  yield* Console.log(`${lastFailure?.tag}: ${lastFailure?.problem}; ${kept} kept`)
  yield* Console.log(JSON.stringify(yield* state(stock)))

  yield* postMortem.leave(stock, "resume")
  yield* Console.log(yield* stock.ask("Left", { item: "ink" }))
})

Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(SystemLive)))

// => 1
// => Take: there is no paper; 1 kept
// => {"_tag":"Json","value":{"items":{"pen":1,"ink":1}}}
// => 0
