/** Pools of actors behind one reference: work for whoever is idle, and the same member for the same key. */
import { Actor, ActorSystem, Router } from "@troupe/runtime"
import { Console, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Baker = Actor.make("Baker", {
  protocol: RpcGroup.make(
    Rpc.make("Bake", { payload: { customer: Schema.String, millis: Schema.Int }, success: Schema.Int })
  )
})

/** Answers with how many it has baked. */
const BakerLive = Baker.toLayer({
  state: Schema.Int,
  initial: () => 0,
  handlers: {
    Bake: (baked, { millis }) => Effect.as(Effect.sleep(millis), Actor.reply(baked + 1, baked + 1))
  }
})

const program = Effect.gen(function*() {
  // Two bakers: while one is at the long loaf, the other one bakes all the rest.
  const idle = yield* Router.pool(Baker, { members: 2, strategy: Router.idle })
  const millis = [200, 1, 1, 1, 1]
  const baked = yield* Effect.forEach(millis, (millis) => idle.ask("Bake", { customer: "any", millis }), {
    concurrency: "unbounded"
  })
  yield* Console.log(baked.join(" ")) // => 1 1 2 3 4

  // A customer always comes to the same baker.
  const byCustomer = yield* Router.pool(Baker, {
    members: 2,
    strategy: Router.consistentHash(({ payload }) => payload.customer)
  })
  for (const customer of ["ada", "ada", "ada"]) {
    yield* Console.log(customer, yield* byCustomer.ask("Bake", { customer, millis: 0 }))
  }
  // => ada 1
  // => ada 2
  // => ada 3
})

Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(BakerLive, ActorSystem.layer)))
)
