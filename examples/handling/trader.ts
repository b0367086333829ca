/** What waits is not all alike: only the last price counts, a halt goes first, a look at the state waits for nothing. */
import { Actor, ActorSystem, Message } from "@troupe/runtime"
import { Console, Effect, Latch, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Trader = Actor.make("Trader", {
  protocol: RpcGroup.make(
    Rpc.make("Trade"),
    Rpc.make("Price", { payload: { symbol: Schema.String, price: Schema.Number } }).pipe(
      Message.coalesceBy(({ symbol }) => symbol)
    ),
    Rpc.make("Halt").pipe(Message.priority(10), Message.essential),
    Rpc.make("Notes", { success: Schema.Array(Schema.String) }).pipe(Message.interleave),
    Rpc.make("Done", { success: Schema.Array(Schema.String) })
  )
})

const market = Latch.makeUnsafe()

const TraderLive = Trader.toLayer({
  state: Schema.Array(Schema.String),
  initial: () => [],
  handlers: {
    Trade: (notes) => Effect.as(market.await, Actor.next([...notes, "traded"])),
    Price: (notes, { price, symbol }) => Actor.next([...notes, `${symbol} ${price}`]),
    Halt: (notes) => Actor.next([...notes, "halted"]),
    Notes: (notes) => Actor.reply(notes, notes),
    Done: (notes) => Actor.reply(notes, notes)
  }
})

const program = Effect.gen(function*() {
  const trader = yield* Trader.spawn()
  yield* trader.tell("Trade")
  for (let price = 1; price <= 1000; price++) {
    yield* trader.tell("Price", { symbol: "ACME", price })
    yield* trader.tell("Price", { symbol: "INIT", price: -price })
  }
  yield* trader.tell("Halt")
  yield* Console.log(yield* trader.ask("Notes")) // => []
  yield* market.open
  yield* Console.log(yield* trader.ask("Done")) // => [ 'traded', 'halted', 'ACME 1000', 'INIT -1000' ]
})

Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(TraderLive, ActorSystem.layer)))
)
