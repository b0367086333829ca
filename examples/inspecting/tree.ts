/** The tree of a system's actors, each with what it has done. */
import { Actor, ActorSystem, Inspect } from "@troupe/runtime"
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Node = Actor.make("Node", {
  protocol: RpcGroup.make(Rpc.make("Grow", { payload: { depth: Schema.Int } }))
})

const NodeLive = Node.toLayer({
  state: Schema.Int,
  initial: () => 0,
  handlers: {
    Grow: (children, { depth }) =>
      Effect.gen(function*() {
        if (depth === 0) return Actor.next(children)
        for (let i = 0; i < 2; i++) {
          const child = yield* Node.spawn()
          yield* child.ask("Grow", { depth: depth - 1 })
        }
        return Actor.next(children + 2)
      }).pipe(Effect.orDie)
  }
})

const SystemLive = Layer.mergeAll(NodeLive, Inspect.layer).pipe(
  Layer.provideMerge(ActorSystem.layer),
  Layer.provide(Layer.succeed(ActorSystem.Inspection, {}))
)

const print = (
  inspect: Inspect.Inspect["Service"],
  actor: Inspect.ActorInfo,
  indent: string
): Effect.Effect<void> =>
  Effect.andThen(
    Console.log(`${indent}${actor.actor}: ${actor.status}, ${actor.handled} handled`),
    Stream.runForEach(inspect.children(actor), (child) => print(inspect, child, `${indent}  `))
  )

const program = Effect.gen(function*() {
  const inspect = yield* Inspect.Inspect
  const root = yield* Node.spawn()
  yield* root.ask("Grow", { depth: 2 })
  yield* inspect.actors().pipe(
    Stream.filter(({ parent }) => parent === undefined),
    Stream.runForEach((actor) => print(inspect, actor, ""))
  )
})

Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(SystemLive)))

// => Node: idle, 1 handled
// =>   Node: idle, 1 handled
// =>     Node: idle, 1 handled
// =>     Node: idle, 1 handled
// =>   Node: idle, 1 handled
// =>     Node: idle, 1 handled
// =>     Node: idle, 1 handled
