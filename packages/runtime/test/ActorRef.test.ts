import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Scheduler from "effect/Scheduler"
import * as Schema from "effect/Schema"

const Teller = Actor.make("Teller", {
  protocol: RpcGroup.make(
    Rpc.make("Plain", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("Yielding", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("Async", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("Steps", { payload: { n: Schema.Int }, success: Schema.Int }),
    Rpc.make("Forever"),
    Rpc.make("Interrupted"),
    Rpc.make("Unheard")
  )
})

let interrupted = 0

const teller = Teller.toLayer({
  state: Schema.Int,
  initial: () => Effect.as(Effect.promise(() => Promise.resolve()), 0),
  handlers: {
    Plain: (state, { n }) => Actor.reply(state, n),
    Yielding: (state, { n }) => Effect.as(Effect.yieldNow, Actor.reply(state, n)),
    Async: (state, { n }) => Effect.promise(() => Promise.resolve(Actor.reply(state, n))),
    Steps: (state, { n }) =>
      Effect.gen(function*() {
        for (let i = 0; i < n; i++) yield* Effect.void
        return Actor.reply(state, n)
      }),
    Forever: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)),
    Interrupted: (state) =>
      Effect.withFiber((fiber) => {
        fiber.interruptUnsafe()
        return Effect.as(Effect.yieldNow, Actor.next(state))
      }),
    Unheard: (state) => Actor.next(state)
  }
})

const system = Layer.provideMerge(teller, ActorSystem.layer).pipe(
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
)

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

describe("ActorRef", () => {
  describe("isActorRef", () => {
    it.effect("knows references from what is none", () =>
      Effect.gen(function*() {
        assert.isTrue(ActorRef.isActorRef(yield* Teller.spawn()))
        assert.isTrue(ActorRef.isActorRef(yield* Teller.keyed("it")))
        for (const other of [undefined, null, {}, "ActorRef", Teller]) {
          assert.isFalse(ActorRef.isActorRef(other))
        }
      }).pipe(Effect.provide(system)))

    it.effect("is shown by its actor's name and key", () =>
      Effect.gen(function*() {
        const [spawned, keyed] = [yield* Teller.spawn(), yield* Teller.keyed("it")]
        assert.strictEqual(String(spawned), "ActorRef(Teller)")
        assert.strictEqual(String(keyed), "ActorRef(Teller, it)")
        assert.strictEqual(JSON.stringify(keyed), `"Teller/it"`)
        assert.strictEqual(yield* keyed.pipe((ref) => ref.ask("Plain", { n: 3 })), 3)
      }).pipe(Effect.provide(system)))
  })

  describe("ask", () => {
    // A fiber yields when its operations are used up, which may be at any step on its way to being parked. The
    // answer may come while it is away.
    for (const ops of [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 32]) {
      it.effect(`is answered though every fiber yields after ${ops} operations`, () =>
        Effect.gen(function*() {
          for (const n of numbers(20)) {
            const teller = yield* Teller.spawn()
            assert.strictEqual(yield* teller.ask("Yielding", { n }), n)
            assert.strictEqual(yield* teller.ask("Async", { n }), n)
            assert.strictEqual(yield* teller.ask("Plain", { n }), n)
            const keyed = yield* Teller.keyed(`${n}`)
            const answers = yield* Effect.all(
              [keyed.ask("Async", { n }), keyed.ask("Steps", { n }), keyed.ask("Yielding", { n })],
              { concurrency: "unbounded" }
            )
            assert.deepStrictEqual(answers, [n, n, n])
          }
        }).pipe(
          Effect.scoped,
          Effect.provide(system),
          Effect.provideService(Scheduler.MaxOpsBeforeYield, ops)
        ))
    }

    it.effect("ends an effect in flight with its actor, at whatever step the effect before it had yielded", () =>
      Effect.gen(function*() {
        interrupted = 0
        for (const n of numbers(40)) {
          yield* Effect.scoped(Effect.gen(function*() {
            const teller = yield* Teller.spawn()
            yield* teller.tell("Steps", { n })
            yield* teller.tell("Steps", { n: 0 })
            yield* teller.tell("Yielding", { n })
            yield* teller.tell("Forever")
            yield* teller.ask("Unheard").pipe(Effect.timeout(0), Effect.ignore)
            yield* Effect.repeat(Effect.yieldNow, { times: 50 })
          }))
        }
        assert.strictEqual(interrupted, 40)
      }).pipe(
        Effect.provide(system),
        Effect.provideService(Scheduler.MaxOpsBeforeYield, 16)
      ))

    it.effect("fails when the effect that was to answer it is interrupted from outside", () =>
      Effect.gen(function*() {
        const teller = yield* Teller.spawn()
        const error = yield* Effect.flip(teller.ask("Interrupted"))
        assert.deepInclude(error, { _tag: "AskError" })
        assert.strictEqual(error.reason._tag, "ActorEnded")
      }).pipe(Effect.provide(system)))

    it.effect("leaves nothing behind when its caller is interrupted before it sends", () =>
      Effect.gen(function*() {
        const teller = yield* Teller.spawn()
        const fiber = yield* Effect.forkChild(Effect.andThen(Effect.never, teller.ask("Plain", { n: 1 })))
        yield* Fiber.interrupt(fiber)
        const { stats } = yield* ActorSystem.ActorSystem
        assert.strictEqual((yield* stats)[0]!.accepted, 0)
      }).pipe(Effect.provide(system)))
  })
})
