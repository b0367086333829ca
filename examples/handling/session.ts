/** Timers of an actor's own, by keys: one that is put off with each message, one that beats, and what is released. */
import { Actor, ActorRef, ActorSystem } from "@troupe/runtime"
import { Console, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Session = Actor.make("Session", {
  protocol: RpcGroup.make(
    Rpc.make("Touch"),
    Rpc.make("Beat"),
    Rpc.make("Expire"),
    Rpc.make("Beats", { success: Schema.Int })
  )
})

const SessionLive = Session.toLayer({
  state: Schema.Int,
  // The Scope is the actor's own: what is acquired here is released when it ends, or starts again.
  initial: (_, ctx) =>
    Effect.gen(function*() {
      yield* Effect.acquireRelease(Console.log("connected"), () => Console.log("disconnected")) // => connected
      ctx.timers.startEvery("beat", "10 millis", "Beat")
      ctx.timers.startOnce("expiry", "1 minute", "Expire")
      return 0
    }),
  handlers: {
    Touch: (beats, _, ctx) => {
      ctx.timers.startOnce("expiry", "50 millis", "Expire")
      return Actor.next(beats)
    },
    Beat: (beats) => Actor.next(beats + 1),
    Expire: (beats) => Effect.as(Console.log(beats > 2 ? "expired" : "too early"), Actor.stop()), // => expired
    Beats: (beats) => Actor.reply(beats, beats)
  }
})

const program = Effect.gen(function*() {
  const session = yield* Session.spawn()
  yield* session.tell("Touch")
  yield* ActorRef.await(session) // => disconnected
})

Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(SessionLive, ActorSystem.layer)))
)
