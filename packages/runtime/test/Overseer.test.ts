import { assert, describe, it } from "@effect/vitest"
import type * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Overseer from "@troupe/runtime/Overseer"
import { SpawnError } from "@troupe/runtime/SpawnError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import { deed, Listener, ListenerLive, nothing, Puppet, PuppetLive, textOf } from "./fixtures/Puppet.ts"
import { Gate } from "./fixtures/Subject.ts"
import { live } from "./fixtures/subjectLive.ts"

const system = Layer.mergeAll(PuppetLive, ListenerLive, live).pipe(
  Layer.provideMerge(ActorSystem.layer),
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
)

const run = <E>(program: Effect.Effect<void, E, Layer.Success<typeof system> | Scope.Scope>) =>
  program.pipe(Effect.scoped, Effect.provide(system))

const settled = Effect.repeat(Effect.yieldNow, { times: 10 })

type Ref = Actor.Ref<typeof Puppet>

/** What an overseer was told. */
interface Told {
  readonly child: Overseer.Child
  readonly exit: string
}

/** An overseer that leaves it all to the test. */
const waiting = Effect.map(Queue.unbounded<Told>(), (told) => ({
  told: Queue.take(told),
  left: Queue.size(told),
  overseer: { held: (child, exit) => Queue.offer(told, { child, exit: textOf(exit) }) } as Overseer.Overseer
}))

const state = (ref: Ref) => ref.ask("Heard")

describe("an actor that is overseen", () => {
  it.effect("that is held is in its overseer's hand: who kills or stops it waits for nothing", () =>
    run(Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      const child = yield* Overseer.spawn(Puppet, overseer, nothing)
      yield* child.ref.tell("Crash")
      yield* told
      yield* ActorRef.kill(child.ref)
      yield* ActorRef.stop(child.ref, { now: true })
      yield* child.start
      // Neither was meant for the next incarnation.
      assert.deepStrictEqual(yield* child.ref.ask("Heard"), [])
    })))

  it.effect("that is halted while it was to stop starts without that word", () =>
    run(Effect.gen(function*() {
      const { overseer } = yield* waiting
      const child = yield* Overseer.spawn(Puppet, overseer, nothing)
      yield* child.ref.tell("Do", deed(() => Effect.never))
      const stopping = yield* Effect.forkChild(ActorRef.stop(child.ref, { now: true }))
      yield* settled
      yield* child.halt
      yield* Fiber.join(stopping)
      yield* child.start
      assert.deepStrictEqual(yield* child.ref.ask("Heard"), [])
    })))

  const ends: ReadonlyArray<
    readonly [sentence: string, exit: string, act: (ref: Ref) => Effect.Effect<unknown>]
  > = [
    ["throws", "thrown", (ref) =>
      ref.tell(
        "Do",
        deed(() => {
          throw new Error("thrown")
        })
      )],
    ["dies", "died", (ref) => ref.tell("Do", deed(() => Effect.die(new Error("died"))))],
    [
      "dies later",
      "died",
      (ref) => ref.tell("Do", deed(() => Effect.andThen(settled, Effect.die(new Error("died")))))
    ],
    [
      "is interrupted",
      "interrupted",
      (ref) => ref.tell("Do", deed(() => Effect.andThen(settled, Effect.interrupt)))
    ],
    ["crashes on purpose", "on purpose", (ref) => ref.tell("Crash")],
    ["stops", "ended", (ref) => ref.tell("Stop")],
    ["is killed", "interrupted", (ref) => ActorRef.kill(ref)],
    [
      "is killed while it is busy",
      "interrupted",
      (ref) =>
        Effect.andThen(ref.tell("Do", deed(() => Effect.never)), Effect.andThen(settled, ActorRef.kill(ref)))
    ],
    ["is stopped", "ended", (ref) => ActorRef.stop(ref)],
    ["is stopped now", "ended", (ref) => ActorRef.stop(ref, { now: true })]
  ]
  for (const [sentence, exit, act] of ends) {
    it.effect(`and ${sentence} is held, and its overseer told; restarted, it handles what waited`, () =>
      run(Effect.gen(function*() {
        const { overseer, told } = yield* waiting
        const order: Array<string> = []
        const { ref } = yield* Overseer.spawn(
          Puppet,
          overseer,
          deed(() => {
            order.push("starts")
            return Effect.addFinalizer(() => Effect.sync(() => order.push("released")))
          })
        )
        yield* act(ref)
        const held = yield* told
        assert.strictEqual(held.exit, exit)
        assert.strictEqual(held.child.ref, ref)
        // Accepted, and not handled.
        for (const n of [1, 2, 3]) {
          yield* ref.tell(
            "Do",
            deed(() => {
              order.push(`message ${n}`)
            })
          )
        }
        yield* settled
        assert.deepStrictEqual(order, ["starts"])
        yield* held.child.start
        yield* state(ref)
        assert.deepStrictEqual(order, ["starts", "released", "starts", "message 1", "message 2", "message 3"])
        assert.strictEqual(yield* held.child.generation, 1)
      })))
  }

  it.effect("and resumed keeps its state and its resources; the message in hand is dropped, its asker told (S45)", () =>
    run(Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      let released = 0
      const watched = yield* Puppet.spawn(nothing)
      const { ref } = yield* Overseer.spawn(
        Listener,
        overseer,
        deed((ctx) => {
          ctx.watch(watched)
          return Effect.addFinalizer(() => Effect.sync(() => released++))
        })
      )
      yield* ActorRef.kill(watched)
      const crash = yield* Effect.forkChild(Effect.flip(ref.ask("Crash")), { startImmediately: true })
      const { child } = yield* told
      const error = yield* Fiber.join(crash)
      assert.strictEqual(
        error.message,
        "ask Crash of Listener: the actor failed before it answered: on purpose"
      )
      assert.isTrue(yield* child.resume)
      assert.isFalse(yield* child.resume)
      assert.deepStrictEqual(yield* ref.ask("Heard"), ["terminated Puppet: interrupted"])
      // Its fiber was in the middle of something.
      yield* ref.tell("Do", deed(() => Effect.andThen(settled, Effect.die("again"))))
      yield* Effect.flatMap(told, ({ child }) => child.resume)
      yield* ref.ask("Do", deed(() => settled))
      assert.strictEqual(released, 0)
    })))

  it.effect("and ended has its messages dead, and those that watch it told, with what it was held with", () =>
    run(Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      const { ref } = yield* Overseer.spawn(Puppet, overseer, nothing)
      const watcher = yield* Listener.spawn(deed((ctx) => ctx.watch(ref)))
      yield* ref.tell("Crash")
      const { child } = yield* told
      const asked = yield* Effect.forkChild(Effect.flip(ref.ask("Heard")), { startImmediately: true })
      yield* settled
      // A restart is not an end, and neither is what comes before it.
      yield* child.halt
      assert.deepStrictEqual(yield* watcher.ask("Heard"), [])
      yield* child.end
      assert.strictEqual((yield* Fiber.join(asked))._tag, "AskError")
      assert.deepStrictEqual(yield* watcher.ask("Heard"), ["terminated Puppet: on purpose"])
    })))

  it.effect("is halted whatever it does, and its children and finalizers end before it starts again", () =>
    run(Effect.gen(function*() {
      const { left, overseer } = yield* waiting
      const order: Array<string> = []
      const note = (what: string) => Effect.sync(() => order.push(what))
      const scoped = (name: string) =>
        deed(() =>
          Effect.acquireRelease(note(`${name} starts`), () => Effect.andThen(settled, note(`${name} ends`)))
        )
      const child = yield* Overseer.spawn(
        Puppet,
        overseer,
        deed(() =>
          Effect.gen(function*() {
            yield* Effect.acquireRelease(note("parent starts"), () => note("parent ends"))
            yield* Puppet.spawn(scoped("one"))
            yield* Puppet.spawn(scoped("two"))
          })
        )
      )
      yield* child.ref.tell("Do", deed(() => Effect.onInterrupt(Effect.never, () => note("interrupted"))))
      yield* settled
      const first = ["parent starts", "one starts", "two starts"]
      const last = ["two ends", "one ends", "parent ends"]
      yield* child.halt
      assert.deepStrictEqual(order, [...first, "interrupted", ...last])
      yield* child.start
      yield* child.start
      assert.deepStrictEqual(order, [...first, "interrupted", ...last, ...first])
      assert.strictEqual(yield* left, 0)
    })))

  it.effect("and fails to start again stays halted, and what it had acquired is released (S47)", () =>
    run(Effect.gen(function*() {
      const { left, overseer } = yield* waiting
      const order: Array<string> = []
      let tries = 0
      const child = yield* Overseer.spawn(
        Puppet,
        overseer,
        deed(() =>
          Effect.acquireRelease(
            Effect.sync(() => ++tries),
            (n) => Effect.sync(() => order.push(`${n} released`))
          ).pipe(
            Effect.flatMap((n) => n === 2 ? Effect.die(new Error("second")) : Effect.void)
          )
        )
      )
      yield* child.halt
      yield* child.ref.tell(
        "Do",
        deed(() => {
          order.push("handled")
        })
      )
      const error = yield* Effect.flip(child.start)
      assert.instanceOf(error, SpawnError)
      assert.strictEqual(error.message, "Puppet did not start: second")
      assert.deepStrictEqual(order, ["1 released", "2 released"])
      assert.isFalse(yield* child.resume)
      yield* child.start
      yield* child.ref.ask("Heard")
      assert.deepStrictEqual(order, ["1 released", "2 released", "handled"])
      // Whoever starts it is told by that.
      assert.strictEqual(yield* left, 0)
    })))

  it.effect("and killed while it starts again has not started", () =>
    run(Effect.gen(function*() {
      const { left, overseer } = yield* waiting
      let first = true
      const child = yield* Overseer.spawn(
        Puppet,
        overseer,
        deed(() => {
          if (!first) return Effect.never
          first = false
          return undefined
        })
      )
      yield* child.halt
      const starting = yield* Effect.forkChild(Effect.flip(child.start), { startImmediately: true })
      yield* settled
      yield* ActorRef.kill(child.ref)
      assert.instanceOf(yield* Fiber.join(starting), SpawnError)
      assert.strictEqual(yield* left, 0)
      yield* child.end
      assert.strictEqual(textOf(yield* ActorRef.await(child.ref)), "interrupted")
    })))

  it.effect("whose first start fails is a SpawnError for whoever spawns, and no failure to decide about", () =>
    run(Effect.gen(function*() {
      const { left, overseer } = yield* waiting
      const failing = Overseer.spawn(Puppet, overseer, deed(() => Effect.die("no")))
      assert.instanceOf(yield* Effect.flip(failing), SpawnError)
      assert.strictEqual(yield* left, 0)
    })))

  it.effect("ends with its scope, whether it runs or is held, and nobody is asked", () =>
    run(Effect.gen(function*() {
      const { left, overseer, told } = yield* waiting
      const scope = yield* Scope.make()
      const spawn = Overseer.spawn(Puppet, overseer, nothing)
      const [running, held, halted] = yield* Effect.provideService(
        Effect.all([spawn, spawn, spawn]),
        Scope.Scope,
        scope
      )
      yield* held.ref.tell("Crash")
      yield* told
      yield* halted.halt
      yield* Scope.close(scope, Exit.void)
      for (const { ref } of [running, held, halted]) {
        assert.strictEqual(textOf(yield* ActorRef.await(ref)), "ended")
      }
      assert.strictEqual(yield* left, 0)
      yield* running.start
      assert.isFalse(yield* held.resume)
    })))

  it.effect("ends when its overseer itself fails", () =>
    run(Effect.gen(function*() {
      const overseer: Overseer.Overseer = { held: () => Effect.die(new Error("overseer")) }
      const { ref } = yield* Overseer.spawn(Puppet, overseer, nothing)
      yield* ref.tell("Crash")
      assert.strictEqual(textOf(yield* ActorRef.await(ref)), "overseer")
    })))

  it.effect("does not watch any more what an incarnation before watched", () =>
    run(Effect.gen(function*() {
      const { overseer } = yield* waiting
      const watched = yield* Puppet.spawn(nothing)
      let first = true
      const child = yield* Overseer.spawn(
        Listener,
        overseer,
        deed((ctx) => {
          if (first) ctx.watch(watched)
          first = false
        })
      )
      yield* child.halt
      yield* child.start
      yield* ActorRef.kill(watched)
      assert.deepStrictEqual(yield* child.ref.ask("Heard"), [])
    })))

  it.effect("a failing key is held too, where the layer that hosts it has an overseer", () =>
    Effect.gen(function*() {
      const { overseer, told } = yield* waiting
      const program = Effect.gen(function*() {
        const gate = yield* Gate.keyed("overseen")
        yield* gate.tell("Open")
        yield* ActorRef.kill(gate)
        const { child, exit } = yield* told
        assert.strictEqual(exit, "interrupted")
        yield* gate.tell("Open")
        yield* child.start
        yield* gate.ask("Wait")
        assert.strictEqual(yield* child.generation, 1)
      })
      yield* program.pipe(
        Effect.scoped,
        Effect.provide(Layer.provideMerge(live, ActorSystem.layer)),
        Effect.provideService(Overseer.Default, overseer)
      )
    }))
})

describe("directives", () => {
  const failing = Effect.fnUntraced(function*(directive: Overseer.Directive) {
    const escalated = yield* Deferred.make<Ref>()
    const overseer = Overseer.make(() => Effect.succeed(directive))
    const parent = yield* Puppet.spawn(
      deed(() =>
        Effect.flatMap(
          Overseer.spawn(Puppet, overseer, nothing),
          ({ ref }) => Deferred.succeed(escalated, ref)
        )
      )
    )
    const child = yield* Deferred.await(escalated)
    yield* child.tell("Crash")
    yield* child.tell("Do", nothing)
    return { child, parent }
  })

  for (const directive of ["resume", "restart"] as const) {
    it.effect(`${directive} goes on with the mailbox`, () =>
      run(Effect.gen(function*() {
        const { child } = yield* failing(directive)
        assert.deepStrictEqual(yield* child.ask("Heard"), [])
      })))
  }

  it.effect("stop ends the child alone", () =>
    run(Effect.gen(function*() {
      const { child, parent } = yield* failing("stop")
      assert.strictEqual(textOf(yield* ActorRef.await(child)), "on purpose")
      assert.deepStrictEqual(yield* parent.ask("Heard"), [])
    })))

  it.effect("escalate fails the parent with the same Cause", () =>
    run(Effect.gen(function*() {
      const { child, parent } = yield* failing("escalate")
      assert.strictEqual(textOf(yield* ActorRef.await(child)), "on purpose")
      assert.strictEqual(textOf(yield* ActorRef.await(parent)), "on purpose")
    })))

  it.effect("a child that stops of itself ends, whatever the directive", () =>
    run(Effect.gen(function*() {
      const overseer = Overseer.make(() => Effect.succeed("restart"))
      const { ref } = yield* Overseer.spawn(Puppet, overseer, nothing)
      yield* ref.ask("Stop")
      assert.strictEqual(textOf(yield* ActorRef.await(ref)), "ended")
    })))

  it.effect("a restart that fails is decided about again", () =>
    run(Effect.gen(function*() {
      const causes: Array<string> = []
      let starts = 0
      const overseer = Overseer.make((cause) => {
        causes.push(textOf(Exit.failCause(cause)))
        return Effect.succeed("restart")
      })
      const { ref } = yield* Overseer.spawn(
        Puppet,
        overseer,
        deed(() => {
          if (starts++ === 1) throw new Error("no start")
        })
      )
      yield* ref.tell("Crash")
      assert.deepStrictEqual(yield* ref.ask("Heard"), [])
      assert.deepStrictEqual(causes, ["on purpose", "Puppet did not start: no start"])
    })))
})
