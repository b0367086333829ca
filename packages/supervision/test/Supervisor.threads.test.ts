/** The place of the matrix that is another thread: a supervisor here, its children on workers. */
import { assert, describe, layer } from "@effect/vitest"
import { ActorSystem, FaultPoint } from "@troupe/runtime"
import { Cause, Context, Effect, Exit, Layer, References } from "effect"
import { Child, RestartPolicy, Supervisor } from "../src/index.ts"
import { listen, type Ref, Worker } from "./fixtures/Worker.ts"

let threads: FaultPoint.Threads | undefined

const pool = ActorSystem.layerWorkers({
  entry: new URL("./fixtures/thread.ts", import.meta.url),
  hosts: [Worker],
  workers: 2,
  restarts: { times: 1000, within: "1 minute" }
}).pipe(
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None")),
  Layer.provide(
    Layer.succeed(FaultPoint.Injector, {
      threads: (all) => {
        threads = all
      }
    })
  )
)

const on = (placement: number) => <const Id extends string>(id: Id, options?: Child.Options) =>
  Child.actor(id, Worker, { ...options, args: id, placement })

const first = on(1)
const second = on(2)

const ends = {
  "stops": (b: Ref) => b.tell("Stop"),
  "crashes with an error": (b: Ref) => b.tell("Crash", { kind: "test" }),
  "throws": (b: Ref) => b.tell("Throw"),
  "dies": (b: Ref) => b.tell("Die"),
  "is interrupted": (b: Ref) => b.tell("Interrupt"),
  "loses its thread": () => Effect.sync(() => threads!.terminate(1))
} as const

const fates = {
  one_for_one: [7, 0, 7],
  one_for_all: [0, 0, 0],
  rest_for_one: [7, 0, 0]
} as const

const running = <Name extends string, Children extends ReadonlyArray<Child.Any>>(
  supervisor: Supervisor.Supervisor<Name, Children>
) => Effect.map(Layer.build(Supervisor.layer(supervisor)), (context) => Context.get(context, supervisor.key))

describe("Supervisor, of actors on worker threads", () => {
  layer(pool, { excludeTestServices: true })((it) => {
    for (const strategy of ["one_for_one", "one_for_all", "rest_for_one"] as const) {
      for (const end of Object.keys(ends) as ReadonlyArray<keyof typeof ends>) {
        it.effect(`${strategy}: a permanent child that ${end} restarts with its group, the same references`, () =>
          Effect.gen(function*() {
            const supervisor = Supervisor.make("Root", {
              strategy,
              intensity: "unlimited",
              children: [second("a"), first("b"), second("c")]
            })
            const root = yield* running(supervisor)
            const heard = yield* listen(root)
            const refs = (yield* Effect.forEach(["a", "b", "c"], root.handle)) as ReadonlyArray<Ref>
            for (const ref of refs) {
              yield* ref.tell("Add", { n: 7 })
              assert.strictEqual(yield* ref.ask("Total"), 7)
            }
            yield* ends[end](refs[1]!)
            yield* heard.until(`ChildStarted Root/${strategy === "one_for_one" ? "b" : "c"}`)
            const totals = yield* Effect.forEach(refs, (ref) => ref.ask("Total"))
            assert.deepStrictEqual(totals, [...fates[strategy]])
          }).pipe(Effect.scoped))
      }
    }

    it.effect("goes on with its state after a crash that is to be resumed", () =>
      Effect.gen(function*() {
        const root = yield* running(
          Supervisor.make("Root", { policy: RestartPolicy.tag("Trouble", "resume"), children: [first("a")] })
        )
        const heard = yield* listen(root)
        const a = (yield* root.handle("a")) as Ref
        yield* a.tell("Add", { n: 3 })
        yield* a.tell("Crash", { kind: "small" })
        const failed = yield* heard.until("ChildFailed Root/a")
        assert.deepInclude(failed, { directive: "resume" })
        assert.strictEqual(yield* a.ask("Total"), 3)
      }).pipe(Effect.scoped))

    it.effect("the end of a thread is a failure with a Cause of its own, and policies know it", () =>
      Effect.gen(function*() {
        const root = yield* running(
          Supervisor.make("Root", {
            policy: RestartPolicy.firstOf(RestartPolicy.tag("ThreadLost", "escalate"), RestartPolicy.restart),
            children: [first("a"), second("b")]
          })
        )
        threads!.terminate(1)
        const exit = yield* root.await
        assert.isTrue(Exit.isFailure(exit))
        assert.deepInclude(Cause.squash((exit as Exit.Failure<void, unknown>).cause), {
          _tag: "ThreadLost",
          thread: 1
        })
      }).pipe(Effect.scoped))

    it.effect("a lost thread cannot be resumed: what would resume it restarts it", () =>
      Effect.gen(function*() {
        const root = yield* running(
          Supervisor.make("Root", { policy: RestartPolicy.resume, children: [first("a")] })
        )
        const heard = yield* listen(root)
        const a = (yield* root.handle("a")) as Ref
        yield* a.tell("Add", { n: 3 })
        // Else it would wait for the next incarnation.
        assert.strictEqual(yield* a.ask("Total"), 3)
        threads!.terminate(1)
        yield* heard.until("ChildStarted Root/a")
        assert.strictEqual(yield* a.ask("Total"), 0)
      }).pipe(Effect.scoped))
  })
})
