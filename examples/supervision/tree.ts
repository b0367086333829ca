/** A tree: a connection and those who use it restart together; their supervisor gives up, and the one above starts it anew. */
import { ActorSystem } from "@troupe/runtime"
import { Child, RestartPolicy, Supervisor } from "@troupe/supervision"
import { Console, Context, Data, Effect, Layer, References, Stream } from "effect"

class Lost extends Data.TaggedError("Lost") {}

class Connection extends Context.Service<Connection, { readonly number: number }>()("examples/Connection") {}

let opened = 0
const ConnectionLive = Layer.effect(Connection, Effect.sync(() => ({ number: ++opened })))

const Client = Supervisor.make("Client", {
  strategy: "rest_for_one",
  children: [
    // The first two connections are lost soon.
    Child.layer("connection", ConnectionLive, {
      while: Effect.suspend(() =>
        opened <= 2 ? Effect.delay(Effect.fail(new Lost()), "10 millis") : Effect.never
      )
    }),
    Child.effect("reader", Effect.andThen(Connection, Effect.never))
  ]
})

const Root = Supervisor.make("Root", {
  policy: RestartPolicy.tag("GaveUp", "restart").pipe(RestartPolicy.orElse("escalate")),
  children: [Child.supervisor(Client)]
})

const program = Effect.gen(function*() {
  const root = yield* Supervisor.running(Root)
  yield* root.events.pipe(
    Stream.map(({ _tag, child, supervisor }) => `${_tag} ${supervisor}/${child}`),
    Stream.takeUntil((event) => event === "ChildStarted Root/Client"),
    Stream.runForEach(Console.log)
  )
})

program.pipe(
  Effect.provide(Supervisor.layer(Root)),
  Effect.provide(ActorSystem.layer),
  Effect.provideService(References.MinimumLogLevel, "None"),
  Effect.runPromise
)

// => ChildFailed Root/Client/connection
// => ChildStopped Root/Client/reader
// => ChildStarted Root/Client/connection
// => ChildStarted Root/Client/reader
// => ChildFailed Root/Client/connection
// => ChildStopped Root/Client/reader
// => GaveUp Root/Client/connection
// => ChildFailed Root/Client
// => ChildStarted Root/Client/connection
// => ChildStarted Root/Client/reader
// => ChildStarted Root/Client
