/** What cannot be answered yet is stashed; an Effect runs beside the actor, and its end is a message to it. */
import { Actor, ActorSystem } from "@troupe/runtime"
import { Console, Context, Effect, Exit, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

class Rates
  extends Context.Service<Rates, { readonly load: Effect.Effect<Record<string, number>, string> }>()("Rates")
{}

const Exchange = Actor.make("Exchange", {
  protocol: RpcGroup.make(
    Rpc.make("Rate", { payload: { currency: Schema.String }, success: Schema.Number }),
    Rpc.make("Loaded", { payload: { rates: Schema.Record(Schema.String, Schema.Number) } }),
    Rpc.make("NotLoaded", { payload: { why: Schema.String } })
  )
})

type State = Record<string, number>
type Handlers = Actor.HandlersOf<typeof Exchange, State>

// Services that plain handlers need are taken where the behaviour is made.
const ExchangeLive = Exchange.toLayer(Effect.gen(function*() {
  const { load } = yield* Rates

  const empty: Handlers = {
    Rate: (rates, _, ctx) => {
      ctx.pipeToSelf(
        load,
        (exit) =>
          Exit.isSuccess(exit) ? ["Loaded", { rates: exit.value }] : ["NotLoaded", { why: "no rates" }]
      )
      return Actor.become(rates, loading, 0)
    },
    Loaded: (rates) => Actor.unhandled(rates),
    NotLoaded: (rates) => Actor.unhandled(rates)
  }
  const loading: Handlers = {
    Rate: (rates) => Actor.stash(rates),
    Loaded: (_, { rates }, ctx) => {
      ctx.unstashAll()
      return Actor.become(rates, loaded)
    },
    NotLoaded: (_, { why }) => Actor.crash(why)
  }
  const loaded: Handlers = {
    Rate: (rates, { currency }) => Actor.reply(rates, rates[currency] ?? 0),
    Loaded: (rates) => Actor.unhandled(rates),
    NotLoaded: (rates) => Actor.unhandled(rates)
  }
  return Exchange.of({
    state: Schema.Record(Schema.String, Schema.Number),
    initial: () => ({}),
    handlers: empty,
    stash: 100
  })
}))

const RatesLive = Layer.succeed(Rates, {
  load: Effect.as(Console.log("loading"), { EUR: 1, USD: 1.25 }) // => loading
})

const program = Effect.gen(function*() {
  const exchange = yield* Exchange.keyed("ECB")
  yield* exchange.tell("Rate", { currency: "EUR" })
  const asks = ["EUR", "USD"].map((currency) => exchange.ask("Rate", { currency }))
  yield* Console.log(yield* Effect.all(asks, { concurrency: "unbounded" })) // => [ 1, 1.25 ]
})

const live = ExchangeLive.pipe(Layer.provideMerge(ActorSystem.layer), Layer.provide(RatesLive))
Effect.runPromise(Effect.provide(program, live))
