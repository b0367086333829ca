/** As many answers as are needed, from whoever answers first. */
import { ActorSystem, Ask } from "@troupe/runtime"
import { Console, Effect, Layer } from "effect"
import { ShopLive, shops } from "./Shop.ts"

const program = Effect.gen(function*() {
  const asks = (yield* shops).map((shop) => shop.ask("Price"))

  // The corner shop is sold out, the bakery is slow: neither matters.
  yield* Console.log(yield* Ask.race(asks)) // => 1.75

  // The next one is asked after 20 ms, or when the one before has failed.
  yield* Console.log(yield* Ask.hedge(asks, { after: "20 millis" })) // => 1.75

  const error = yield* Effect.flip(Ask.quorum(asks, { needed: 3 }))
  yield* Console.log(error.message) // => 0 of 3 answers came, and 3 were needed: SoldOut
})

Effect.runPromise(Effect.provide(program, Layer.provideMerge(ShopLive, ActorSystem.layer)))
