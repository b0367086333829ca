/** Behaviours without a system: what they make of messages, as data. */
import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as BehaviourKit from "@troupe/runtime/testing/BehaviourKit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { missing: Schema.Int }) {}

class Rate extends Context.Service<Rate, { readonly percent: number }>()("Rate") {}

const Audit = RpcGroup.make(Rpc.make("Noted", { payload: { amount: Schema.Int } }))
const Auditor = Actor.make("Auditor", { protocol: Audit })

const Account = Actor.make("Account", {
  protocol: RpcGroup.make(
    Rpc.make("Deposit", {
      payload: { amount: Schema.Int.pipe(Schema.withConstructorDefault(Effect.succeed(1))) }
    }),
    Rpc.make("Withdraw", { payload: { amount: Schema.Int }, success: Schema.Int, error: Overdrawn }),
    Rpc.make("Interest", { success: Schema.Int, error: Overdrawn }),
    Rpc.make("Close", { success: Schema.String }),
    Rpc.make("Open", { success: Schema.String }),
    Rpc.make("Count", { success: Schema.Int, stream: true }),
    Rpc.make("Owed", { success: Schema.Int }),
    Rpc.make("Pay"),
    Rpc.make("Watch", { payload: { who: ActorRef.ActorRef(RpcGroup.make()) } }),
    Rpc.make("Remind"),
    Rpc.make("Forget"),
    Rpc.make("Hire"),
    Rpc.make("Fetch"),
    Rpc.make("Break"),
    Rpc.make("Crash"),
    Rpc.make("Many", { payload: { n: Schema.Int } }),
    Rpc.make("Stop", { success: Schema.String })
  ),
  args: Schema.Struct({ opening: Schema.Int })
})

const auditor = BehaviourKit.ref(Auditor)
const hire = BehaviourKit.spawner(Auditor)
let owed: { succeed(n: number): void } | undefined

const handlers: Actor.HandlersOf<typeof Account, number, Rate> = {
  Deposit: (balance, { amount }, ctx) => {
    ctx.send(auditor, "Noted", { amount })
    return Actor.next(balance + amount)
  },
  Withdraw: (balance, { amount }) =>
    amount > balance
      ? Actor.fail(balance, new Overdrawn({ missing: amount - balance }))
      : Actor.reply(balance - amount, balance - amount),
  Interest: (balance) =>
    Effect.gen(function*() {
      const { percent } = yield* Rate
      if (percent < 0) return yield* new Overdrawn({ missing: -percent })
      const more = balance + balance * percent / 100
      return Actor.reply(more, more)
    }),
  Close: (balance) => Actor.become(balance, closed, "closed"),
  Open: (balance) => Actor.unhandled(balance),
  Count: (balance) => Actor.stream(balance, Stream.range(1, balance)),
  Owed: (balance, _, ctx) => {
    owed = ctx.replier
    return Actor.later(balance)
  },
  Pay: (balance) => {
    owed?.succeed(7)
    return Actor.next(balance)
  },
  Watch: (balance, { who }, ctx) => {
    ctx.watch(who)
    return Actor.next(balance)
  },
  Remind: (balance, _, ctx) => {
    ctx.timers.startOnce("once", "1 minute", "Deposit", { amount: 5 })
    ctx.timers.startEvery("every", 1000, "Deposit", {})
    return Actor.next(balance)
  },
  Forget: (balance, _, ctx) => {
    ctx.timers.cancelAll()
    return Actor.next(balance)
  },
  Hire: (balance, _, ctx) => {
    const child = ctx.spawn(hire)
    ctx.send(child, "Noted", { amount: ctx.children.length })
    ctx.stop(child)
    return Actor.next(balance)
  },
  Fetch: (balance, _, ctx) => {
    ctx.pipeToSelf(
      Effect.succeed(3),
      (exit) => ["Deposit", { amount: Exit.isSuccess(exit) ? exit.value : 0 }]
    )
    return Actor.next(balance)
  },
  Break: () => {
    throw new Error("broken")
  },
  Crash: () => Actor.crash("on purpose"),
  Many: {
    batch: (balance, payloads) => Actor.next(payloads.reduce((sum, { n }) => sum + n, balance))
  },
  Stop: () => Actor.stop("bye")
}

const closed: typeof handlers = {
  ...handlers,
  Deposit: (balance) => Actor.stash(balance),
  Open: (balance, _, ctx) => {
    ctx.unstashAll()
    return Actor.become(balance, handlers, "open")
  }
}

const behaviour = Account.of({
  state: Schema.Int,
  initial: ({ opening }) => opening,
  handlers,
  signals: { Terminated: (balance, { exit }) => Actor.next(Exit.isSuccess(exit) ? balance : -1) }
})

const make = () => BehaviourKit.make(Account, behaviour, { args: { opening: 100 } })

describe("BehaviourKit", () => {
  it("gives the step, the state and what else a handler did, as data (S130)", () => {
    const account = make()
    assert.deepStrictEqual(account.tell("Deposit", { amount: 5 }), {
      step: { _tag: "Next" },
      state: 105,
      deeds: [{ _tag: "Send", to: auditor, tag: "Noted", payload: { amount: 5 } }]
    })
    assert.strictEqual(account.tell("Deposit", {}).state, 106)
    assert.deepStrictEqual(account.ask("Withdraw", { amount: 6 }).step, { _tag: "Reply", answer: 100 })
    assert.deepStrictEqual(account.ask("Withdraw", { amount: 101 }), {
      step: { _tag: "Fail", error: new Overdrawn({ missing: 1 }) },
      state: 100,
      deeds: []
    })
    assert.deepStrictEqual(account.ask("Open").step, { _tag: "Unhandled" })
    assert.strictEqual(account.ask("Count").step._tag, "Stream")
  })

  it("begins in any state, with payloads that fit only (S130)", () => {
    const account = BehaviourKit.make(Account, behaviour, { state: 3 })
    assert.strictEqual(account.ask("Withdraw", { amount: 3 }).state, 0)
    assert.throws(() => account.tell("Deposit", { amount: 1.5 }))
    const slow = Account.of({ ...behaviour, initial: () => Effect.succeed(1) })
    assert.throws(() => BehaviourKit.make(Account, slow, { args: { opening: 1 } }), "begins with an Effect")
    assert.strictEqual(BehaviourKit.make(Account, slow, { state: 2 }).state, 2)
  })

  it.effect("runs no effect, and goes on with what it came to (S130)", () =>
    Effect.gen(function*() {
      const account = make()
      const rate = (percent: number) =>
        Effect.gen(function*() {
          const { step } = account.ask("Interest")
          assert.strictEqual(account.state, 100)
          assert.throws(() => account.ask("Owed"), "the Effect of Interest has not been resumed")
          assert(step._tag === "Effect")
          return account.resume(yield* Effect.exit(Effect.provideService(step.effect, Rate, { percent })))
        })
      assert.deepStrictEqual((yield* rate(-2)).step, { _tag: "Fail", error: new Overdrawn({ missing: 2 }) })
      assert.deepStrictEqual((yield* rate(3)).step, { _tag: "Reply", answer: 103 })
      assert.strictEqual(account.state, 103)
      account.ask("Interest")
      assert.strictEqual(account.resume(Exit.die("dead")).step._tag, "Die")
      assert.isTrue(account.ended)
    }))

  it("becomes another behaviour, stashes and puts back (S130)", () => {
    const account = make()
    assert.deepStrictEqual(account.ask("Close").step, { _tag: "Become", answer: "closed" })
    assert.deepStrictEqual(account.tell("Deposit", { amount: 1 }).step, { _tag: "Stash" })
    account.tell("Deposit", { amount: 2 })
    assert.strictEqual(account.stashed.length, 2)
    assert.deepStrictEqual(account.ask("Open").deeds, [{ _tag: "UnstashAll" }])
    assert.deepStrictEqual([account.stashed.length, account.waiting.length], [0, 2])
    assert.strictEqual(account.next()?.state, 101)
    assert.strictEqual(account.next()?.state, 103)
    assert.isUndefined(account.next())
  })

  it("keeps timers, which run off when the test says so (S130)", () => {
    const account = make()
    assert.deepStrictEqual(account.tell("Remind").deeds, [
      { _tag: "StartOnce", key: "once", millis: 60_000, tag: "Deposit", payload: { amount: 5 } },
      { _tag: "StartEvery", key: "every", millis: 1000, tag: "Deposit", payload: {} }
    ])
    assert.strictEqual(account.fire("once").state, 105)
    assert.throws(() => account.fire("once"))
    assert.deepStrictEqual(account.timers, ["every"])
    account.tell("Forget")
    assert.deepStrictEqual(account.timers, [])
  })

  it("tells of children, watches, effects aside and answers that were owed (S130)", () => {
    const account = make()
    const [spawned, sent, stopped] = account.tell("Hire").deeds
    assert(spawned?._tag === "Spawn" && sent?._tag === "Send" && stopped?._tag === "Stop")
    assert.strictEqual(spawned.child.name, "Auditor")
    assert.strictEqual(sent.to, spawned.child)
    assert.strictEqual(stopped.ref, spawned.child)
    assert.deepStrictEqual(account.tell("Watch", { who: auditor }).deeds, [{ _tag: "Watch", ref: auditor }])
    assert.strictEqual(account.signal("Terminated", { ref: auditor, exit: Exit.void }).state, 100)
    const [piped] = account.tell("Fetch").deeds
    assert(piped?._tag === "PipeToSelf")
    assert.deepStrictEqual(piped.onExit(Exit.succeed(3)), ["Deposit", { amount: 3 }])
    assert.deepStrictEqual(account.ask("Owed").step, { _tag: "Later" })
    assert.deepStrictEqual(account.tell("Pay").deeds, [{ _tag: "Succeed", message: 4, value: 7 }])
    assert.deepStrictEqual(account.tell("Owed").step, { _tag: "Later" })
    assert.deepStrictEqual(account.tell("Pay").deeds, [])
  })

  it("handles batches, ends, and handles nothing afterwards (S130)", () => {
    assert.strictEqual(make().batch("Many", [{ n: 1 }, { n: 2 }]).state, 103)
    assert.strictEqual(make().tell("Many", { n: 1 }).state, 101)
    const ends = [
      ["Stop", { _tag: "Stop", answer: "bye" }],
      ["Crash", { _tag: "Crash", error: "on purpose" }],
      ["Break", { _tag: "Die", defect: new Error("broken") }]
    ] as const
    for (const [tag, step] of ends) {
      const account = make()
      assert.deepStrictEqual(account.ask(tag).step, step)
      assert.isTrue(account.ended)
      assert.throws(() => account.tell("Pay"), "Account has ended")
    }
  })
})
