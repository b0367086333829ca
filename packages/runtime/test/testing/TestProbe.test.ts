/** Probes: what a test expects of what an actor is sent, and what it answers. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as TestProbe from "@troupe/runtime/testing/TestProbe"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { missing: Schema.Int }) {}

const Bank = RpcGroup.make(
  Rpc.make("Deposit", {
    payload: {
      amount: Schema.Int,
      note: Schema.String.pipe(Schema.withConstructorDefault(Effect.succeed("none")))
    }
  }),
  Rpc.make("Withdraw", { payload: { amount: Schema.Int }, success: Schema.Int, error: Overdrawn }),
  Rpc.make("Ring"),
  Rpc.make("History", { success: Schema.Int, error: Overdrawn, stream: true })
)

const Account = Actor.make("Account", { protocol: Bank })

/** Sends on what it is told, and stops when it is told so. */
const Clerk = Actor.make("Clerk", {
  protocol: RpcGroup.make(
    Rpc.make("Work", { payload: { bank: Account.ref, amounts: Schema.Array(Schema.Int) } }),
    Rpc.make("Later", { payload: { bank: Account.ref, millis: Schema.Int } }),
    Rpc.make("Leave"),
    Rpc.make("Fall")
  )
})

const ClerkLive = Clerk.toLayer({
  state: Schema.Void,
  initial: () => {},
  handlers: {
    Work: (state, { amounts, bank }, ctx) => {
      for (const amount of amounts) ctx.send(bank, "Deposit", { amount })
      return Actor.next(state)
    },
    Later: (state, { bank, millis }) => Effect.as(Effect.delay(bank.tell("Ring"), millis), Actor.next(state)),
    Leave: () => Actor.stop(),
    Fall: () => Actor.crash(new Overdrawn({ missing: 1 }))
  }
})

const run = <A, E>(
  test: Effect.Effect<A, E, Effect.Services<ReturnType<typeof Clerk.spawn>> | ActorSystem.ActorSystem>
) => test.pipe(Effect.scoped, Effect.provide(ClerkLive), Effect.provide(ActorSystem.layer))

describe("TestProbe", () => {
  describe("expect", () => {
    it.effect("takes what came, in order, with defaults as a sender has them (S131)", () =>
      run(Effect.gen(function*() {
        const bank = yield* TestProbe.make(Bank)
        const clerk = yield* Clerk.spawn()
        yield* clerk.tell("Work", { bank: bank.ref, amounts: [1, 2, 3] })
        const first = yield* bank.expect("Deposit")
        assert.deepStrictEqual([first.payload, first.asked], [{ amount: 1, note: "none" }, false])
        yield* bank.expect("Deposit", { amount: 2 })
        const error = yield* Effect.flip(bank.expectNothing)
        assert.strictEqual(
          error.message,
          "TestProbe expected nothing, got Deposit {\"amount\":3,\"note\":\"none\"}"
        )
        yield* bank.expectNothing
        yield* clerk.ask("Work", { bank: bank.ref, amounts: [4, 5] })
        assert.deepStrictEqual((yield* bank.drain).map(({ _tag }) => _tag), ["Message", "Message"])
        assert.deepStrictEqual(yield* bank.drain, [])
      })))

    it.effect("fails with what came instead (S131)", () =>
      run(Effect.gen(function*() {
        const bank = yield* TestProbe.make(Bank, { name: "bank" })
        yield* bank.ref.tell("Deposit", { amount: 5 })
        const other = yield* Effect.flip(bank.expect("Ring"))
        assert.strictEqual(other.message, "bank expected Ring, got Deposit {\"amount\":5,\"note\":\"none\"}")
        assert.strictEqual(other._tag, "Unexpected")
        yield* bank.ref.tell("Deposit", { amount: 5 })
        const amount = yield* Effect.flip(bank.expect("Deposit", { amount: 6 }))
        assert.include(amount.message, "expected Deposit {\"amount\":6")
      })))

    it.effect("fails when nothing came in time, by the test's clock (S131)", () =>
      run(Effect.gen(function*() {
        const bank = yield* TestProbe.make(Bank, { name: "bank" })
        const waiting = yield* Effect.forkChild(Effect.flip(bank.expectWithin("1 minute", "Ring")))
        yield* TestClock.adjust("1 minute")
        const error = yield* Fiber.join(waiting)
        assert.strictEqual(error.message, "bank expected Ring, and nothing came in 60000 ms")
      })))

    it.effect("waits for what an effect sends later", () =>
      run(Effect.gen(function*() {
        const bank = yield* TestProbe.make(Bank)
        const clerk = yield* Clerk.spawn()
        yield* clerk.tell("Later", { bank: bank.ref, millis: 5000 })
        yield* bank.expectNothing
        yield* TestClock.adjust("5 seconds")
        yield* bank.expect("Ring")
      })))

    it.effect("fishes for one, and drops what comes before", () =>
      run(Effect.gen(function*() {
        const bank = yield* TestProbe.make(Bank)
        yield* bank.ref.tell("Deposit", { amount: 1 })
        yield* bank.ref.tell("Ring")
        yield* bank.ref.tell("Deposit", { amount: 2 })
        yield* bank.fish("Ring")
        yield* bank.expect("Deposit", { amount: 2 })
      })))
  })

  describe("answers", () => {
    it.effect("with values, with declared errors, with streams", () =>
      run(Effect.gen(function*() {
        const bank = yield* TestProbe.make(Bank)
        const asking = yield* Effect.forkChild(bank.ref.ask("Withdraw", { amount: 30 }))
        yield* (yield* bank.expect("Withdraw", { amount: 30 })).reply(70)
        assert.strictEqual(yield* Fiber.join(asking), 70)
        const failing = yield* Effect.forkChild(Effect.flip(bank.ref.ask("Withdraw", { amount: 30 })))
        yield* (yield* bank.expect("Withdraw")).fail(new Overdrawn({ missing: 1 }))
        assert.deepStrictEqual(yield* Fiber.join(failing), new Overdrawn({ missing: 1 }))
        const streaming = yield* Effect.forkChild(Stream.runCollect(bank.ref.stream("History")))
        yield* (yield* bank.expect("History")).reply(Stream.range(1, 3))
        assert.deepStrictEqual(yield* Fiber.join(streaming), [1, 2, 3])
        const refused = yield* Effect.forkChild(Effect.flip(Stream.runDrain(bank.ref.stream("History"))))
        yield* (yield* bank.expect("History")).fail(new Overdrawn({ missing: 2 }))
        assert.deepStrictEqual(yield* Fiber.join(refused), new Overdrawn({ missing: 2 }))
      })))
  })

  describe("lives", () => {
    it.effect("hears how those end that it watches or is linked with (S131)", () =>
      run(Effect.gen(function*() {
        const probe = yield* TestProbe.make(Bank)
        const one = yield* Clerk.spawn()
        const two = yield* Clerk.spawn()
        const three = yield* Clerk.spawn()
        yield* probe.watch(one)
        yield* probe.watch(two)
        yield* probe.unwatch(two)
        yield* probe.link(three)
        yield* two.tell("Leave")
        yield* one.tell("Leave")
        assert.deepStrictEqual(yield* probe.expectTerminated(one), Exit.void)
        yield* three.tell("Fall")
        const broken = yield* probe.receive()
        assert.isTrue(broken._tag === "LinkBroken" && Exit.isFailure(broken.exit))
        yield* probe.expectNothing
        yield* probe.watch(one)
        const error = yield* Effect.flip(probe.expect("Ring"))
        assert.include(error.message, "got Terminated of ActorRef(Clerk)")
      })))

    it.effect("ends as any actor, and passes for one of its contract", () =>
      run(Effect.gen(function*() {
        const watcher = yield* TestProbe.make(Bank)
        const account = yield* TestProbe.make(Account)
        assert.strictEqual(account.ref.name, "Account")
        yield* watcher.watch(account.ref)
        yield* ActorRef.stop(account.ref)
        yield* watcher.expectTerminated(account.ref)
      })))
  })
})
