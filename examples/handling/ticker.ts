/** Answers that are streams, and answers that come from an Effect while the actor goes on. */
import { Actor, ActorSystem } from "@troupe/runtime"
import { Console, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

class Closed extends Schema.TaggedError<Closed>()("Closed", {}) {}

const Exchange = Actor.make("Exchange", {
  protocol: RpcGroup.make(
    Rpc.make("Prices", { payload: { from: Schema.Int }, success: Schema.Int, error: Closed, stream: true }),
    Rpc.make("Settle", { payload: { price: Schema.Int }, success: Schema.String }),
    Rpc.make("Listeners", { success: Schema.Int })
  )
})

const ExchangeLive = Exchange.toLayer({
  state: Schema.Int,
  initial: () => 0,
  handlers: {
    // It runs in the actor's scope, no faster than its elements are taken.
    Prices: (listeners, { from }) =>
      from < 0
        ? Actor.fail(listeners, new Closed())
        : Actor.stream(listeners + 1, Stream.iterate(from, (price) => price + 1)),
    Settle: (listeners, { price }) =>
      Actor.fork(listeners, Effect.delay(Effect.succeed(`settled at ${price}`), "20 millis")),
    Listeners: (listeners) => Actor.reply(listeners, listeners)
  }
})

const program = Effect.gen(function*() {
  const exchange = yield* Exchange.spawn()

  // Whoever takes no more interrupts the stream.
  const prices = exchange.stream("Prices", { from: 100 }).pipe(Stream.take(3))
  yield* Console.log(yield* Stream.runCollect(prices)) // => [ 100, 101, 102 ]

  const error = yield* Effect.flip(Stream.runDrain(exchange.stream("Prices", { from: -1 })))
  yield* Console.log(error._tag) // => Closed

  const settled = yield* Effect.forkChild(exchange.ask("Settle", { price: 102 }), { startImmediately: true })
  yield* Console.log(yield* exchange.ask("Listeners")) // => 1
  yield* Console.log(yield* Fiber.join(settled)) // => settled at 102
})

Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(ExchangeLive, ActorSystem.layer)))
)
