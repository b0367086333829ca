/** Streams that actors are fed with, and those that their answers are. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as TestProbe from "@troupe/runtime/testing/TestProbe"
import * as TestSystem from "@troupe/runtime/testing/TestSystem"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

class Odd extends Schema.TaggedError<Odd>()("Odd", { n: Schema.Int }) {}

const Half = Actor.make("Half", {
  protocol: RpcGroup.make(Rpc.make("Of", { payload: { n: Schema.Int }, success: Schema.Int, error: Odd }))
})

const HalfLive = Half.toLayer({
  state: Schema.Void,
  initial: () => {},
  handlers: {
    Of: (state, { n }) =>
      n % 2 === 0 ? Effect.as(Effect.yieldNow, Actor.reply(state, n / 2)) : Actor.fail(state, new Odd({ n }))
  }
})

const live = Layer.provideMerge(HalfLive, ActorSystem.layer)

const numbers = (...ns: ReadonlyArray<number>) => Stream.fromIterable(ns.map((n) => ({ n })))

describe("through", () => {
  for (const concurrency of [undefined, 4]) {
    it.effect(`gives the answers in the order of the questions, ${concurrency ?? 1} at a time`, () =>
      Effect.gen(function*() {
        const half = yield* Half.spawn()
        const halves = numbers(2, 4, 6, 8, 10, 12).pipe(ActorRef.through(half, "Of", { concurrency }))
        assert.deepStrictEqual(yield* Stream.runCollect(halves), [1, 2, 3, 4, 5, 6])
        const odd = numbers(2, 3, 4).pipe(ActorRef.through(half, "Of", { concurrency }))
        assert.deepStrictEqual(yield* Effect.flip(Stream.runDrain(odd)), new Odd({ n: 3 }))
      }).pipe(Effect.scoped, Effect.provide(live)))
  }
})

describe("sink", () => {
  for (const concurrency of [1, 3]) {
    it.effect(`sends no more than ${concurrency} that are not handled`, () =>
      Effect.gen(function*() {
        const probe = yield* TestProbe.make(Half)
        let taken = 0
        const feeding = numbers(1, 2, 3, 4, 5, 6, 7).pipe(
          Stream.rechunk(1),
          Stream.tap(() => Effect.sync(() => taken++)),
          Stream.rechunk(7),
          Stream.run(ActorRef.sink(probe.ref, "Of", { concurrency }))
        )
        const fiber = yield* Effect.forkChild(feeding)
        let came = 0
        while (came < 7) {
          yield* TestSystem.settle
          const some = yield* probe.drain
          assert.isAtMost(some.length, concurrency)
          for (const one of some) {
            came++
            assert.isTrue(one._tag === "Message" && one.payload.n === came)
            if (one._tag === "Message") yield* one.reply(0)
          }
        }
        yield* Fiber.join(fiber)
        assert.strictEqual(taken, 7)
      }).pipe(Effect.scoped, Effect.provide(ActorSystem.layer)))
  }

  it.effect("fails with the declared error, or when the actor has ended", () =>
    Effect.gen(function*() {
      const half = yield* Half.spawn()
      const odd = yield* Effect.flip(Stream.run(numbers(2, 3), ActorRef.sink(half, "Of")))
      assert.deepStrictEqual(odd, new Odd({ n: 3 }))
      yield* ActorRef.stop(half)
      const dead = yield* Effect.flip(Stream.run(numbers(2), ActorRef.sink(half, "Of")))
      assert.strictEqual(dead._tag === "AskError" && dead.reason._tag, "DeadRef")
    }).pipe(Effect.scoped, Effect.provide(live)))
})
