/** Map-reduce over many actors, and its partial results. */
import { ActorSystem, Ask } from "@troupe/runtime"
import { Console, Effect, Layer, Number, Stream } from "effect"
import { Shop, ShopLive } from "./Shop.ts"

const program = Effect.gen(function*() {
  const shop = yield* Shop.byKey

  // Ten thousand actors, made as they are asked, of which 16 are asked at a time.
  const names = Array.from({ length: 10_000 }, (_, i) => i === 5000 ? "market" : `shop ${i}`)
  const total = yield* Ask.reduce(names, (name) => shop(name).ask("Stock"), Number.ReducerSum, {
    concurrency: 16
  })
  yield* Console.log(total) // => 30

  const partials = Ask.scan(["market", "bakery"], (name) => {
    const price = shop(name).ask("Price")
    return name === "bakery" ? Effect.as(price, 2.5) : price
  }, Number.ReducerMax)
  yield* Stream.runForEach(partials, ({ answers, value }) => Console.log(`${answers}: ${value}`))
  // => 1: 1.75
  // => 2: 2.5
})

Effect.runPromise(Effect.provide(program, Layer.provideMerge(ShopLive, ActorSystem.layer)))
