import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Overseer from "@troupe/runtime/Overseer"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { deed, Listener, ListenerLive, nothing, Puppet, PuppetLive, textOf } from "./fixtures/Puppet.ts"

const Numbered = Actor.make("Numbered", {
  protocol: RpcGroup.make(Rpc.make("Number", { success: Schema.Int })),
  args: Schema.Struct({ n: Schema.Int.check(Schema.isGreaterThan(0)) }),
  mailbox: { capacity: 8, overflow: "fail" }
})

const NumberedLive = Numbered.toLayer({
  state: Schema.Int,
  initial: ({ n }) => n,
  handlers: { Number: (n) => Actor.reply(n, n) }
})

const system = Layer.mergeAll(PuppetLive, ListenerLive, NumberedLive).pipe(
  Layer.provideMerge(ActorSystem.layer),
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None")),
  Layer.provide(Layer.succeed(ActorSystem.ValidateMessages, true))
)

const run = <E>(program: Effect.Effect<void, E, Layer.Success<typeof system> | Scope.Scope>) =>
  program.pipe(Effect.scoped, Effect.provide(system))

const settled = Effect.repeat(Effect.yieldNow, { times: 10 })

/** Notes in a list that it starts and that it ends, in its own time. */
const noting = (order: Array<string>, name: string) =>
  deed(() =>
    Effect.acquireRelease(
      Effect.sync(() => order.push(`${name} starts`)),
      () => Effect.andThen(settled, Effect.sync(() => order.push(`${name} ends`)))
    )
  )

describe("spawn", () => {
  it.effect("makes a child at once; what it is sent waits until it has started", () =>
    run(Effect.gen(function*() {
      const spawner = yield* Puppet.spawner
      const order: Array<string> = []
      const parent = yield* Puppet.spawn(nothing)
      let child: Actor.Ref<typeof Puppet> | undefined
      yield* parent.ask(
        "Do",
        deed((ctx) => {
          const ref = child = ctx.spawn(
            spawner,
            deed(() => Effect.andThen(settled, Effect.sync(() => order.push("started"))))
          )
          assert.deepStrictEqual(ctx.children, [ref])
          ctx.send(
            ref,
            "Do",
            deed((inner) => {
              order.push("told")
              assert.strictEqual(inner.parent, ctx.self)
            })
          )
        })
      )
      assert.deepStrictEqual(order, [])
      assert.deepStrictEqual(yield* child!.ask("Heard"), [])
      assert.deepStrictEqual(order, ["started", "told"])
    })))

  it.effect("gives arguments that do not fit to nobody: the child has ended so", () =>
    run(Effect.gen(function*() {
      const spawner = yield* Numbered.spawner
      const watcher = yield* Listener.spawn(nothing)
      const spawned: Array<Actor.Ref<typeof Numbered>> = []
      yield* watcher.ask(
        "Do",
        deed((ctx) => {
          for (const n of [7, -7]) {
            const child = ctx.spawn(spawner, { n })
            ctx.watch(child)
            spawned.push(child)
          }
        })
      )
      assert.strictEqual(yield* spawned[0]!.ask("Number"), 7)
      assert.deepStrictEqual(yield* watcher.ask("Heard"), ["terminated Numbered: Schema validation failed"])
    })))

  it.effect("whose start fails tells those that watch", () =>
    run(Effect.gen(function*() {
      const spawner = yield* Puppet.spawner
      const watcher = yield* Listener.spawn(nothing)
      yield* watcher.ask(
        "Do",
        deed((ctx) => {
          ctx.watch(ctx.spawn(spawner, deed(() => Effect.andThen(settled, Effect.die(new Error("later"))))))
          ctx.watch(ctx.spawn(
            spawner,
            deed(() => {
              throw new Error("at once")
            })
          ))
        })
      )
      yield* settled
      yield* settled
      assert.deepStrictEqual(yield* watcher.ask("Heard"), [
        "terminated Puppet: at once",
        "terminated Puppet: later"
      ])
      yield* watcher.ask("Do", deed((ctx) => assert.deepStrictEqual(ctx.children, [])))
    })))

  it.effect("under an overseer tells that one of a start that fails", () =>
    run(Effect.gen(function*() {
      let starts = 0
      const overseer = Overseer.make(() => Effect.succeed("restart"))
      const spawner = yield* Overseer.spawner(Puppet, overseer)
      const parent = yield* Puppet.spawn(nothing)
      let child: Actor.Ref<typeof Puppet> | undefined
      yield* parent.ask(
        "Do",
        deed((ctx) => {
          child = ctx.spawn(spawner, deed(() => ++starts < 3 ? Effect.die("not yet") : undefined))
        })
      )
      assert.deepStrictEqual(yield* child!.ask("Heard"), [])
      assert.strictEqual(starts, 3)
    })))

  it.effect("from an actor that is about to have ended gives a reference to one that has", () =>
    run(Effect.gen(function*() {
      const spawner = yield* Puppet.spawner
      let child: Actor.Ref<typeof Puppet> | undefined
      const parent = yield* Puppet.spawn(deed((ctx) =>
        Effect.addFinalizer(() =>
          Effect.sync(() => {
            child = ctx.spawn(spawner, nothing)
          })
        )
      ))
      yield* ActorRef.stop(parent)
      assert.strictEqual(textOf(yield* ActorRef.await(child!)), "ended")
    })))
})

describe("children", () => {
  it.effect("end with their parent, the youngest first, before what it has is released", () =>
    run(Effect.gen(function*() {
      const order: Array<string> = []
      const spawner = yield* Puppet.spawner
      const parent = yield* Puppet.spawn(deed((ctx) =>
        Effect.gen(function*() {
          yield* Puppet.spawn(noting(order, "one"))
          // Younger than the first child, and used by the second.
          yield* Effect.acquireRelease(Effect.void, () => Effect.sync(() => order.push("released")))
          yield* Puppet.spawn(noting(order, "two"))
          ctx.spawn(spawner, noting(order, "three"))
        })
      ))
      yield* parent.ask("Do", deed((ctx) => assert.lengthOf(ctx.children, 3)))
      yield* settled
      yield* Effect.exit(parent.ask("Crash"))
      yield* ActorRef.await(parent)
      assert.deepStrictEqual(order, [
        "one starts",
        "two starts",
        "three starts",
        "three ends",
        "two ends",
        "one ends",
        "released"
      ])
    })))

  it.effect("of a scope and of the system have no parent", () =>
    run(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const scoped = yield* Effect.provideService(Puppet.spawn(nothing), Scope.Scope, scope)
      const systems = yield* ActorSystem.provideScope(Puppet.spawn(nothing))
      for (const ref of [scoped, systems]) {
        yield* ref.ask("Do", deed((ctx) => assert.isUndefined(ctx.parent)))
      }
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(textOf(yield* ActorRef.await(scoped)), "ended")
      assert.deepStrictEqual(yield* systems.ask("Heard"), [])
    })))

  it.effect("of the system end with the layer that hosts them", () =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(system, scope)
      const spawned = yield* Effect.provideContext(
        ActorSystem.provideScope(Puppet.spawn(noting(order, "it"))),
        context
      )
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(order, ["it starts", "it ends"])
      assert.strictEqual(textOf(yield* ActorRef.await(spawned)), "ended")
    }))

  it.effect("a thousand generations end from the last to the first", () =>
    run(Effect.gen(function*() {
      const spawner = yield* Puppet.spawner
      let alive = 0
      const generation = (left: number) =>
        deed((ctx) => {
          alive++
          if (left > 0) ctx.spawn(spawner, generation(left - 1))
          return Effect.addFinalizer(() => Effect.sync(() => assert.strictEqual(alive--, 1001 - left)))
        })
      const first = yield* Puppet.spawn(generation(1000))
      yield* settled
      assert.strictEqual(alive, 1001)
      yield* ActorRef.stop(first)
      assert.strictEqual(alive, 0)
    })))
})

describe("stop", () => {
  it.effect("has another actor stop when it has handled what is queued, or after what it has in hand", () =>
    run(Effect.gen(function*() {
      const spawner = yield* Puppet.spawner
      const parent = yield* Puppet.spawn(nothing)
      const done: Array<string> = []
      const spawned: Array<Actor.Ref<typeof Puppet>> = []
      yield* parent.ask(
        "Do",
        deed((ctx) => {
          for (const now of [true, false]) {
            const child = ctx.spawn(spawner, nothing)
            ctx.send(
              child,
              "Do",
              deed(() => {
                done.push(`now: ${now}`)
              })
            )
            ctx.stop(child, { now })
            spawned.push(child)
          }
        })
      )
      yield* Effect.forEach(spawned, ActorRef.await)
      assert.deepStrictEqual(done, ["now: false"])
    })))

  it.effect("of itself is after the message in hand", () =>
    run(Effect.gen(function*() {
      const ref = yield* Puppet.spawn(nothing)
      const ended = yield* Effect.forkChild(ActorRef.await(ref))
      yield* ref.ask("Do", deed((ctx) => ctx.stop(ctx.self, { now: true })))
      assert.strictEqual(textOf(yield* Fiber.join(ended)), "ended")
    })))
})
