/** The same matrix where supervisor and children live on different threads, and where a child's thread ends. */
import { assert, describe, layer } from "@effect/vitest"
import { ActorSystem, FaultPoint } from "@troupe/runtime"
import { Cause, Context, Effect, Exit, Layer, Logger, References, Schedule } from "effect"
import { Child, RestartPolicy, Supervisor, type SupervisorError } from "../src/index.ts"
import {
  ends,
  type Refs,
  refsOf,
  type Row,
  rows,
  strategies,
  supervisorOf,
  verify
} from "./fixtures/matrix.ts"
import { type Heard, listen, Worker } from "./fixtures/Worker.ts"

let threads: FaultPoint.Threads | undefined

const quiet = Layer.mergeAll(Layer.succeed(References.MinimumLogLevel, "None"), Logger.layer([]))

const pool = Layer.merge(
  quiet,
  ActorSystem.layerWorkers({
    entry: new URL("./fixtures/thread.ts", import.meta.url),
    hosts: [Worker],
    workers: 2,
    restarts: { times: 1000, within: "1 minute" }
  }).pipe(
    Layer.provide(quiet),
    Layer.provide(
      Layer.succeed(FaultPoint.Injector, {
        threads: (all) => {
          threads = all
        }
      })
    )
  )
)

const on =
  (placement: number) => <const Id extends string>(id: Id, options?: Omit<Child.ActorOptions, "placement">) =>
    Child.actor(id, Worker, { ...options, args: id, placement })

const first = on(1)
const second = on(2)

/** Runs a supervisor whose children need nothing but the pool. */
const running = <Name extends string, Children extends ReadonlyArray<Child.Any>>(
  supervisor: Supervisor.Supervisor<Name, Children>
) =>
  Effect.map(
    Layer.build(
      Supervisor.layer(supervisor) as Layer.Layer<
        Supervisor.Supervised<Name>,
        SupervisorError.StartError,
        ActorSystem.ActorSystem
      >
    ),
    (context) => Context.get(context, supervisor.key)
  )

/** The supervisor of a row, with `b` on the first worker and its siblings on the second. */
const played = (row: Row, name: string) =>
  Effect.gen(function*() {
    const supervisor = supervisorOf(row, name, (id, options) => (id === "b" ? first : second)(id, options))
    const root = yield* running(supervisor)
    const heard = yield* listen(root)
    return { root, heard, refs: yield* refsOf(root) }
  })

interface Played {
  readonly root: Supervisor.Running
  readonly heard: Heard
  readonly refs: Refs
}

class Rows extends Context.Service<Rows, ReadonlyMap<Row, Played>>()("test/Played") {}

const deaths = strategies.map((strategy) => rows(strategy, ["loses its thread"]))

/** The supervisors of all rows about the end of a thread, after the one end that they share. */
const oneDeath = Layer.effect(
  Rows,
  Effect.gen(function*() {
    const all = new Map<Row, Played>()
    for (const row of deaths.flat()) all.set(row, yield* played(row, `Root-${all.size}`))
    threads!.terminate(1)
    return all
  })
)

describe("Supervisor, of actors on worker threads", () => {
  layer(pool, { excludeTestServices: true })((it) => {
    for (const strategy of strategies) {
      describe(strategy, () => {
        for (const row of rows(strategy, Object.keys(ends) as ReadonlyArray<keyof typeof ends>)) {
          it.effect(row.sentence, () =>
            Effect.gen(function*() {
              const { heard, refs, root } = yield* played(row, "Root")
              yield* ends[row.end as keyof typeof ends](refs.b)
              yield* verify(row, root, heard, refs)
            }).pipe(Effect.scoped))
        }
      })
    }

    it.layer(oneDeath)("when a thread ends", (it) => {
      for (const [n, strategy] of strategies.entries()) {
        describe(strategy, () => {
          for (const row of deaths[n]!) {
            it.effect(row.sentence, () =>
              Effect.gen(function*() {
                const { heard, refs, root } = (yield* Rows).get(row)!
                yield* verify(row, root, heard, refs)
              }))
          }
        })
      }
    })

    it.effect("the end of a thread is a failure with a Cause of its own, and policies know it", () =>
      Effect.gen(function*() {
        const policy = RestartPolicy.firstOf(
          RestartPolicy.tag("ThreadLost", "escalate"),
          RestartPolicy.restart
        )
        const root = yield* running(Supervisor.make("Root", { policy, children: [first("a"), second("b")] }))
        // A policy that insists on the state of a lost thread is asked again, as it were a failed start.
        const insisting = yield* running(
          Supervisor.make("Insisting", {
            policy: { ...RestartPolicy.resume, decide: () => ({ directive: "resume", backoff: undefined }) },
            children: [first("a")]
          })
        )
        const heard = yield* listen(insisting)
        threads!.terminate(1)
        const exit = yield* root.await
        assert.isTrue(Exit.isFailure(exit))
        assert.deepInclude(Cause.squash((exit as Exit.Failure<void, unknown>).cause), {
          _tag: "ThreadLost",
          thread: 1
        })
        yield* heard.until("ChildStarted Insisting/a")
      }).pipe(Effect.scoped))

    it.effect("whoever asks a child that is down and refuses is answered with Restarting (S106)", () =>
      Effect.gen(function*() {
        // It stays down until somebody says otherwise.
        const policy = RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.spaced("1 hour")))
        const refusing = (id: "a" | "b" | "c") => (id === "b" ? first : second)(id, { whileDown: "refuse" })
        const root = yield* running(
          Supervisor.make("Root", {
            strategy: "rest_for_one",
            policy,
            children: [refusing("a"), refusing("b"), refusing("c")]
          })
        )
        const heard = yield* listen(root)
        const refs = yield* refsOf(root)
        // As long as its supervisor has not stopped it, a sibling answers.
        yield* refs.b.tell("Throw")
        yield* heard.until("ChildStopped Root/c")
        yield* Effect.ignore(root.delete("nobody"))
        for (const ref of [refs.b, refs.c]) {
          const refused = yield* Effect.flip(ref.ask("Total"))
          assert.strictEqual(refused.reason._tag, "Restarting")
        }
        assert.strictEqual(yield* refs.a.ask("Total"), 7)
        // When the one that is waited for is terminated, the others start, and answer.
        yield* root.terminate("b")
        yield* heard.until("ChildStarted Root/c")
        assert.strictEqual(yield* refs.c.ask("Total"), 0)
      }).pipe(Effect.scoped))
  })
})
