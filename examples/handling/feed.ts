/** Streams that go into actors and come out of them, no faster than these handle them. */
import { Actor, ActorRef, ActorSystem } from "@troupe/runtime"
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const Meter = Actor.make("Meter", {
  protocol: RpcGroup.make(
    Rpc.make("Read", { payload: { watts: Schema.Int }, success: Schema.Number }),
    Rpc.make("Mean", { success: Schema.Number })
  )
})

const MeterLive = Meter.toLayer({
  state: Schema.Struct({ count: Schema.Int, sum: Schema.Int }),
  initial: () => ({ count: 0, sum: 0 }),
  handlers: {
    Read: ({ count, sum }, { watts }) => {
      const next = { count: count + 1, sum: sum + watts }
      return Actor.reply(next, next.sum / next.count)
    },
    Mean: (state) => Actor.reply(state, state.sum / state.count)
  }
})

const program = Effect.gen(function*() {
  const meter = yield* Meter.spawn()
  const readings = Stream.map(Stream.range(1, 1000), (watts) => ({ watts }))

  // In: at most 16 messages are unanswered, and the stream waits.
  yield* Stream.run(readings, ActorRef.sink(meter, "Read", { concurrency: 16 }))
  yield* Console.log(yield* meter.ask("Mean")) // => 500.5

  // Through: what comes out are the answers, in order, and no more is asked than is taken.
  const other = yield* Meter.spawn()
  const means = readings.pipe(ActorRef.through(other, "Read"), Stream.take(3))
  yield* Stream.runForEach(means, (mean) => Console.log(mean))
  // => 1
  // => 1.5
  // => 2
})

Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(Layer.provideMerge(MeterLive, ActorSystem.layer)))
)
