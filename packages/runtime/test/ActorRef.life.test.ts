import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import type { Overflow } from "@troupe/runtime/Mailbox"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { deed, nothing, Puppet, PuppetLive, textOf } from "./fixtures/Puppet.ts"
import { totals } from "./fixtures/places.ts"
import { Gate } from "./fixtures/Subject.ts"
import { live } from "./fixtures/subjectLive.ts"

const bounded = (overflow: Overflow) =>
  Actor.make(`Bounded ${overflow}`, {
    protocol: RpcGroup.make(
      Rpc.make("Note", { payload: { n: Schema.Int } }),
      Rpc.make("Hold", { payload: { gate: Schema.String } })
    ),
    mailbox: { capacity: 2, overflow }
  })

const noted: Array<number> = []
const Refusing = bounded("fail")
const Dropping = bounded("dropOldest")

const behaviour = <Name extends string>(actor: ReturnType<typeof bounded> & { readonly name: Name }) =>
  actor.toLayer({
    state: Schema.Void,
    initial: () => undefined,
    handlers: {
      Note: (_, { n }) => {
        noted.push(n)
        return Actor.next(undefined)
      },
      Hold: (_, { gate }) =>
        Effect.flatMap(Gate.keyed(gate), (gate) => gate.ask("Wait")).pipe(
          Effect.as(Actor.next(undefined)),
          Effect.orDie
        )
    }
  })

const system = Layer.mergeAll(behaviour(Refusing), behaviour(Dropping)).pipe(
  Layer.provideMerge(Layer.mergeAll(PuppetLive, live)),
  Layer.provideMerge(ActorSystem.layer),
  Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
)

const run = <E>(program: Effect.Effect<void, E, Layer.Success<typeof system> | Scope.Scope>) =>
  program.pipe(Effect.scoped, Effect.provide(system))

const settled = Effect.repeat(Effect.yieldNow, { times: 10 })

/** An actor that is busy until its gate opens, and notes what it does. */
const busy = Effect.fnUntraced(function*(name: string) {
  const done: Array<string> = []
  const gate = yield* Gate.keyed(name)
  const ref = yield* Puppet.spawn(
    deed(() => Effect.addFinalizer(() => Effect.sync(() => done.push("released"))))
  )
  const holding = Effect.andThen(Effect.orDie(gate.ask("Wait")), Effect.sync(() => done.push("held")))
  yield* ref.tell(
    "Do",
    deed(() => Effect.onInterrupt(holding, () => Effect.sync(() => done.push("interrupted"))))
  )
  yield* gate.ask("Reached")
  yield* ref.tell(
    "Do",
    deed(() => {
      done.push("queued")
    })
  )
  return { done, gate, ref }
})

describe("stop", () => {
  it.effect("lets the actor handle what is queued, and waits for its finalizers", () =>
    run(Effect.gen(function*() {
      const { done, gate, ref } = yield* busy("queued")
      const stopping = yield* Effect.forkChild(ActorRef.stop(ref), { startImmediately: true })
      // Behind what stops it.
      yield* ref.tell(
        "Do",
        deed(() => {
          done.push("late")
        })
      )
      yield* gate.tell("Open")
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(done, ["held", "queued", "released"])
      assert.strictEqual(textOf(yield* ActorRef.await(ref)), "ended")
    })))

  it.effect("with now, lets it finish what it has in hand", () =>
    run(Effect.gen(function*() {
      const { done, gate, ref } = yield* busy("now")
      const stopping = yield* Effect.forkChild(ActorRef.stop(ref, { now: true }), { startImmediately: true })
      yield* gate.tell("Open")
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(done, ["held", "released"])
    })))

  it.effect("of one that has ended is over at once", () =>
    run(Effect.gen(function*() {
      const ref = yield* Puppet.spawn(nothing)
      yield* ref.ask("Stop")
      yield* ActorRef.stop(ref)
      yield* ref.pipe(ActorRef.stop({ now: true }))
      yield* ActorRef.kill(ref)
    })))

  it.effect("is not counted as a message, and a message behind it is a dead letter", () =>
    run(Effect.gen(function*() {
      const ref = yield* Puppet.spawn(nothing)
      const before = yield* totals
      const stopping = yield* Effect.forkChild(ActorRef.stop(ref), { startImmediately: true })
      yield* ref.tell("Do", nothing)
      yield* Fiber.join(stopping)
      const after = yield* totals
      assert.deepStrictEqual(
        [
          after.accepted - before.accepted,
          after.handled - before.handled,
          after.deadLettered - before.deadLettered
        ],
        [1, 0, 1]
      )
    })))

  it.effect("gets into a full mailbox", () =>
    run(Effect.gen(function*() {
      noted.length = 0
      const ref = yield* Refusing.spawn()
      const gate = yield* Gate.keyed("full")
      yield* ref.tell("Hold", { gate: "full" })
      yield* gate.ask("Reached")
      yield* ref.tell("Note", { n: 1 })
      yield* ref.tell("Note", { n: 2 })
      const stopping = yield* Effect.forkChild(ActorRef.stop(ref), { startImmediately: true })
      assert.isFalse(yield* ref.offer("Note", { n: 3 }))
      yield* gate.tell("Open")
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(noted, [1, 2])
    })))

  it.effect("takes effect where what is before it is dropped for newer messages", () =>
    run(Effect.gen(function*() {
      noted.length = 0
      const ref = yield* Dropping.spawn()
      const gate = yield* Gate.keyed("dropped")
      yield* ref.tell("Hold", { gate: "dropped" })
      yield* gate.ask("Reached")
      yield* ref.tell("Note", { n: 1 })
      const stopping = yield* Effect.forkChild(ActorRef.stop(ref), { startImmediately: true })
      for (const n of [2, 3, 4]) yield* ref.tell("Note", { n })
      yield* Fiber.join(stopping)
      assert.deepStrictEqual(noted, [])
    })))

  it.effect("of a key stops the incarnation that lives", () =>
    run(Effect.gen(function*() {
      const gate = yield* Gate.keyed("of a key")
      yield* gate.ask("Open")
      yield* ActorRef.stop(gate)
      // Another one, that is not open.
      const waiting = yield* Effect.forkChild(gate.ask("Wait"), { startImmediately: true })
      yield* settled
      assert.isUndefined(waiting.pollUnsafe())
    })))
})

describe("kill", () => {
  it.effect("interrupts what is in hand, and runs the finalizers", () =>
    run(Effect.gen(function*() {
      const { done, ref } = yield* busy("kill")
      yield* ActorRef.kill(ref)
      assert.deepStrictEqual(done, ["interrupted", "released"])
      assert.strictEqual(textOf(yield* ActorRef.await(ref)), "interrupted")
    })))

  it.effect("of itself takes no step any more", () =>
    run(Effect.gen(function*() {
      const ref = yield* Puppet.spawn(nothing)
      yield* ref.tell(
        "Do",
        deed((ctx) => {
          Effect.runFork(ActorRef.kill(ctx.self))
        })
      )
      assert.strictEqual(textOf(yield* ActorRef.await(ref)), "interrupted")
    })))
})

describe("await", () => {
  it.effect("can be given up, and leaves nothing behind", () =>
    run(Effect.gen(function*() {
      const ref = yield* Puppet.spawn(nothing)
      const waiting = yield* Effect.forkChild(ActorRef.await(ref), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      const other = yield* Effect.forkChild(ActorRef.await(ref), { startImmediately: true })
      yield* Effect.exit(ref.ask("Crash"))
      assert.strictEqual(textOf(yield* Fiber.join(other)), "on purpose")
    })))
})
