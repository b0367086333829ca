/** References in messages: whom to tell, and an adapter for one who speaks of something else. */
import { Actor, ActorRef, ActorSystem } from "@troupe/runtime"
import { Console, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

/** What an oven tells whoever listens. */
const Listening = RpcGroup.make(Rpc.make("Degrees", { payload: { celsius: Schema.Number } }))

const Oven = Actor.make("Oven", {
  protocol: RpcGroup.make(
    Rpc.make("Listen", { payload: { listener: ActorRef.ActorRef(Listening) } }),
    Rpc.make("Heat", { payload: { celsius: Schema.Number } })
  )
})

const OvenLive = Oven.toLayer({
  state: Schema.Array(ActorRef.ActorRef(Listening)),
  initial: () => [],
  handlers: {
    Listen: (listeners, { listener }) => Actor.next([...listeners, listener]),
    Heat: (listeners, { celsius }, ctx) => {
      for (const listener of listeners) ctx.send(listener, "Degrees", { celsius })
      return Actor.next(listeners)
    }
  }
})

/** A cook knows nothing of ovens, but when something is done. */
const Cook = Actor.make("Cook", {
  protocol: RpcGroup.make(
    Rpc.make("Note", { payload: { what: Schema.String } }),
    Rpc.make("Notes", { success: Schema.Array(Schema.String) })
  )
})

const CookLive = Cook.toLayer({
  state: Schema.Array(Schema.String),
  initial: () => [],
  handlers: {
    Note: (notes, { what }) => Actor.next([...notes, what]),
    Notes: (notes) => Actor.reply(notes, notes)
  }
})

const program = Effect.gen(function*() {
  const oven = yield* Oven.spawn()
  const cook = yield* Cook.spawn()
  const listener = ActorRef.contramap(cook, Listening, {
    Degrees: ({ celsius }) => ["Note", { what: celsius >= 180 ? "hot enough" : "wait" }]
  })
  yield* oven.tell("Listen", { listener })
  for (const celsius of [90, 180]) yield* oven.ask("Heat", { celsius })
  yield* Console.log((yield* cook.ask("Notes")).join(", ")) // => wait, hot enough
})

const live = Layer.merge(OvenLive, CookLive)
Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(live, ActorSystem.layer))))
