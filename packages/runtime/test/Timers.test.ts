/** An actor's timers, by a clock that a test moves. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

const Clerk = Actor.make("Clerk", {
  protocol: RpcGroup.make(
    Rpc.make("Once", { payload: { key: Schema.String, millis: Schema.Number, line: Schema.String } }),
    Rpc.make("Every", { payload: { key: Schema.String, millis: Schema.Number, line: Schema.String } }),
    /** What it notes, and which timer it cancels or starts anew when it is handled. */
    Rpc.make("Note", { payload: { line: Schema.String } }),
    Rpc.make("CancelAll"),
    Rpc.make("Notes", { success: Schema.Array(Schema.String) }),
    Rpc.make("Active", { success: Schema.Array(Schema.String) }),
    Rpc.make("Busy"),
    Rpc.make("Stop")
  ),
  mailbox: { capacity: 1, overflow: "fail" }
})

const setup = Effect.gen(function*() {
  const gate = Latch.makeUnsafe()
  const live = Clerk.toLayer({
    state: Schema.Array(Schema.String),
    initial: () => [],
    handlers: {
      Once: (notes, { key, line, millis }, ctx) => {
        ctx.timers.startOnce(key, millis, "Note", { line })
        return Actor.next(notes)
      },
      Every: (notes, { key, line, millis }, ctx) => {
        ctx.timers.startEvery(key, millis, "Note", { line })
        return Actor.next(notes)
      },
      Note: (notes, { line }, ctx) => {
        if (line === "cancels b") ctx.timers.cancel("b")
        if (line === "starts b anew") ctx.timers.startOnce("b", 5, "Note", { line: "new b" })
        return Actor.next([...notes, line])
      },
      CancelAll: (notes, _, ctx) => {
        ctx.timers.cancelAll()
        return Actor.next(notes)
      },
      Notes: (notes) => Actor.reply(notes, notes),
      Active: (notes, _, { timers }) => Actor.reply(notes, ["a", "b"].filter((key) => timers.isActive(key))),
      Busy: (notes) => Effect.as(gate.await, Actor.next(notes)),
      Stop: () => Actor.stop()
    }
  })
  const context = yield* Layer.build(Layer.provideMerge(live, ActorSystem.layer))
  const clerk = yield* Effect.provideContext(Clerk.spawn(), context)
  return { clerk, gate, context }
})

/** Lets the actor handle nothing while the time passes. */
const busyFor = (
  { clerk, gate }: Effect.Success<typeof setup>,
  millis: number
) =>
  Effect.gen(function*() {
    yield* clerk.tell("Busy")
    yield* Effect.yieldNow
    yield* TestClock.adjust(millis)
    yield* gate.open
    yield* Effect.yieldNow
  })

describe("timers", () => {
  it.effect("tell their message once, when the time has come (S55)", () =>
    Effect.gen(function*() {
      const { clerk } = yield* setup
      yield* clerk.ask("Once", { key: "a", millis: 10, line: "a" })
      yield* TestClock.adjust(9)
      assert.deepStrictEqual(yield* clerk.ask("Notes"), [])
      assert.deepStrictEqual(yield* clerk.ask("Active"), ["a"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* clerk.ask("Notes"), ["a"])
      assert.deepStrictEqual(yield* clerk.ask("Active"), [])
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(yield* clerk.ask("Notes"), ["a"])
    }))

  it.effect("tell it again and again, at a fixed rate, each at its own (S55)", () =>
    Effect.gen(function*() {
      const { clerk } = yield* setup
      yield* clerk.ask("Every", { key: "a", millis: 10, line: "a" })
      yield* TestClock.adjust(5)
      yield* clerk.ask("Every", { key: "b", millis: 20, line: "b" })
      yield* TestClock.adjust(35)
      assert.deepStrictEqual(yield* clerk.ask("Notes"), ["a", "a", "b", "a", "a"])
      yield* clerk.ask("CancelAll")
      assert.deepStrictEqual(yield* clerk.ask("Active"), [])
      yield* TestClock.adjust(100)
      assert.lengthOf(yield* clerk.ask("Notes"), 5)
    }))

  it.effect("leave out what is due while the actor has not handled the one before, and keep their rate (S55)", () =>
    Effect.gen(function*() {
      const made = yield* setup
      const { clerk } = made
      yield* clerk.ask("Every", { key: "a", millis: 10, line: "a" })
      yield* busyFor(made, 75)
      assert.deepStrictEqual(yield* clerk.ask("Notes"), ["a"])
      yield* TestClock.adjust(4)
      assert.deepStrictEqual(yield* clerk.ask("Notes"), ["a"])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* clerk.ask("Notes"), ["a", "a"])
    }))

  it.effect("are not heard of once they are cancelled, even if they have run off (S55)", () =>
    Effect.gen(function*() {
      const made = yield* setup
      const { clerk } = made
      yield* clerk.ask("Once", { key: "a", millis: 10, line: "cancels b" })
      yield* clerk.ask("Once", { key: "b", millis: 10, line: "b" })
      yield* busyFor(made, 20)
      assert.deepStrictEqual(yield* clerk.ask("Notes"), ["cancels b"])
    }))

  it.effect("are not heard of once their key has another one (S55)", () =>
    Effect.gen(function*() {
      const made = yield* setup
      const { clerk } = made
      yield* clerk.ask("Once", { key: "a", millis: 10, line: "starts b anew" })
      yield* clerk.ask("Once", { key: "b", millis: 10, line: "old b" })
      yield* busyFor(made, 20)
      assert.deepStrictEqual(yield* clerk.ask("Notes"), ["starts b anew"])
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* clerk.ask("Notes"), ["starts b anew", "new b"])
    }))

  it.effect("get through where the mailbox is full, before what waits, and count as sent and handled (S10, S37, S55)", () =>
    Effect.gen(function*() {
      const made = yield* setup
      const { clerk, context } = made
      yield* clerk.ask("Once", { key: "a", millis: 10, line: "a" })
      yield* clerk.tell("Busy")
      yield* Effect.yieldNow
      yield* clerk.tell("Note", { line: "waits" })
      yield* clerk.tell("Note", { line: "is too much" })
      yield* TestClock.adjust(10)
      yield* made.gate.open
      yield* Effect.repeat(Effect.yieldNow, { times: 3 })
      assert.deepStrictEqual(yield* clerk.ask("Notes"), ["a", "waits"])
      const [stats] = yield* Effect.provideContext(
        Effect.flatMap(ActorSystem.ActorSystem, ({ stats }) => stats),
        context
      )
      assert.strictEqual(stats!.deadLettered, 1)
      assert.strictEqual(stats!.sent, stats!.handled + stats!.deadLettered)
    }))

  it.effect("end with their actor (S55)", () =>
    Effect.gen(function*() {
      const { clerk, context } = yield* setup
      const { deadLetters } = yield* Effect.provideContext(ActorSystem.ActorSystem, context)
      const seen: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(deadLetters, ({ tag }) => Effect.sync(() => seen.push(tag))),
        {
          startImmediately: true
        }
      )
      yield* clerk.ask("Every", { key: "a", millis: 10, line: "a" })
      yield* clerk.ask("Stop")
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(seen, [])
    }))
})
