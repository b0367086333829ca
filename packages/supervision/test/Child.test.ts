/** Children that are not actors: Effects and Layers, with the fibers that they are linked to. */
import { assert, describe, it } from "@effect/vitest"
import { ActorSystem } from "@troupe/runtime"
import { Cause, Context, Data, Deferred, Effect, Exit, Fiber, Layer, References, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Child, RestartPolicy, Supervisor } from "../src/index.ts"
import { listen } from "./fixtures/Worker.ts"

class Lost extends Data.TaggedError("Lost") {}

class Connection extends Context.Service<
  Connection,
  { readonly number: number; readonly lose: Effect.Effect<boolean> }
>()("test/Connection") {}

interface Log {
  readonly lines: Array<string>
  built: number
}

/** A service whose heartbeat is a linked fiber: it fails when the connection is lost. */
const connection = (log: Log, fork: typeof Child.forkLinked = Child.forkLinked) =>
  Layer.effect(
    Connection,
    Effect.gen(function*() {
      const number = ++log.built
      log.lines.push(`+${number}`)
      yield* Effect.addFinalizer(() => Effect.sync(() => log.lines.push(`-${number}`)))
      const lost = yield* Deferred.make<never, Lost>()
      yield* fork(Deferred.await(lost))
      return { number, lose: Deferred.fail(lost, new Lost()) }
    })
  )

const system = Layer.provide(ActorSystem.layer, Layer.succeed(References.MinimumLogLevel, "None"))

const within = <Name extends string, Children extends ReadonlyArray<Child.Any>, E>(
  supervisor: Supervisor.Supervisor<Name, Children>,
  program: (
    running: Supervisor.Running<Children>,
    heard: Effect.Success<ReturnType<typeof listen>>
  ) => Effect.Effect<void, E, Scope.Scope>
) =>
  Effect.gen(function*() {
    const built = yield* Layer.build(Supervisor.layer(supervisor))
    const running = Context.get(built, supervisor.key)
    yield* program(running, yield* listen(running))
  }).pipe(Effect.scoped, Effect.provide(system)) as Effect.Effect<void, E>

const current = (running: Supervisor.Running) =>
  Effect.map(
    running.handle("connection"),
    (services) => Context.get(services as Context.Context<Connection>, Connection)
  )

describe("Child", () => {
  describe("layer", () => {
    it.effect("a service is built anew when a linked fiber of its scope fails, and so are those after it", () =>
      Effect.gen(function*() {
        const log: Log = { lines: [], built: 0 }
        const seen: Array<number> = []
        const reader = Effect.andThen(Effect.map(Connection, ({ number }) => seen.push(number)), Effect.never)
        const supervisor = Supervisor.make("Root", {
          strategy: "rest_for_one",
          intensity: "unlimited",
          children: [Child.layer("connection", connection(log)), Child.effect("reader", reader)]
        })
        yield* within(
          supervisor,
          Effect.fnUntraced(function*(running, heard) {
            for (const number of [1, 2, 3]) {
              const connection = yield* current(running)
              assert.strictEqual(connection.number, number)
              yield* connection.lose
              const failed = yield* heard.until("ChildFailed Root/connection")
              assert.isTrue(
                failed._tag === "ChildFailed" && Cause.squash(failed.cause) instanceof Lost
              )
              yield* heard.until("ChildStarted Root/reader")
            }
            assert.deepStrictEqual(seen, [1, 2, 3, 4])
            assert.deepInclude((yield* running.which)[0], { status: "up", starts: 4, failures: 3 })
          })
        )
        assert.deepStrictEqual(log.lines, ["+1", "-1", "+2", "-2", "+3", "-3", "+4", "-4"])
      }))

    const directives: ReadonlyArray<
      readonly [RestartPolicy.Directive, Child.Options["restart"], status: string | undefined]
    > = [
      ["restart", "permanent", "up"],
      ["restart", "transient", "up"],
      ["restart", "temporary", undefined],
      ["stop", "permanent", "down"],
      // It has no state to go on with.
      ["resume", "permanent", "up"]
    ]
    for (const [directive, restart, status] of directives) {
      it.effect(`a ${restart} service whose linked fiber fails, under ${directive}, is ${status ?? "removed"}`, () =>
        Effect.gen(function*() {
          const log: Log = { lines: [], built: 0 }
          const supervisor = Supervisor.make("Root", {
            policy: RestartPolicy.make(() => directive),
            children: [Child.layer("connection", connection(log), { restart })]
          })
          yield* within(
            supervisor,
            Effect.fnUntraced(function*(running, heard) {
              yield* (yield* current(running)).lose
              yield* heard.until("ChildFailed Root/connection")
              yield* Effect.ignore(running.delete("nobody"))
              assert.deepStrictEqual(log.lines, status === "up" ? ["+1", "-1", "+2"] : ["+1", "-1"])
              assert.strictEqual((yield* running.which)[0]?.status, status as never)
            })
          )
        }))
    }

    it.effect("under escalate the supervisor fails with what the fiber failed with", () =>
      Effect.gen(function*() {
        const log: Log = { lines: [], built: 0 }
        yield* within(
          Supervisor.make("Root", {
            policy: RestartPolicy.tag("Lost", "escalate"),
            children: [Child.layer("connection", connection(log))]
          }),
          Effect.fnUntraced(function*(running) {
            yield* (yield* current(running)).lose
            const exit = yield* running.await
            assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Lost)
            assert.deepStrictEqual(log.lines, ["+1", "-1"])
          })
        )
      }))

    it.effect("a fiber that is not linked is nobody's failure, nor is one that ends well or is stopped", () =>
      Effect.gen(function*() {
        const log: Log = { lines: [], built: 0 }
        const supervisor = Supervisor.make("Root", {
          children: [
            Child.layer("connection", connection(log, Effect.forkScoped)),
            Child.effect("done", Effect.andThen(Child.forkLinked(Effect.void), Effect.never))
          ]
        })
        yield* within(
          supervisor,
          Effect.fnUntraced(function*(running, heard) {
            yield* (yield* current(running)).lose
            yield* running.terminate("connection")
            yield* running.restart("connection")
            yield* Effect.ignore(running.delete("nobody"))
            assert.isFalse(heard.all.some((line) => line.startsWith("ChildFailed")))
            assert.deepStrictEqual((yield* running.which).map(({ starts }) => starts), [2, 1])
          })
        )
      }))

    it.effect("one that dies while the service is still being built fails the child once it is up", () =>
      Effect.gen(function*() {
        let built = 0
        const early = Layer.effectDiscard(Effect.gen(function*() {
          if (++built === 1) yield* Child.forkLinked(Effect.die(new Error("early")))
          yield* Effect.yieldNow
        }))
        yield* within(
          Supervisor.make("Root", { children: [Child.layer("early", early)] }),
          Effect.fnUntraced(function*(running) {
            yield* Effect.ignore(running.delete("nobody"))
            assert.deepInclude((yield* running.which)[0], { starts: 2, failures: 1, lastFailure: "early" })
          })
        )
      }))
  })

  describe("effect", () => {
    it.effect("fails when a fiber that it is linked to fails; it is interrupted itself", () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const lost = yield* Deferred.make<never, Lost>()
        const pump = Effect.gen(function*() {
          lines.push("+")
          yield* Child.forkLinked(lines.length === 1 ? Deferred.await(lost) : Effect.never)
          yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => lines.push("interrupted")))
        })
        yield* within(
          Supervisor.make("Root", { children: [Child.effect("pump", pump)] }),
          Effect.fnUntraced(function*(_, heard) {
            yield* Deferred.fail(lost, new Lost())
            yield* heard.until("ChildStarted Root/pump")
            yield* Effect.yieldNow
            assert.deepStrictEqual(lines, ["+", "interrupted", "+"])
          })
        )
      }))
  })

  it.effect("forkLinked is forkScoped where nobody supervises", () =>
    Effect.gen(function*() {
      const log: Log = { lines: [], built: 0 }
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(connection(log), scope)
      yield* Context.get(services, Connection).lose
      const ticking = yield* Effect.provideService(
        Child.forkLinked(Effect.sleep("1 second")),
        Scope.Scope,
        scope
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.await(ticking), Exit.void)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(log.lines, ["+1", "-1"])
    }))
})
