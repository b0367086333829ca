/** One question to many actors at a time: all answers, or what became of each. */
import { ActorSystem, Ask } from "@troupe/runtime"
import { Console, Effect, Layer, Result } from "effect"
import { ShopLive, shops } from "./Shop.ts"

const program = Effect.gen(function*() {
  const [bakery, corner, market] = yield* shops

  const stocks = yield* Ask.all({ bakery: bakery!.ask("Stock"), market: market!.ask("Stock") })
  yield* Console.log(stocks.bakery, stocks.market) // => 12 30

  const prices = yield* Ask.settled(
    [bakery!.ask("Price"), corner!.ask("Price"), market!.ask("Price")],
    { timeout: "50 millis" }
  )
  for (const price of prices) {
    yield* Console.log(
      Result.match(price, {
        onSuccess: (price) => `costs ${price}`,
        onFailure: (error) => error._tag === "AskError" ? error.reason._tag : error._tag
      })
    )
  }
  // => AskTimeout
  // => SoldOut
  // => costs 1.75
})

Effect.runPromise(Effect.provide(program, Layer.provideMerge(ShopLive, ActorSystem.layer)))
