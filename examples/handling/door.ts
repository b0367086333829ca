/** A state machine: a behaviour for each state, and what has no place in it. */
import { Actor, ActorSystem } from "@troupe/runtime"
import { Console, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Door = Actor.make("Door", {
  protocol: RpcGroup.make(
    Rpc.make("Open"),
    Rpc.make("Close"),
    Rpc.make("Times", { success: Schema.Int })
  )
})

// The state is how often it was opened. Behaviours that become each other need their types written down.
type Handlers = Actor.HandlersOf<typeof Door, number>

const closed: Handlers = {
  Open: (times) => Actor.become(times + 1, open),
  Close: (times) => Actor.unhandled(times),
  Times: (times) => Actor.reply(times, times)
}

const open: Handlers = {
  Open: (times) => Actor.unhandled(times),
  Close: (times) => Actor.become(times, closed),
  Times: (times) => Actor.reply(times, times)
}

const DoorLive = Door.toLayer({ state: Schema.Int, initial: () => 0, handlers: closed })

const program = Effect.gen(function*() {
  const door = yield* Door.spawn()
  yield* door.ask("Open")
  const { reason } = yield* Effect.flip(door.ask("Open"))
  yield* Console.log(reason.message) // => the actor does not handle the message in its present state
  yield* door.ask("Close")
  yield* door.ask("Open")
  yield* Console.log(yield* door.ask("Times")) // => 2
})

Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(DoorLive, ActorSystem.layer)))
)
