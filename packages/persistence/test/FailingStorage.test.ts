import { assert, describe, it } from "@effect/vitest"
import * as EventSourced from "@troupe/persistence/EventSourced"
import * as MemoryStorage from "@troupe/persistence/MemoryStorage"
import * as Outbox from "@troupe/persistence/Outbox"
import * as SnapshotPolicy from "@troupe/persistence/SnapshotPolicy"
import * as FailingStorage from "@troupe/persistence/testing/FailingStorage"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

const Account = Actor.make("Account", {
  protocol: RpcGroup.make(
    Rpc.make("Send", { payload: { to: Schema.String, amount: Schema.Int } }),
    Rpc.make("Receive", { payload: { amount: Schema.Int, delivery: Outbox.Delivery } }),
    Rpc.make("Balance", { success: Schema.Int })
  )
})

const AccountLive = EventSourced.toLayer(Account, {
  state: Schema.Int,
  events: Schema.Union([
    Schema.TaggedStruct("Sent", { to: Schema.String, amount: Schema.Int }),
    Schema.TaggedStruct("Received", { amount: Schema.Int })
  ]),
  initial: () => 1000,
  apply: (balance, event) => event._tag === "Sent" ? balance - event.amount : balance + event.amount,
  commands: {
    Send: (_, { amount, to }) => EventSourced.persist({ _tag: "Sent", to, amount }),
    Receive: (_, { amount }) => EventSourced.persist({ _tag: "Received", amount }),
    Balance: (balance) => EventSourced.reply(balance)
  },
  outbox: (event) =>
    event._tag === "Received"
      ? []
      : Effect.map(Account.byKey, (account) => [
        Outbox.send(account(event.to), "Receive", { amount: event.amount })
      ]),
  snapshots: SnapshotPolicy.keeping(SnapshotPolicy.every(3), 1, { discardEvents: true })
})

const owners = ["ada", "grace", "edsger", "barbara"]

const settle = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })

/** Asks until there is an answer, as those do who have to know. */
const balance = (owner: string) =>
  Effect.flatMap(Account.keyed(owner), (account) => Effect.eventually(account.ask("Balance")))

describe("FailingStorage", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    it.effect(`a bank loses and makes no money whose storage fails, with the seed ${seed}`, () =>
      Effect.gen(function*() {
        const memory = Layer.succeedContext(yield* Layer.build(MemoryStorage.layer))
        const failing = FailingStorage.layer({ seed, writes: 0.2, reads: 0.1 })
        const run = <A, E, R>(use: Effect.Effect<A, E, R>, storage: typeof memory) =>
          Effect.provide(
            use,
            Layer.fresh(AccountLive.pipe(Layer.provide(ActorSystem.layer), Layer.provide(storage)))
          )
        let refused = 0
        yield* run(
          Effect.gen(function*() {
            for (let i = 0; i < 100; i++) {
              const from = yield* Account.keyed(owners[i % 4]!)
              yield* Effect.catch(
                from.ask("Send", { to: owners[(i * 7 + 1) % 4]!, amount: i }),
                () =>
                  Effect.sync(() => {
                    refused++
                  })
              )
              yield* settle
              yield* TestClock.adjust("10 seconds")
            }
          }),
          Layer.provide(failing, memory)
        )
        assert.isAbove(refused, 0)
        // The storage is well again: all that was on its way arrives.
        const total = yield* run(
          Effect.gen(function*() {
            for (let round = 0; round < 5; round++) {
              yield* Effect.forEach(owners, balance)
              yield* settle
              yield* TestClock.adjust("10 seconds")
              yield* settle
            }
            return (yield* Effect.forEach(owners, balance)).reduce((sum, one) => sum + one, 0)
          }),
          memory
        )
        assert.strictEqual(total, 4000)
      }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))
  }
})
