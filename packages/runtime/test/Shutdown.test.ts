import { assert, describe, it } from "@effect/vitest"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Shutdown from "@troupe/runtime/Shutdown"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { deed, nothing, Puppet, PuppetLive, textOf } from "./fixtures/Puppet.ts"
import { Vault } from "./fixtures/Subject.ts"
import { live } from "./fixtures/subjectLive.ts"

const system = Layer.mergeAll(PuppetLive, live).pipe(
  Layer.provideMerge(ActorSystem.layer),
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
)

const run = <E>(program: Effect.Effect<void, E, Layer.Success<typeof system> | Scope.Scope>) =>
  program.pipe(Effect.scoped, Effect.provide(system))

const settled = Effect.repeat(Effect.yieldNow, { times: 10 })

const none = { late: [], failed: [] }

describe("Shutdown", () => {
  it.effect("runs its phases in order, the tasks of a phase at the same time, the ends of the actors among them", () =>
    run(Effect.gen(function*() {
      const order: Array<string> = []
      const note = (line: string) => Effect.andThen(settled, Effect.sync(() => order.push(line)))
      yield* Shutdown.task("resources", "files", note("files"))
      yield* Shutdown.task("drain", "queue", note("queue"))
      const met = yield* Deferred.make<void>()
      yield* Shutdown.task("intake", "one", Effect.andThen(Deferred.await(met), note("one")))
      yield* Shutdown.task("intake", "two", Effect.andThen(Deferred.succeed(met, undefined), note("two")))
      const actor = yield* Puppet.spawn(deed(() => Effect.addFinalizer(() => note("actor"))))
      const report = yield* Shutdown.run
      assert.sameMembers(order.splice(0, 2), ["one", "two"])
      assert.deepStrictEqual(order, ["queue", "actor", "files"])
      assert.deepStrictEqual(
        report.phases,
        ["intake", "drain", "actors", "resources"].map((name) => ({ name, ...none }))
      )
      assert.strictEqual(textOf(yield* ActorRef.await(actor)), "ended")
    })))

  it.effect("names what is not over in time, interrupts it, and goes on", () =>
    run(Effect.gen(function*() {
      const order: Array<string> = []
      const note = (line: string) => Effect.sync(() => order.push(line))
      yield* Shutdown.task("drain", "stuck", Effect.onInterrupt(Effect.never, () => note("interrupted")))
      yield* Shutdown.task("drain", "quick", note("quick"))
      yield* Shutdown.task("drain", "broken", Effect.die("broken"))
      yield* Shutdown.task("resources", "files", note("files"))
      const hanging = deed(() => Effect.addFinalizer(() => Effect.never))
      const scope = yield* Scope.make()
      yield* Effect.provideService(Puppet.spawn(hanging), Scope.Scope, scope)
      yield* Effect.provideService(
        Puppet.spawn(deed(() => Effect.addFinalizer(() => note("actor")))),
        Scope.Scope,
        scope
      )
      const running = yield* Effect.forkChild(Shutdown.run)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(order, ["quick", "interrupted", "actor"])
      yield* TestClock.adjust("5 seconds")
      const { phases } = yield* Fiber.join(running)
      assert.deepStrictEqual(order, ["quick", "interrupted", "actor", "files"])
      assert.deepStrictEqual(phases, [
        { name: "intake", ...none },
        { name: "drain", late: ["stuck"], failed: ["broken"] },
        { name: "actors", late: ["ActorRef(Puppet)"], failed: [] },
        { name: "resources", ...none }
      ])
    })))

  it.effect("is run once, however often it is asked for, and goes on when who asked is interrupted", () =>
    run(Effect.gen(function*() {
      let runs = 0
      const gate = yield* Deferred.make<void>()
      yield* Shutdown.task("intake", "it", Effect.andThen(Effect.sync(() => runs++), Deferred.await(gate)))
      yield* Fiber.interrupt(yield* Effect.forkChild(Shutdown.run, { startImmediately: true }))
      const again = yield* Effect.forkChild(Shutdown.run, { startImmediately: true })
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(again), yield* Shutdown.run)
      assert.strictEqual(runs, 1)
    })))

  it.effect("forgets a task whose scope closes", () =>
    run(Effect.gen(function*() {
      yield* Effect.scoped(Shutdown.task("intake", "gone", Effect.die("never")))
      const { phases } = yield* Shutdown.run
      assert.deepStrictEqual(phases[0], { name: "intake", ...none })
    })))

  it.effect("a phase that there is not is a defect that names those that there are", () =>
    run(Effect.gen(function*() {
      const exit = yield* Effect.exit(Shutdown.task("later", "it", Effect.void))
      assert.strictEqual(
        textOf(exit),
        "there is no phase later in the shutdown, only intake, drain, actors, resources"
      )
    })))

  it.effect("after it no actor is made any more", () =>
    run(Effect.gen(function*() {
      const vault = yield* Vault.keyed("shut/vault")
      yield* vault.ask("Ping")
      yield* Shutdown.run
      assert.isFalse(yield* vault.offer("Ping"))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Puppet.spawn(nothing))))
    })))

  it.effect("runs after an Effect, while its layers are there, or with the end of the system", () =>
    Effect.gen(function*() {
      const order: Array<string> = []
      const note = (line: string) => Effect.sync(() => order.push(line))
      const service = Layer.effectDiscard(Effect.andThen(
        Shutdown.task("drain", "service", note("drained")),
        Effect.addFinalizer(() => note("closed"))
      ))
      const layers = Layer.provideMerge(service, system)
      const phases = [{ name: "drain", timeout: "1 second" }, {
        name: "actors",
        timeout: "1 second"
      }] as const
      yield* note("program").pipe(
        Shutdown.after,
        Effect.provide(layers),
        Effect.provideService(Shutdown.Phases, phases)
      )
      assert.deepStrictEqual(order.splice(0), ["program", "drained", "closed"])
      const inSystem = ActorSystem.provideScope(Shutdown.task("drain", "system", note("with the system")))
      yield* Effect.provide(inSystem, layers)
      assert.deepStrictEqual(order, ["closed", "with the system"])
    }))
})
