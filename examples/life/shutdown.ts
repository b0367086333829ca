/** Coordinated shutdown: nothing new is taken in, what is there is finished, and then the actors end. */
import { Actor, ActorSystem, Shutdown } from "@troupe/runtime"
import { Console, Effect, Layer, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Worker = Actor.make("Worker", {
  protocol: RpcGroup.make(Rpc.make("Work", { payload: { job: Schema.Int } }))
})
const WorkerLive = Worker.toLayer({
  state: Schema.Int,
  initial: () => Effect.as(Effect.addFinalizer(() => Console.log("the worker ends")), 0),
  handlers: {
    Work: (done, { job }) => Effect.as(Console.log(`job ${job} is done`), Actor.next(done + 1))
  }
})

const program = Effect.gen(function*() {
  const worker = yield* ActorSystem.provideScope(Worker.spawn())
  yield* Shutdown.task("intake", "jobs", Console.log("no more jobs"))
  // An answer says that what was told before is handled.
  yield* Shutdown.task("drain", "worker", worker.ask("Work", { job: 0 }))
  for (let job = 1; job <= 2; job++) yield* worker.tell("Work", { job })
})

program.pipe(
  Shutdown.after,
  Effect.scoped,
  Effect.provide(Layer.provideMerge(WorkerLive, ActorSystem.layer)),
  Effect.runPromise
)

// => no more jobs
// => job 1 is done
// => job 2 is done
// => job 0 is done
// => the worker ends
