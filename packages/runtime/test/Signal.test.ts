import { assert, describe, it } from "@effect/vitest"
import type * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { deed, Listener, ListenerLive, nothing, Puppet, PuppetLive, textOf } from "./fixtures/Puppet.ts"
import { Gate, Vault } from "./fixtures/Subject.ts"
import { live } from "./fixtures/subjectLive.ts"

const system = Layer.mergeAll(PuppetLive, ListenerLive, live).pipe(
  Layer.provideMerge(ActorSystem.layer),
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
)

const run = <E>(program: Effect.Effect<void, E, Layer.Success<typeof system> | Scope.Scope>) =>
  program.pipe(Effect.scoped, Effect.provide(system))

type Ref = Actor.Ref<typeof Puppet>

/** Until all that is to be handled now is. */
const settled = Effect.repeat(Effect.yieldNow, { times: 10 })

describe("watch", () => {
  const ways = [
    ["stops", "ended", (ref: Ref) => ref.ask("Stop")],
    ["crashes", "on purpose", (ref: Ref) => Effect.exit(ref.ask("Crash"))],
    ["is killed", "interrupted", (ref: Ref) => ActorRef.kill(ref)],
    ["is stopped", "ended", (ref: Ref) => ActorRef.stop(ref)]
  ] as const
  for (const [sentence, exit, act] of ways) {
    it.effect(`one that ${sentence} is told of, with its Exit`, () =>
      run(Effect.gen(function*() {
        const watched = yield* Puppet.spawn(nothing)
        const watcher = yield* Listener.spawn(deed((ctx) => ctx.watch(watched)))
        yield* act(watched)
        assert.deepStrictEqual(yield* watcher.ask("Heard"), [`terminated Puppet: ${exit}`])
      })))
  }

  it.effect("one whose scope closes is told of when its finalizers have run", () =>
    run(Effect.gen(function*() {
      const order: Array<string> = []
      const scope = yield* Scope.make()
      const release = deed(() => Effect.addFinalizer(() => Effect.sync(() => order.push("released"))))
      const watched = yield* Effect.provideService(Puppet.spawn(release), Scope.Scope, scope)
      const watcher = yield* Listener.spawn(deed((ctx) => ctx.watch(watched)))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(order, ["released"])
      assert.deepStrictEqual(yield* watcher.ask("Heard"), ["terminated Puppet: ended"])
    })))

  it.effect("one that has ended already is told of at once, with the Exit that it had", () =>
    run(Effect.gen(function*() {
      const watched = yield* Puppet.spawn(nothing)
      yield* Effect.exit(watched.ask("Crash"))
      const watcher = yield* Listener.spawn(nothing)
      yield* watcher.ask("Do", deed((ctx) => ctx.watch(watched)))
      assert.deepStrictEqual(yield* watcher.ask("Heard"), ["terminated Puppet: on purpose"])
    })))

  it.effect("one that did not start is told of", () =>
    run(Effect.gen(function*() {
      const watcher = yield* Listener.spawn(nothing)
      const failing = deed((ctx) => {
        watcher.tellUnsafe("Do", deed((watching) => watching.watch(ctx.self)))
        return Effect.andThen(settled, Effect.die(new Error("no start")))
      })
      yield* Effect.exit(Puppet.spawn(failing))
      assert.deepStrictEqual(yield* watcher.ask("Heard"), ["terminated Puppet: no start"])
    })))

  it.effect("unwatch suppresses a signal that is queued", () =>
    run(Effect.gen(function*() {
      const watched = yield* Puppet.spawn(nothing)
      const gate = yield* Gate.keyed("unwatch")
      const watcher = yield* Listener.spawn(deed((ctx) => ctx.watch(watched)))
      // Busy, so that the signal waits.
      yield* watcher.tell(
        "Do",
        deed((ctx) => Effect.andThen(gate.ask("Wait"), Effect.sync(() => ctx.unwatch(watched))))
      )
      yield* gate.ask("Reached")
      yield* watched.ask("Stop")
      yield* gate.tell("Open")
      assert.deepStrictEqual(yield* watcher.ask("Heard"), [])
    })))

  it.effect("a signal goes before the messages that wait", () =>
    run(Effect.gen(function*() {
      const watched = yield* Puppet.spawn(nothing)
      const gate = yield* Gate.keyed("before")
      const watcher = yield* Listener.spawn(deed((ctx) => ctx.watch(watched)))
      yield* watcher.tell("Do", deed(() => gate.ask("Wait")))
      yield* gate.ask("Reached")
      const heard = yield* Effect.forkChild(watcher.ask("Heard"), { startImmediately: true })
      yield* watched.ask("Stop")
      yield* gate.tell("Open")
      assert.deepStrictEqual(yield* Fiber.join(heard), ["terminated Puppet: ended"])
    })))

  it.effect("twice is once, and of itself an actor hears nothing", () =>
    run(Effect.gen(function*() {
      const watched = yield* Puppet.spawn(nothing)
      const watcher = yield* Listener.spawn(deed((ctx) => {
        ctx.watch(watched)
        ctx.watch(watched)
        ctx.watch(ctx.self)
      }))
      yield* watched.ask("Stop")
      assert.deepStrictEqual(yield* watcher.ask("Heard"), ["terminated Puppet: ended"])
    })))

  it.effect("a key's incarnation is watched, not the key", () =>
    run(Effect.gen(function*() {
      const vault = yield* Vault.keyed("journal-w/vault")
      const watcher = yield* Listener.spawn(nothing)
      // None lives.
      yield* watcher.ask("Do", deed((ctx) => ctx.watch(vault)))
      assert.deepStrictEqual(yield* watcher.ask("Heard"), ["terminated Vault journal-w/vault: ended"])
      yield* vault.ask("Ping")
      yield* watcher.ask("Do", deed((ctx) => ctx.watch(vault)))
      yield* Effect.exit(vault.ask("Crash"))
      yield* vault.ask("Ping")
      assert.lengthOf(yield* watcher.ask("Heard"), 2)
    })))

  it.effect("an actor without a handler for it is not disturbed", () =>
    run(Effect.gen(function*() {
      const watched = yield* Puppet.spawn(nothing)
      const watcher = yield* Puppet.spawn(deed((ctx) => ctx.watch(watched)))
      yield* Effect.exit(watched.ask("Crash"))
      assert.deepStrictEqual(yield* watcher.ask("Heard"), [])
    })))
})

describe("link", () => {
  for (const end of ["this one", "the other one"]) {
    it.effect(`when ${end} fails, both do`, () =>
      run(Effect.gen(function*() {
        const other = yield* Puppet.spawn(nothing)
        const linked = yield* Puppet.spawn(deed((ctx) => ctx.link(other)))
        const [first, second] = end === "this one" ? [linked, other] : [other, linked]
        yield* Effect.exit(first.ask("Crash"))
        assert.strictEqual(textOf(yield* ActorRef.await(first)), "on purpose")
        assert.strictEqual(
          textOf(yield* ActorRef.await(second)),
          "the linked actor Puppet failed: on purpose"
        )
      })))
  }

  it.effect("an end that is no failure leaves the other one alone", () =>
    run(Effect.gen(function*() {
      const other = yield* Puppet.spawn(nothing)
      const linked = yield* Puppet.spawn(deed((ctx) => ctx.link(other)))
      yield* other.ask("Stop")
      yield* settled
      assert.deepStrictEqual(yield* linked.ask("Heard"), [])
    })))

  it.effect("one that handles the signal is told instead, of either end", () =>
    run(Effect.gen(function*() {
      const one = yield* Puppet.spawn(nothing)
      const two = yield* Puppet.spawn(nothing)
      const trapping = yield* Listener.spawn(deed((ctx) => {
        ctx.link(one)
        ctx.link(two)
      }))
      yield* one.ask("Stop")
      yield* Effect.exit(two.ask("Crash"))
      assert.deepStrictEqual(yield* trapping.ask("Heard"), [
        "link broken Puppet: ended",
        "link broken Puppet: on purpose"
      ])
    })))

  it.effect("unlinked, each ends for itself", () =>
    run(Effect.gen(function*() {
      const other = yield* Puppet.spawn(nothing)
      const linked = yield* Puppet.spawn(deed((ctx) => ctx.link(other)))
      yield* linked.ask("Do", deed((ctx) => ctx.unlink(other)))
      yield* Effect.exit(other.ask("Crash"))
      yield* settled
      assert.deepStrictEqual(yield* linked.ask("Heard"), [])
    })))

  it.effect("a chain of ten thousand fails from end to end", () =>
    run(Effect.gen(function*() {
      const first = yield* Puppet.spawn(nothing)
      let last = first
      for (let n = 0; n < 10_000; n++) {
        const before = last
        last = yield* Puppet.spawn(deed((ctx) => ctx.link(before)))
      }
      yield* ActorRef.kill(first)
      // It names who failed first.
      const exit = yield* ActorRef.await(last)
      assert.strictEqual(textOf(exit), "the linked actor Puppet failed: All fibers interrupted without error")
    })))
})
