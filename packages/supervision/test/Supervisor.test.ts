import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Context,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Metric,
  References,
  Schedule,
  Scope
} from "effect"
import { TestClock } from "effect/testing"
import { Child, RestartPolicy, Supervisor, SupervisorError } from "../src/index.ts"
import { failing, journal, listen, reset, system, Trouble, Worker } from "./fixtures/Worker.ts"

const worker = <const Id extends string>(id: Id, options?: Child.Options) =>
  Child.actor(id, Worker, { ...options, args: id })

/** Runs a program with a supervisor that is up, and what it does being heard. */
const within = <Name extends string, Children extends ReadonlyArray<Child.Any>, E, R>(
  supervisor: Supervisor.Supervisor<Name, Children>,
  program: (
    running: Supervisor.Running<Children>,
    heard: Effect.Success<ReturnType<typeof listen>>
  ) => Effect.Effect<void, E, R>
) =>
  Effect.gen(function*() {
    yield* reset
    yield* Effect.gen(function*() {
      const running = yield* Supervisor.running(supervisor)
      yield* program(running, yield* listen(running))
    }).pipe(Effect.scoped, Effect.provide(Supervisor.layer(supervisor)))
  }).pipe(Effect.provide(system)) as Effect.Effect<void, E | SupervisorError.StartError>

type WorkerRef = Child.HandleOf<ReturnType<typeof worker>>

/** The references of children, by their ids. */
const refs = <const Ids extends ReadonlyArray<string>>(running: Supervisor.Running, ...ids: Ids) =>
  Effect.forEach(ids, running.handle) as Effect.Effect<{ readonly [K in keyof Ids]: WorkerRef }>

/** Goes on when what was brought about so far is dealt with. */
const dealtWith = (running: Supervisor.Running) => Effect.ignore(running.delete("nobody"))

const failureOf = (exit: Exit.Exit<void, unknown>): unknown =>
  Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined

describe("Supervisor", () => {
  describe("make", () => {
    it("throws for two children with one id", () => {
      assert.throws(() => Supervisor.make("Root", { children: [worker("a"), worker("a")] }), "two children")
    })

    it("throws for a significant child that is permanent, or whose end means nothing", () => {
      assert.throws(() =>
        Supervisor.make("Root", {
          autoShutdown: "any_significant",
          children: [worker("a", { significant: true })]
        }), "permanent")
      assert.throws(
        () =>
          Supervisor.make("Root", { children: [worker("a", { significant: true, restart: "transient" })] }),
        "autoShutdown"
      )
    })
  })

  describe("starting and ending", () => {
    it.effect("starts children in order and ends them in reverse", () =>
      Effect.gen(function*() {
        const supervisor = Supervisor.make("Root", { children: [worker("a"), worker("b"), worker("c")] })
        yield* within(
          supervisor,
          () => Effect.sync(() => assert.deepStrictEqual(journal, ["+a", "+b", "+c"]))
        )
        assert.deepStrictEqual(journal, ["+a", "+b", "+c", "-c", "-b", "-a"])
      }))

    it.effect("fails when a first start fails, after those before it are stopped (S101)", () =>
      Effect.gen(function*() {
        yield* reset
        failing.set("c", 1)
        const supervisor = Supervisor.make("Root", {
          children: [worker("a"), worker("b"), worker("c"), worker("d")]
        })
        const error = yield* Effect.flip(Effect.scoped(Layer.build(Supervisor.layer(supervisor))))
        assert.instanceOf(error, SupervisorError.StartError)
        assert.strictEqual(error.message, "Root did not start, since c did not: c does not start")
        assert.deepStrictEqual(journal, ["+a", "+b", "-b", "-a"])
      }).pipe(Effect.provide(system)))

    it.effect("waits a child's shutdown time for what it has in hand, then interrupts it", () =>
      Effect.gen(function*() {
        yield* within(
          Supervisor.make("Root", {
            children: [worker("a", { shutdown: "2 seconds" }), worker("b", { shutdown: "kill" })]
          }),
          Effect.fnUntraced(function*(running) {
            for (const id of ["a", "b"]) {
              yield* ((yield* running.handle(id)) as Child.HandleOf<ReturnType<typeof worker>>).tell("Hang")
            }
            yield* running.terminate("b")
            assert.deepStrictEqual(journal, ["+a", "+b", "-b"])
            const terminating = yield* Effect.forkChild(running.terminate("a"))
            yield* TestClock.adjust("1999 millis")
            assert.deepStrictEqual(journal, ["+a", "+b", "-b"])
            yield* TestClock.adjust("1 millis")
            yield* Fiber.join(terminating)
            assert.deepStrictEqual(journal, ["+a", "+b", "-b", "-a"])
          })
        )
      }))

    it.effect("restarts a sibling that had to be interrupted just once", () =>
      within(
        Supervisor.make("Root", {
          strategy: "one_for_all",
          children: [worker("a"), worker("b", { shutdown: "1 seconds" })]
        }),
        Effect.fnUntraced(function*(running, heard) {
          const [a, b] = yield* refs(running, "a", "b")
          yield* b.tell("Hang")
          yield* a.tell("Throw")
          yield* heard.until("ChildFailed Root/a")
          yield* TestClock.adjust("1 seconds")
          yield* heard.until("ChildStarted Root/b")
          yield* dealtWith(running)
          assert.deepStrictEqual(journal, ["+a", "+b", "-b", "-a", "+a", "+b"])
          // The word that it should stop was for the incarnation before.
          assert.strictEqual(yield* b.ask("Total"), 0)
        })
      ))
  })

  describe("intensity", () => {
    it.effect("gives up at the second failure within 5 seconds, unless told otherwise (S103)", () =>
      within(
        Supervisor.make("Root", { children: [worker("a"), worker("b")] }),
        Effect.fnUntraced(function*(running, heard) {
          const [a] = yield* refs(running, "a")
          yield* a.tell("Throw")
          yield* heard.until("ChildStarted Root/a")
          yield* TestClock.adjust("5 seconds")
          yield* a.tell("Throw")
          yield* heard.until("GaveUp Root/a")
          const error = failureOf(yield* running.await)
          assert.instanceOf(error, SupervisorError.GaveUp)
          assert.strictEqual(error.message, "Root gave up after 1 restarts, at a: thrown")
          assert.deepStrictEqual(journal, ["+a", "+b", "-a", "+a", "-b", "-a"])
        })
      ))

    it.effect("forgets what was before the period", () =>
      within(
        Supervisor.make("Root", { children: [worker("a")] }),
        Effect.fnUntraced(function*(running, heard) {
          const [a] = yield* refs(running, "a")
          for (let failure = 0; failure < 3; failure++) {
            yield* a.tell("Throw")
            yield* heard.until("ChildStarted Root/a")
            yield* TestClock.adjust("5001 millis")
          }
          assert.strictEqual(yield* a.ask("Total"), 0)
        })
      ))

    it.effect("counts the restart of a group once, and each failing try (S103)", () =>
      within(
        Supervisor.make("Root", {
          strategy: "one_for_all",
          intensity: { restarts: 3, within: "1 minute" },
          children: [worker("a"), worker("b"), worker("c")]
        }),
        Effect.fnUntraced(function*(running, heard) {
          const [a] = yield* refs(running, "a")
          failing.set("b", 2)
          yield* a.tell("Throw")
          yield* heard.until("ChildStarted Root/c")
          assert.deepStrictEqual(heard.all.filter((line) => line.startsWith("ChildFailed")), [
            "ChildFailed Root/a",
            "ChildFailed Root/b",
            "ChildFailed Root/b"
          ])
          yield* a.tell("Throw")
          yield* heard.until("GaveUp Root/a")
          const error = failureOf(yield* running.await)
          assert.strictEqual((error as SupervisorError.GaveUp).restarts, 4)
        })
      ))

    it.effect("multiplies: a supervisor that gave up is restarted by its own", () =>
      within(
        Supervisor.make("Root", {
          children: [Child.supervisor(Supervisor.make("Below", { children: [worker("a")] }))]
        }),
        Effect.fnUntraced(function*(running, heard) {
          const fail = Effect.gen(function*() {
            const below = (yield* running.handle("Below")) as Supervisor.Running
            const [a] = yield* refs(below, "a")
            yield* a.tell("Throw")
          })
          for (let round = 0; round < 2; round++) {
            yield* fail
            yield* heard.until("ChildStarted Root/Below/a")
            yield* fail
            yield* heard.until("GaveUp Root/Below/a")
            if (round === 0) yield* heard.until("ChildStarted Root/Below")
          }
          yield* heard.until("GaveUp Root/Below")
          const error = failureOf(yield* running.await) as SupervisorError.GaveUp
          assert.instanceOf(error.cause, SupervisorError.GaveUp)
          assert.strictEqual(journal.filter((line) => line === "+a").length, 4)
        })
      ))
  })

  describe("group restarts", () => {
    it.effect("rest_for_one goes on from the child that did not start; a request is heard between the tries (S102)", () =>
      within(
        Supervisor.make("Root", {
          strategy: "rest_for_one",
          intensity: "unlimited",
          children: [worker("a"), worker("b"), worker("c"), worker("d")]
        }),
        Effect.fnUntraced(function*(running, heard) {
          const [b] = yield* refs(running, "b")
          failing.set("c", 1)
          journal.length = 0
          yield* b.tell("Throw")
          yield* heard.until("ChildStarted Root/d")
          assert.deepStrictEqual(journal, ["-d", "-c", "-b", "+b", "+c", "+d"])
          // It would fail for ever: that it is stopped ends it.
          failing.set("c", Infinity)
          yield* b.tell("Throw")
          yield* heard.until("ChildFailed Root/c")
          yield* running.terminate("c")
          yield* dealtWith(running)
          assert.deepStrictEqual((yield* running.which).map(({ id, status }) => `${id} ${status}`), [
            "a up",
            "b up",
            "c down",
            "d up"
          ])
        })
      ))

    it.effect("one_for_all stops those that had started, and begins again (S102)", () =>
      within(
        Supervisor.make("Root", {
          strategy: "one_for_all",
          intensity: "unlimited",
          children: [worker("a"), worker("b"), worker("c")]
        }),
        Effect.fnUntraced(function*(running, heard) {
          const [c] = yield* refs(running, "c")
          failing.set("b", 1)
          journal.length = 0
          yield* c.tell("Throw")
          yield* heard.until("ChildStarted Root/c")
          assert.deepStrictEqual(journal, ["-c", "-b", "-a", "+a", "-a", "+a", "+b", "+c"])
        })
      ))

    it.effect("keeps the mailboxes of siblings, in order, and their references (S106)", () =>
      within(
        Supervisor.make("Root", {
          strategy: "one_for_all",
          policy: RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.spaced("1 second"))),
          children: [worker("a"), worker("b")]
        }),
        Effect.fnUntraced(function*(running, heard) {
          const [a, b] = yield* refs(running, "a", "b")
          yield* a.tell("Throw")
          yield* heard.until("ChildStopped Root/b")
          yield* b.tell("Add", { n: 1 })
          const asked = yield* Effect.forkChild(b.ask("Total"))
          yield* TestClock.adjust("999 millis")
          assert.isUndefined(asked.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          assert.strictEqual(
            yield* Effect.flatten(
              Effect.map(Effect.exit(Effect.suspend(() => b.ask("Total"))), (exit) => exit)
            ),
            1
          )
          assert.deepStrictEqual(asked.pollUnsafe(), Exit.succeed(1))
        })
      ))
  })

  describe("whileDown", () => {
    it.effect("refuse: what comes while it is down is refused, what waits waits on, and then it takes messages (S106)", () =>
      within(
        Supervisor.make("Root", {
          policy: RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.spaced("1 second"))),
          children: [Child.actor("a", Worker, { args: "a", whileDown: "refuse" })]
        }),
        Effect.fnUntraced(function*(running, heard) {
          const [a] = yield* refs(running, "a")
          a.tellUnsafe("Throw")
          a.tellUnsafe("Add", { n: 5 })
          yield* heard.until("ChildFailed Root/a")
          yield* dealtWith(running)
          const refused = yield* Effect.flip(a.ask("Total"))
          assert.strictEqual(refused.reason._tag, "Restarting")
          assert.isFalse(yield* a.offer("Add", { n: 1 }))
          yield* TestClock.adjust("1 second")
          yield* heard.until("ChildStarted Root/a")
          assert.strictEqual(yield* a.ask("Total"), 5)
        })
      ))
  })

  describe("backoff", () => {
    const policy = RestartPolicy.restart.pipe(
      RestartPolicy.withSchedule(Schedule.exponential("100 millis").pipe(Schedule.upTo({ times: 3 })), {
        resetAfter: "10 seconds"
      })
    )

    const failOnce = Effect.fnUntraced(
      function*(running: Supervisor.Running, heard: { until: (text: string) => Effect.Effect<unknown> }) {
        const [a] = yield* refs(running, "a")
        yield* a.tell("Throw")
        return (yield* heard.until("ChildFailed Root/a")) as { readonly delayMillis: number | undefined }
      }
    )

    it.effect("a schedule decides the delay, and when to give up; after a good time it begins anew (S105)", () =>
      within(
        Supervisor.make("Root", { intensity: "unlimited", policy, children: [worker("a")] }),
        Effect.fnUntraced(function*(running, heard) {
          const delays: Array<number | undefined> = []
          const round = Effect.gen(function*() {
            const { delayMillis } = yield* failOnce(running, heard)
            delays.push(delayMillis)
            if (delayMillis === undefined) return
            yield* dealtWith(running)
            assert.strictEqual((yield* running.which)[0]!.status, "restarting")
            yield* TestClock.adjust(delayMillis)
            yield* heard.until("ChildStarted Root/a")
          })
          yield* round
          yield* round
          yield* TestClock.adjust("10 seconds")
          yield* round
          yield* round
          yield* round
          yield* round
          assert.deepStrictEqual(delays, [100, 200, 100, 200, 400, undefined])
          const error = failureOf(yield* running.await) as SupervisorError.GaveUp
          assert.strictEqual(error.reason, "schedule")
          assert.strictEqual(error.message, "Root gave up since the schedule of a is done: thrown")
        })
      ))

    it.effect("says when it tries again, and what a child failed with", () =>
      within(
        Supervisor.make("Root", { policy, children: [worker("a")] }),
        Effect.fnUntraced(function*(running, heard) {
          yield* failOnce(running, heard)
          yield* dealtWith(running)
          const [info] = yield* running.which
          assert.deepInclude(info, {
            status: "restarting",
            starts: 1,
            failures: 1,
            lastFailure: "thrown",
            dueAt: 100
          })
          assert.isUndefined(info!.goodSince)
        })
      ))

    it.effect("with whenDone: stop, the child stays ended and the others go on", () =>
      within(
        Supervisor.make("Root", {
          intensity: "unlimited",
          children: [
            worker("a", {
              policy: RestartPolicy.restart.pipe(
                RestartPolicy.withSchedule(Schedule.recurs(1), { whenDone: "stop" })
              )
            }),
            worker("b")
          ]
        }),
        Effect.fnUntraced(function*(running, heard) {
          yield* failOnce(running, heard)
          yield* heard.until("ChildStarted Root/a")
          yield* failOnce(running, heard)
          yield* dealtWith(running)
          assert.deepStrictEqual((yield* running.which).map(({ status }) => status), ["down", "up"])
        })
      ))

    it.effect("a child's schedule begins with its own first failure", () =>
      within(
        Supervisor.make("Root", { intensity: "unlimited", policy, children: [worker("a"), worker("b")] }),
        Effect.fnUntraced(function*(running, heard) {
          for (const id of ["a", "b"]) {
            const [ref] = yield* refs(running, id)
            yield* ref.tell("Throw")
            const failed = yield* heard.until(`ChildFailed Root/${id}`)
            assert.deepInclude(failed, { delayMillis: 100, failures: 1 })
          }
        })
      ))

    it.effect("a supervisor that ends while a restart waits forgets it", () =>
      Effect.gen(function*() {
        yield* within(
          Supervisor.make("Root", { policy, children: [worker("a")] }),
          (running, heard) => Effect.andThen(failOnce(running, heard), dealtWith(running))
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(journal, ["+a", "-a"])
      }))
  })

  describe("significant children", () => {
    for (const autoShutdown of ["any_significant", "all_significant"] as const) {
      it.effect(`${autoShutdown}: the supervisor ends normally with them (S104)`, () =>
        within(
          Supervisor.make("Root", {
            autoShutdown,
            children: [
              worker("a", { restart: "transient", significant: true }),
              worker("b", { restart: "temporary", significant: true }),
              worker("c")
            ]
          }),
          Effect.fnUntraced(function*(running, heard) {
            const [a, b] = yield* refs(running, "a", "b")
            yield* a.tell("Stop")
            if (autoShutdown === "all_significant") {
              yield* heard.until("ChildEnded Root/a")
              yield* dealtWith(running)
              assert.strictEqual(yield* b.ask("Total"), 0)
              yield* b.tell("Throw")
            }
            assert.isTrue(Exit.isSuccess(yield* running.await))
            assert.include(journal, "-c")
          })
        ))
    }

    it.effect("an end that a sibling caused ends no supervisor", () =>
      within(
        Supervisor.make("Root", {
          strategy: "one_for_all",
          autoShutdown: "any_significant",
          children: [worker("a"), worker("b", { restart: "temporary", significant: true })]
        }),
        Effect.fnUntraced(function*(running, heard) {
          const [a] = yield* refs(running, "a")
          yield* a.tell("Throw")
          yield* heard.until("ChildStarted Root/a")
          assert.deepStrictEqual((yield* running.which).map(({ id }) => id), ["a"])
        })
      ))
  })

  describe("children that come and go", () => {
    it.effect("are started, terminated, restarted and deleted as Erlang has it (S108)", () =>
      within(
        Supervisor.make("Root", { children: [worker("a")] }),
        Effect.fnUntraced(function*(running) {
          const refused = (asked: Effect.Effect<void, SupervisorError.ChildError>) =>
            Effect.map(Effect.flip(asked), ({ reason }) => reason)
          yield* running.start(worker("b"))
          assert.strictEqual(yield* refused(running.start(worker("b"))), "AlreadyStarted")
          assert.strictEqual(yield* refused(running.restart("b")), "Running")
          assert.strictEqual(yield* refused(running.delete("b")), "Running")
          yield* running.terminate("b")
          assert.strictEqual(yield* refused(running.start(worker("b"))), "AlreadyPresent")
          yield* running.restart("b")
          yield* running.terminate("b")
          yield* running.delete("b")
          for (const request of [running.restart, running.terminate, running.delete]) {
            assert.strictEqual(yield* refused(request("b")), "NotFound")
          }
          failing.set("c", 1)
          const error = yield* Effect.flip(running.start(worker("c")))
          assert.strictEqual(error.message, "Root, c: DidNotStart: c does not start")
          // Its spec is not kept.
          yield* running.start(worker("c"))
          assert.strictEqual(
            yield* refused(running.start(worker("d", { significant: true, restart: "transient" }))),
            "Invalid"
          )
          assert.deepStrictEqual(yield* running.count, { specs: 2, active: 2, supervisors: 0, workers: 2 })
        })
      ))

    it.effect("answers the same as an actor", () =>
      within(
        Supervisor.make("Root", { children: [worker("a"), Child.supervisor(Supervisor.make("Below"))] }),
        Effect.fnUntraced(function*(running) {
          const ref = yield* running.ref
          assert.deepStrictEqual((yield* ref.ask("Which")).map(({ id, kind }) => `${kind} ${id}`), [
            "actor a",
            "supervisor Below"
          ])
          yield* ref.ask("Terminate", { child: "a" })
          assert.deepStrictEqual(yield* ref.ask("Count"), { specs: 2, active: 1, supervisors: 1, workers: 1 })
          yield* ref.ask("Restart", { child: "a" })
          assert.deepInclude(yield* Effect.flip(ref.ask("Delete", { child: "a" })), {
            _tag: "ChildError",
            reason: "Running"
          })
        })
      ))

    it.effect("simple_one_for_one forgets those that do not restart, and ends all at once (S107)", () =>
      Effect.gen(function*() {
        const held = 20
        const slow = (id: string) =>
          Child.actor(id, Worker, { args: id, restart: "transient", shutdown: "3 seconds" })
        yield* reset
        const scope = yield* Scope.make()
        const supervisor = Supervisor.make("Root", { strategy: "simple_one_for_one" })
        const services = yield* Layer.buildWithScope(Supervisor.layer(supervisor), scope)
        const running = Context.get(services, supervisor.key)
        for (let n = 0; n < held; n++) yield* running.start(slow(`worker-${n}`))
        const first = (yield* running.handle("worker-0")) as Child.HandleOf<ReturnType<typeof worker>>
        const heard = yield* listen(running)
        yield* first.tell("Stop")
        yield* heard.until("ChildRemoved Root/worker-0")
        assert.strictEqual((yield* running.count).specs, held - 1)
        for (let n = 1; n < held; n++) {
          const [ref] = yield* refs(running, `worker-${n}`)
          yield* ref.tell("Hang")
        }
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        // One after the other they would take a minute.
        yield* TestClock.adjust("3 seconds")
        yield* Effect.flatMap(
          Effect.sync(() => closing),
          (fiber) => Effect.asVoid(Effect.exit(Effect.suspend(() => Effect.sync(() => fiber))))
        )
        assert.strictEqual(journal.filter((line) => line.startsWith("-")).length, held)
      }).pipe(Effect.scoped, Effect.provide(system)))
  })

  describe("what is not an actor", () => {
    class Database extends Context.Service<Database, { readonly number: number }>()("test/Database") {}

    it.effect("an Effect is a child: it ends, fails and restarts", () =>
      Effect.gen(function*() {
        const runs: Array<string> = []
        const go = yield* Deferred.make<void, Trouble>()
        yield* within(
          Supervisor.make("Root", {
            children: [
              Child.effect(
                "pump",
                Effect.gen(function*() {
                  runs.push("+")
                  yield* Effect.addFinalizer(() => Effect.sync(() => runs.push("-")))
                  if (runs.length === 1) return yield* Deferred.await(go)
                }),
                { restart: "transient" }
              )
            ]
          }),
          Effect.fnUntraced(function*(running, heard) {
            yield* Deferred.fail(go, new Trouble({ kind: "effect" }))
            yield* heard.until("ChildStarted Root/pump")
            yield* heard.until("ChildEnded Root/pump")
            yield* dealtWith(running)
            assert.deepStrictEqual(runs, ["+", "-", "+", "-"])
            assert.deepInclude((yield* running.which)[0], { status: "down", failures: 1 })
          })
        )
      }))

    it.effect("a Layer is a child: those after it get its services, anew at each restart", () =>
      Effect.gen(function*() {
        let built = 0
        const seen: Array<number> = []
        const lost = yield* Deferred.make<never, Trouble>()
        const DatabaseLive = Layer.effect(
          Database,
          Effect.acquireRelease(
            Effect.sync(() => ({ number: ++built })),
            () => Effect.sync(() => journal.push("closed"))
          )
        )
        const supervisor = Supervisor.make("Root", {
          strategy: "rest_for_one",
          children: [
            Child.layer("database", DatabaseLive, {
              while: Effect.suspend(() => built === 1 ? Deferred.await(lost) : Effect.never)
            }),
            Child.effect(
              "reader",
              Effect.andThen(Effect.map(Database, ({ number }) => seen.push(number)), Effect.never)
            )
          ]
        })
        yield* within(
          supervisor,
          Effect.fnUntraced(function*(_, heard) {
            assert.deepStrictEqual(seen, [1])
            const before = yield* Supervisor.child(supervisor, "database")
            assert.strictEqual(Context.get(before, Database).number, 1)
            yield* Deferred.fail(lost, new Trouble({ kind: "connection" }))
            yield* heard.until("ChildStarted Root/reader")
            const after = yield* Supervisor.child(supervisor, "database")
            assert.strictEqual(Context.get(after, Database).number, 2)
            assert.deepStrictEqual(seen, [1, 2])
            assert.deepStrictEqual(journal, ["closed"])
          })
        )
      }))

    it.effect("a Layer that does not build is a failed start", () =>
      Effect.gen(function*() {
        const supervisor = Supervisor.make("Root", {
          children: [
            Child.layer("database", Layer.effect(Database, Effect.fail(new Trouble({ kind: "refused" }))))
          ]
        })
        const error = yield* Effect.flip(Effect.scoped(Layer.build(Supervisor.layer(supervisor))))
        assert.strictEqual(error.child, "database")
        assert.instanceOf(error.cause, Trouble)
      }).pipe(Effect.provide(system)))
  })

  describe("escalation", () => {
    const tree = (policy: RestartPolicy.RestartPolicy) =>
      Supervisor.make("Root", {
        policy,
        children: [
          worker("beside"),
          Child.supervisor(
            Supervisor.make("Below", { policy: RestartPolicy.escalate, children: [worker("a")] })
          )
        ]
      })
    const failBelow = Effect.fnUntraced(function*(running: Supervisor.Running) {
      const below = (yield* running.handle("Below")) as Supervisor.Running
      const [a] = yield* refs(below, "a")
      yield* a.tell("Crash", { kind: "deep" })
    })

    it.effect("a child's Cause reaches the policy of the supervisor above", () =>
      within(
        tree(RestartPolicy.tag("Trouble", "stop").pipe(RestartPolicy.orElse("escalate"))),
        Effect.fnUntraced(function*(running, heard) {
          yield* failBelow(running)
          const failed = yield* heard.until("ChildFailed Root/Below")
          assert.deepInclude(failed, { directive: "stop" })
          yield* dealtWith(running)
          assert.deepStrictEqual((yield* running.which).map(({ status }) => status), ["up", "down"])
        })
      ))

    it.effect("reaches the system, which does as it was told (S109)", () =>
      Effect.gen(function*() {
        yield* reset
        const told: Array<unknown> = []
        const supervisor = tree(RestartPolicy.escalate)
        const layer = Supervisor.layer(supervisor, {
          onEscalation: (root, cause) => Effect.sync(() => told.push([root, Cause.squash(cause)]))
        })
        yield* Effect.gen(function*() {
          const running = yield* Supervisor.running(supervisor)
          yield* failBelow(running)
          assert.instanceOf(failureOf(yield* running.await), Trouble)
          assert.strictEqual(told.length, 1)
          assert.deepStrictEqual(journal, ["+beside", "+a", "-a", "-beside"])
        }).pipe(Effect.provide(layer))
      }).pipe(Effect.provide(system)))
  })

  describe("what is seen", () => {
    it.effect("failures and restarts are counted and logged, by supervisor and child", () =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          lines.push(`${logLevel} ${[message].flat().filter((part) => typeof part === "string").join(" ")}`)
        })
        const registry = new Map()
        const supervisor = Supervisor.make("Root", { children: [worker("a")] })
        yield* Effect.gen(function*() {
          const running = yield* Supervisor.running(supervisor)
          const heard = yield* listen(running)
          const a = yield* Supervisor.child(supervisor, "a")
          yield* a.tell("Throw")
          yield* heard.until("ChildStarted Root/a")
          yield* a.tell("Throw")
          yield* running.await
          const counted = (yield* Metric.snapshot).map(({ attributes, id, state }) =>
            `${id} ${attributes?.["child"]} ${(state as { readonly count: number }).count}`
          ).sort()
          assert.deepStrictEqual(counted, [
            "troupe_supervision_failures a 2",
            "troupe_supervision_gave_up a 1",
            "troupe_supervision_restarts a 1"
          ])
        }).pipe(
          Effect.scoped,
          Effect.provide(Supervisor.layer(supervisor)),
          Effect.provide(
            Layer.mergeAll(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "Info"))
          ),
          Effect.provideService(Metric.MetricRegistry, registry)
        )
        assert.deepStrictEqual(lines, [
          "Warn Root/a failed: restart in 0 ms (failure 1, 0 restarts in the period)",
          "Info Root/a restarted (1)",
          "Warn Root/a failed: restart in 0 ms (failure 2, 1 restarts in the period)",
          "Error Root gave up at a: 2 restarts in its period",
          "Error Root failed, and nobody is above it"
        ])
      }).pipe(Effect.provide(system)))
  })
})
