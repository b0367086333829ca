/** What the system does when the root of a tree fails: it says so, stops, or stays as it was. */
import { assert, describe, it } from "@effect/vitest"
import { Actor, ActorSystem, Inspect, Message, Shutdown } from "@troupe/runtime"
import {
  Cause,
  type Context,
  Data,
  Effect,
  Exit,
  Layer,
  Logger,
  References,
  Schedule,
  Schema,
  Scope
} from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import { Child, Escalation, RestartPolicy, Supervisor } from "../src/index.ts"
import { listen } from "./fixtures/Worker.ts"

class Broken extends Data.TaggedError("Broken") {}

const Till = Actor.make("Till", {
  protocol: RpcGroup.make(
    Rpc.make("Pay", { payload: { amount: Schema.Int } }),
    Rpc.make("Total", { success: Schema.Int }),
    Rpc.make("Read", { success: Schema.Int }).pipe(Message.essential),
    Rpc.make("Break")
  )
})

/** How many tills live. */
let living = 0

const TillLive = Till.toLayer({
  state: Schema.Int,
  initial: () => Effect.acquireRelease(Effect.sync(() => living++ && 0), () => Effect.sync(() => living--)),
  handlers: {
    Pay: (total, { amount }) => Actor.next(total + amount),
    Total: (total) => Actor.reply(total, total),
    Read: (total) => Actor.reply(total, total),
    Break: () => Actor.crash(new Broken())
  }
})

type Ref = Actor.Ref<typeof Till>
type Root = Supervisor.Supervisor<"Root">

/** A tree, whatever is in it. */
const rooted = (options: Supervisor.Options<ReadonlyArray<Child.Any>>): Root =>
  Supervisor.make("Root", options) as Root

/** A supervisor, a till beside it, and what the log says; the supervisor's scope is the caller's. */
const world = Effect.fnUntraced(function*(
  supervisor: Root,
  onEscalation: Escalation.Escalation | undefined,
  inspected = true
) {
  living = 0
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => {
    lines.push(`${logLevel} ${[message].flat().filter((part) => typeof part === "string").join(" ")}`)
  })
  const system = yield* Layer.build(
    TillLive.pipe(
      Layer.provideMerge(ActorSystem.layer),
      Layer.provideMerge(
        Layer.mergeAll(
          Layer.succeed(ActorSystem.Inspection, inspected ? {} : undefined),
          Logger.layer([logger]),
          Layer.succeed(References.MinimumLogLevel, "Error")
        )
      )
    )
  )
  const scope = yield* Scope.fork(yield* Effect.scope)
  const built = yield* Layer.buildWithScope(Supervisor.layer(supervisor, { onEscalation }), scope).pipe(
    Effect.provideContext(system)
  )
  const root = yield* Effect.provideContext(Supervisor.running(supervisor), built)
  const beside = yield* Effect.provideContext(Till.spawn(), system)
  yield* beside.tell("Pay", { amount: 1 })
  const within = <A, E, R extends ActorSystem.ActorSystem | Scope.Scope>(program: Effect.Effect<A, E, R>) =>
    Effect.provideContext(program, system as Context.Context<ActorSystem.ActorSystem>)
  return { root, beside, lines, within, close: Scope.close(scope, Exit.void) }
})

const till = (running: Supervisor.Running, ...path: ReadonlyArray<string>): Effect.Effect<Ref> =>
  Effect.gen(function*() {
    let at = running
    for (const name of path.slice(0, -1)) at = (yield* at.handle(name)) as Supervisor.Running
    return (yield* at.handle(path.at(-1)!)) as Ref
  })

const tills = [Child.actor("a", Till), Child.actor("b", Till)]

/** All of these fail at the first failure of a till. */
const trees: Readonly<
  Record<string, readonly [supervisor: Root, path: ReadonlyArray<string>]>
> = {
  "the root's own policy": [
    rooted({ policy: RestartPolicy.escalate, children: tills }),
    ["b"]
  ],
  "the root's intensity": [
    rooted({ intensity: { restarts: 0 }, children: tills }),
    ["b"]
  ],
  "the policies of each level": [
    rooted({
      policy: RestartPolicy.escalate,
      children: [
        Child.supervisor(
          Supervisor.make("Middle", {
            policy: RestartPolicy.escalate,
            children: [
              Child.supervisor(Supervisor.make("Low", { policy: RestartPolicy.escalate, children: tills }))
            ]
          })
        )
      ]
    }),
    ["Middle", "Low", "b"]
  ],
  "the intensities of each level": [
    rooted({
      intensity: { restarts: 0 },
      children: [Child.supervisor(Supervisor.make("Low", { intensity: { restarts: 0 }, children: tills }))]
    }),
    ["Low", "b"]
  ]
}

const settled = Effect.repeat(Effect.yieldNow, { times: 20 })

describe("Escalation", () => {
  it.effect("report: the log has it, and the rest of the program goes on", () =>
    Effect.gen(function*() {
      const [supervisor, path] = trees["the root's own policy"]!
      const { beside, lines, root } = yield* world(supervisor, undefined)
      yield* (yield* till(root, ...path)).tell("Break")
      const exit = yield* root.await
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Broken)
      assert.deepStrictEqual(lines, [
        "Error Root escalates the failure of b",
        "Error Root failed, and nobody is above it"
      ])
      assert.strictEqual(yield* beside.ask("Total"), 1)
      assert.strictEqual(living, 1)
    }))

  it.effect("stop: the phases of the system's shutdown run, and all actors end", () =>
    Effect.gen(function*() {
      const [supervisor, path] = trees["the policies of each level"]!
      const { beside, lines, root, within } = yield* world(supervisor, Escalation.stop)
      const phases: Array<string> = []
      for (const phase of ["resources", "intake"]) {
        yield* within(Shutdown.task(phase, "note", Effect.sync(() => phases.push(phase))))
      }
      yield* (yield* till(root, ...path)).tell("Break")
      yield* root.await
      assert.deepStrictEqual(phases, ["intake", "resources"])
      assert.strictEqual(living, 0)
      assert.strictEqual((yield* Effect.flip(beside.ask("Total")))._tag, "AskError")
      assert.strictEqual(lines.at(-1), "Error Root failed, and nobody is above it")
    }))

  for (const [sentence, [supervisor, path]] of Object.entries(trees)) {
    it.effect(`postMortem: what fails by ${sentence} stays as it was, and so does all else (S109)`, () =>
      Effect.gen(function*() {
        const { beside, lines, root, within } = yield* world(supervisor, Escalation.postMortem)
        const heard = yield* listen(root)
        const [a, b] = [yield* till(root, ...path.slice(0, -1), "a"), yield* till(root, ...path)]
        for (const ref of [a, b]) yield* ref.ask("Pay", { amount: 7 })
        yield* b.tell("Break")
        const at = ["Root", ...path.slice(0, -1)].join("/")
        yield* heard.until(`ChildFailed ${at}/b`)
        yield* settled
        // Nobody has ended: the failed one is there with its state, and so are its siblings and strangers.
        assert.strictEqual(living, 3)
        const inspect = yield* within(Effect.provide(Inspect.Inspect, Inspect.layer))
        for (const [ref, total] of [[a, 7], [b, 7], [beside, 1]] as const) {
          assert.deepStrictEqual(yield* inspect.state(ref), { _tag: "Json", value: total })
          assert.strictEqual(yield* ref.ask("Read"), total)
          assert.isTrue((yield* inspect.find(ref)).postMortem)
        }
        assert.deepInclude(yield* inspect.find(b), { failures: 1 })
        assert.include(lines, `Error ${at} failed at b, and nobody is above it: the system is in post-mortem`)
        const which = yield* (yield* root.ref).ask("Which")
        assert.isTrue(which.every(({ status }) => status === "up"))
        // Nothing else is handled, until it is over: then the tree ends as it would have.
        yield* beside.tell("Pay", { amount: 1 })
        assert.strictEqual(yield* beside.ask("Read"), 1)
        yield* inspect.postMortem.leaveAll
        assert.isTrue(Exit.isFailure(yield* root.await))
        assert.strictEqual(yield* beside.ask("Total"), 2)
        assert.strictEqual(living, 1)
        assert.strictEqual(lines.at(-1), "Error Root failed, and nobody is above it")
        assert.strictEqual(lines.filter((line) => line.includes("post-mortem")).length, 1)
      }))

    it.effect(`postMortem: a tree that failed by ${sentence} ends with its layer, without waiting`, () =>
      Effect.gen(function*() {
        const { close, lines, root } = yield* world(supervisor, Escalation.postMortem)
        yield* (yield* till(root, ...path)).tell("Break")
        yield* settled
        assert.isTrue(lines.some((line) => line.endsWith("the system is in post-mortem")))
        // No shutdown time has to pass: the clock stands still.
        yield* close
        assert.strictEqual(living, 1)
        assert.isTrue(Exit.isSuccess(yield* root.await))
      }))
  }

  it.effect("postMortem: a failure that a supervisor above deals with is none", () =>
    Effect.gen(function*() {
      const supervisor = rooted({
        children: [
          Child.supervisor(Supervisor.make("Low", { policy: RestartPolicy.escalate, children: tills }))
        ]
      })
      const { lines, root } = yield* world(supervisor, Escalation.postMortem)
      const heard = yield* listen(root)
      yield* (yield* till(root, "Low", "b")).tell("Break")
      yield* heard.until("ChildStarted Root/Low")
      assert.strictEqual(yield* (yield* till(root, "Low", "b")).ask("Total"), 0)
      assert.deepStrictEqual(lines, ["Error Root/Low escalates the failure of b"])
      // The second one within the period reaches the system.
      yield* (yield* till(root, "Low", "b")).tell("Break")
      yield* heard.until("Escalated Root/Low/b")
      yield* settled
      assert.include(
        lines,
        "Error Root/Low failed at b, and nobody is above it: the system is in post-mortem"
      )
    }))

  it.effect("postMortem: when a schedule above gives up, what is left stays as it was", () =>
    Effect.gen(function*() {
      const supervisor = rooted({
        policy: RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.recurs(0))),
        children: [
          Child.actor("c", Till),
          Child.supervisor(Supervisor.make("Low", { policy: RestartPolicy.escalate, children: tills }))
        ]
      })
      const { lines, root } = yield* world(supervisor, Escalation.postMortem)
      const c = yield* till(root, "c")
      yield* (yield* till(root, "Low", "b")).tell("Break")
      yield* settled
      assert.include(lines, "Error Root failed at Low, and nobody is above it: the system is in post-mortem")
      assert.strictEqual(yield* c.ask("Read"), 0)
      assert.strictEqual(living, 2)
    }))

  it.effect("postMortem: a failure whose restart waits has not reached the root", () =>
    Effect.gen(function*() {
      const supervisor = rooted({
        intensity: { restarts: 1, within: "500 millis" },
        policy: RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.spaced("1 second"))),
        children: [
          Child.supervisor(Supervisor.make("Low", { policy: RestartPolicy.escalate, children: tills }))
        ]
      })
      const { lines, root } = yield* world(supervisor, Escalation.postMortem)
      const heard = yield* listen(root)
      // By the time of the second restart the first one is out of the period.
      for (let failure = 0; failure < 2; failure++) {
        yield* (yield* till(root, "Low", "b")).tell("Break")
        yield* heard.until("ChildFailed Root/Low")
        yield* TestClock.adjust("1 second")
        yield* heard.until("ChildStarted Root/Low")
      }
      assert.isFalse(lines.some((line) => line.includes("post-mortem")))
    }))

  it.effect("postMortem: what ends after it ends in reverse order, whatever its kind", () =>
    Effect.gen(function*() {
      const ended: Array<string> = []
      const noted = (name: string) =>
        Child.effect(
          name,
          Effect.andThen(Effect.addFinalizer(() => Effect.sync(() => ended.push(name))), Effect.never)
        )
      const supervisor = rooted({
        policy: RestartPolicy.escalate,
        children: [noted("one"), noted("two"), Child.actor("b", Till), noted("three")]
      })
      const { close, root } = yield* world(supervisor, Escalation.postMortem)
      const heard = yield* listen(root)
      yield* (yield* till(root, "b")).tell("Break")
      yield* heard.until("Escalated Root/b")
      yield* settled
      assert.deepStrictEqual(ended, [])
      yield* close
      assert.deepStrictEqual(ended, ["three", "two", "one"])
    }))

  it.effect("postMortem: in a system that is not inspected it is a report", () =>
    Effect.gen(function*() {
      const [supervisor, path] = trees["the root's intensity"]!
      const { root, within } = yield* world(supervisor, Escalation.postMortem, false)
      yield* within(Effect.flip(Effect.provide(Inspect.Inspect, Inspect.layer)))
      yield* (yield* till(root, ...path)).tell("Break")
      assert.isTrue(Exit.isFailure(yield* root.await))
      assert.strictEqual(living, 1)
    }))

  it.effect("a choice of one's own is told of the failure once it has come to the root", () =>
    Effect.gen(function*() {
      const told: Array<unknown> = []
      const [supervisor, path] = trees["the policies of each level"]!
      const { root } = yield* world(
        supervisor,
        (name, cause) => Effect.sync(() => told.push(name, Cause.squash(cause), living))
      )
      yield* (yield* till(root, ...path)).tell("Break")
      yield* root.await
      assert.deepStrictEqual(told, ["Root", new Broken(), 1])
    }))
})
