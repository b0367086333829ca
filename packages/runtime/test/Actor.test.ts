import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"

class Greeting extends Context.Service<Greeting, { readonly text: string }>()("Greeting") {}

const Greeter = Actor.make("Greeter", {
  protocol: RpcGroup.make(Rpc.make("Greet", { success: Schema.String }))
})

const greeter = Greeter.toLayer({
  state: Schema.Int,
  initial: () => 0,
  handlers: {
    Greet: (count) => Effect.map(Greeting, ({ text }) => Actor.reply(count + 1, `${text} ${count}`))
  }
})

/** What lives on its thread. */
const Handle = Schema.declare((u): u is Promise<void> => u instanceof Promise)

const greet = Effect.gen(function*() {
  const greeter = yield* Greeter.keyed("it")
  return yield* greeter.ask("Greet")
})

describe("Actor", () => {
  describe("make", () => {
    const wrong: ReadonlyArray<readonly [sentence: string, make: () => unknown, says: string]> = [
      [
        "an actor without a name",
        () => Actor.make("", { protocol: RpcGroup.make(Rpc.make("Ping")) }),
        "name"
      ],
      [
        "a payload that cannot cross a thread",
        () =>
          Actor.make("Holder", {
            protocol: RpcGroup.make(Rpc.make("Hold", { payload: { it: Schema.Struct({ f: Handle }) } }))
          }),
        "Holder.Hold.payload.it.f"
      ],
      [
        "an answer that cannot cross a thread",
        () => Actor.make("Holder", { protocol: RpcGroup.make(Rpc.make("Hold", { success: Handle })) }),
        "Holder.Hold.success"
      ],
      [
        "arguments that cannot cross a thread",
        () =>
          Actor.make("Holder", {
            protocol: RpcGroup.make(Rpc.make("Hold")),
            args: Schema.Struct({ handle: Handle })
          }),
        "Holder.args.handle"
      ],
      [
        "elements of an answer that cannot cross a thread",
        () =>
          Actor.make("Holder", {
            protocol: RpcGroup.make(Rpc.make("Hold", { success: Handle, stream: true }))
          }),
        "Holder.Hold.success"
      ]
    ]
    for (const [sentence, make, says] of wrong) {
      it(`refuses ${sentence}, and says where`, () => assert.throws(make, new RegExp(says)))
    }
  })

  describe("toLayer", () => {
    it.effect("takes services from the layers below it", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* greet, "hello 0")
        assert.strictEqual(yield* greet, "hello 1")
      }).pipe(
        Effect.provide(
          Layer.provideMerge(
            greeter,
            Layer.merge(ActorSystem.layer, Layer.succeed(Greeting, { text: "hello" }))
          )
        )
      ))

    it.effect("takes a behaviour that an Effect makes, whose failure is the layer's", () =>
      Effect.gen(function*() {
        const made = Greeter.toLayer(
          Effect.map(Greeting, ({ text }) =>
            Greeter.of({
              state: Schema.Int,
              initial: () => 0,
              handlers: { Greet: (n) => Actor.reply(n, text) }
            }))
        )
        const hosts = (greeting: Layer.Layer<Greeting, string>) =>
          Layer.provideMerge(made, Layer.merge(ActorSystem.layer, greeting))
        const said = Effect.provide(greet, hosts(Layer.succeed(Greeting, { text: "made" })))
        assert.strictEqual(yield* said, "made")
        const failed = Effect.provide(greet, hosts(Layer.effect(Greeting, Effect.fail("no greeting"))))
        assert.strictEqual(yield* Effect.flip(failed), "no greeting")
      }))

    it.effect("passes payloads and answers on its thread by reference (S4)", () =>
      Effect.gen(function*() {
        const Echo = Actor.make("Echo", {
          protocol: RpcGroup.make(
            Rpc.make("Say", { payload: Schema.Array(Schema.Int), success: Schema.Array(Schema.Int) })
          )
        })
        const live = Echo.toLayer({
          state: Schema.Void,
          initial: () => {},
          handlers: { Say: (state, said) => Actor.reply(state, said) }
        })
        yield* Effect.gen(function*() {
          const said = [1, 2, 3]
          assert.strictEqual(yield* (yield* Echo.keyed("it")).ask("Say", said), said)
        }).pipe(Effect.provide(Layer.provideMerge(live, ActorSystem.layer)))
      }))

    it.effect("logs a failure with its Cause, restarts nothing, and fails no other one (S26)", () =>
      Effect.gen(function*() {
        const logged: Array<Cause.Cause<unknown>> = []
        const logger = Logger.make(({ cause }) => {
          if (cause.reasons.length > 0) logged.push(cause)
        })
        const Egg = Actor.make("Egg", {
          protocol: RpcGroup.make(Rpc.make("Drop"), Rpc.make("Whole", { success: Schema.Boolean }))
        })
        const broken = new Error("broken")
        const live = Egg.toLayer({
          state: Schema.Void,
          initial: () => {},
          handlers: {
            Drop: () => {
              throw broken
            },
            Whole: (state) => Actor.reply(state, true)
          }
        })
        yield* Effect.gen(function*() {
          const [one, other] = [yield* Egg.spawn(), yield* Egg.spawn()]
          yield* one.tell("Drop")
          const error = yield* Effect.flip(one.ask("Whole"))
          assert.include(["ActorEnded", "DeadRef"], error.reason._tag)
          assert.isTrue(yield* other.ask("Whole"))
          assert.deepStrictEqual(logged.map(Cause.squash), [broken])
        }).pipe(
          Effect.scoped,
          Effect.provide(Layer.provide(Layer.provideMerge(live, ActorSystem.layer), Logger.layer([logger])))
        )
      }))

    it.effect("tells the actors of names that only look alike apart", () =>
      Effect.gen(function*() {
        const make = <const Name extends string>(name: Name) => {
          const actor = Actor.make(name, {
            protocol: RpcGroup.make(Rpc.make("Name", { success: Schema.String }))
          })
          const layer = actor.toLayer({
            state: Schema.Int,
            initial: () => 0,
            handlers: { Name: (n, _, { key }) => Actor.reply(n, `${name}:${key}`) }
          })
          return [actor, layer] as const
        }
        const [[a, aLive], [b, bLive]] = [make("A"), make("A/b")]
        const names = Effect.gen(function*() {
          return [yield* (yield* a.keyed("b/c")).ask("Name"), yield* (yield* b.keyed("c")).ask("Name")]
        })
        const host = Layer.provideMerge(Layer.merge(aLive, bLive), ActorSystem.layer)
        assert.deepStrictEqual(yield* Effect.provide(names, host), ["A:b/c", "A/b:c"])
      }))
  })
})
