/** What other systems call it, and that it is the same: the rows of the page's table. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { Child, RestartPolicy, Strategy, Supervisor } from "../src/index.ts"
import { refsOf, type Row, rows, verify } from "./fixtures/matrix.ts"
import { listen, type Ref, reset, system, Worker } from "./fixtures/Worker.ts"

const worker = (id: string, options?: Child.Options) => Child.actor(id, Worker, { ...options, args: id })
const children: ReadonlyArray<Child.Any> = [worker("a"), worker("b"), worker("c")]

const within = <A, E>(
  options: Supervisor.Options<ReadonlyArray<Child.Any>>,
  program: (
    running: Supervisor.Running,
    heard: Effect.Success<ReturnType<typeof listen>>
  ) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    yield* reset
    const supervisor = Supervisor.make<"Root", ReadonlyArray<Child.Any>>("Root", options)
    const services = yield* Layer.build(
      Supervisor.layer(supervisor) as Layer.Layer<Supervisor.Supervised<"Root">>
    )
    const running = Context.get(services, supervisor.key)
    return yield* program(running, yield* listen(running))
  }).pipe(Effect.scoped, Effect.provide(system))

/** What the supervisor does about each of so many failures of `a`: a directive, and a delay if it restarts. */
const failures = (options: Omit<Supervisor.Options<ReadonlyArray<Child.Any>>, "children">, times: number) =>
  within({ ...options, children: [worker("a")] }, (running, heard) =>
    Effect.gen(function*() {
      const a = (yield* running.handle("a")) as Ref
      const delays: Array<number | undefined> = []
      for (let n = 0; n < times; n++) {
        yield* a.tell("Throw")
        const event = yield* heard.until("ChildFailed Root/a")
        const { delayMillis } = event as { readonly delayMillis: number | undefined }
        delays.push(delayMillis)
        if (delayMillis === undefined) break
        // The delay began when the failure was dealt with.
        yield* Effect.ignore(running.delete("nobody"))
        yield* TestClock.adjust(delayMillis)
        if (n < times - 1) yield* heard.until("ChildStarted Root/a")
      }
      yield* Effect.ignore(running.delete("nobody"))
      return { delays, heard: heard.all, which: yield* running.which }
    }))

describe("Strategy", () => {
  const zactor: ReadonlyArray<
    readonly [name: string, own: object, strategy: Row["strategy"], directive: RestartPolicy.Directive]
  > = [
    ["restart", Strategy.restart, "one_for_one", "restart"],
    ["stop", Strategy.stop, "one_for_one", "stop"],
    ["restart_all", Strategy.restart_all, "one_for_all", "restart"],
    ["stop_all", Strategy.stop_all, "one_for_all", "stop"],
    ["escalate", Strategy.escalate, "one_for_one", "escalate"]
  ]
  for (const [name, own, strategy, directive] of zactor) {
    const [row] = rows(strategy, ["throws"]).filter((row) =>
      row.directive === directive && row.restart === "permanent"
    )
    it.effect(`ZActor's ${name}: ${row!.sentence}, under ${strategy}`, () =>
      within({ ...own, children }, (running, heard) =>
        Effect.gen(function*() {
          const refs = yield* refsOf(running)
          yield* refs.b.tell("Throw")
          yield* verify(row!, running, heard, refs)
        })))
  }

  it.effect("Akka's restart.withLimit: so many restarts at once, and then it fails", () =>
    Effect.gen(function*() {
      const intensity = { restarts: 3, within: "1 minute" } as const
      const { delays, heard } = yield* failures({ policy: RestartPolicy.restart, intensity }, 4)
      assert.deepStrictEqual(delays, [0, 0, 0, 0])
      assert.strictEqual(heard.at(-1), "GaveUp Root/a")
    }))

  it.effect("Akka's and kameo's backoff: from the least to the most, with jitter", () =>
    Effect.gen(function*() {
      const policy = RestartPolicy.withSchedule(
        RestartPolicy.restart,
        Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("1 second")]).pipe(
          Schedule.jittered
        )
      )
      const { delays } = yield* failures({ intensity: "unlimited", policy }, 7)
      const exact = [100, 200, 400, 800, 1000, 1000, 1000]
      for (const [n, delay] of delays.entries()) {
        assert.isAtLeast(delay!, exact[n]! * 0.8)
        assert.isAtMost(delay!, exact[n]! * 1.2)
      }
      assert.notDeepEqual(delays, exact)
      assert.strictEqual(delays.length, exact.length)
    }))

  it.effect("Akka's BackoffOpts.onStop: a permanent child that ends normally starts again after the delay", () =>
    within(
      {
        policy: RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.spaced("1 second"))),
        children: [worker("a")]
      },
      (running, heard) =>
        Effect.gen(function*() {
          const a = (yield* running.handle("a")) as Ref
          yield* a.tell("Stop")
          yield* heard.until("ChildEnded Root/a")
          yield* Effect.ignore(running.delete("nobody"))
          yield* TestClock.adjust("999 millis")
          assert.deepInclude((yield* running.which)[0], { status: "restarting", starts: 1, dueAt: 1000 })
          yield* TestClock.adjust("1 millis")
          yield* heard.until("ChildStarted Root/a")
        })
    ))

  it.effect("Akka's withMaxRestarts: so many restarts, and then it stays ended", () =>
    Effect.gen(function*() {
      const schedule = Schedule.upTo(Schedule.spaced("10 millis"), { times: 2 })
      const policy = RestartPolicy.withSchedule(RestartPolicy.restart, schedule, { whenDone: "stop" })
      const { delays, which } = yield* failures({ intensity: "unlimited", policy }, 5)
      assert.deepStrictEqual(delays, [10, 10, undefined])
      assert.deepInclude(which[0], { status: "down", starts: 3, failures: 3 })
    }))
})
