import { assert, describe, it } from "@effect/vitest"
import * as EventSourced from "@troupe/persistence/EventSourced"
import * as MemoryStorage from "@troupe/persistence/MemoryStorage"
import * as Outbox from "@troupe/persistence/Outbox"
import * as SnapshotPolicy from "@troupe/persistence/SnapshotPolicy"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
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

const Event = Schema.Union([
  Schema.TaggedStruct("Sent", { to: Schema.String, amount: Schema.Int }),
  Schema.TaggedStruct("Received", { amount: Schema.Int })
])

/** What goes wrong on the way, and what arrived. */
interface Trouble {
  /** How many receptions die after they were stored, before they are answered. */
  lost: number
  readonly received: Array<number>
}

const live = (trouble: Trouble, snapshots?: SnapshotPolicy.SnapshotPolicy<unknown, unknown>) =>
  EventSourced.toLayer(Account, {
    state: Schema.Int,
    events: Event,
    initial: () => 100,
    apply: (balance, event) => event._tag === "Sent" ? balance - event.amount : balance + event.amount,
    commands: {
      Send: (_, { amount, to }) => EventSourced.persist({ _tag: "Sent", to, amount }),
      Receive: (_, { amount }) => {
        trouble.received.push(amount)
        return EventSourced.andThen(
          EventSourced.persist({ _tag: "Received", amount }),
          () => trouble.lost-- > 0 ? Effect.die(new Error("the answer is lost")) : Effect.void
        )
      },
      Balance: (balance) => EventSourced.reply(balance)
    },
    outbox: (event) =>
      event._tag === "Received" ? [] : Effect.map(Account.byKey, (account) => [
        Outbox.send(account(event.to), "Receive", { amount: event.amount })
      ]),
    snapshots
  })

/** Runs with a system of its own over the storage, as a process would. */
const run = <A, E, R>(
  use: Effect.Effect<A, E, R>,
  trouble: Trouble,
  snapshots?: SnapshotPolicy.SnapshotPolicy<unknown, unknown>
) => Effect.provide(use, Layer.fresh(Layer.provide(live(trouble, snapshots), ActorSystem.layer)))

const storage = Effect.map(Layer.build(MemoryStorage.layer), Layer.succeedContext)

const balance = (key: string) => Effect.flatMap(Account.keyed(key), (account) => account.ask("Balance"))

const settle = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })

describe("Outbox", () => {
  it.effect("sends what follows from an event, and it is handled once though its answer is lost (S118)", () =>
    Effect.gen(function*() {
      const memory = yield* storage
      const trouble = { lost: 3, received: [] }
      yield* run(
        Effect.gen(function*() {
          const alice = yield* Account.keyed("alice")
          yield* alice.ask("Send", { to: "bob", amount: 30 })
          yield* settle
          for (let i = 0; i < 5; i++) {
            yield* TestClock.adjust("10 seconds")
            yield* settle
          }
          assert.strictEqual(yield* balance("alice"), 70)
          assert.strictEqual(yield* balance("bob"), 130)
        }),
        trouble
      ).pipe(Effect.provide(memory))
      assert.deepStrictEqual(trouble.received, [30])
    }))

  it.effect("sends after a restart what was not answered before, in order", () =>
    Effect.gen(function*() {
      const memory = yield* storage
      const before = { lost: Infinity, received: [] }
      yield* run(
        Effect.gen(function*() {
          const alice = yield* Account.keyed("alice")
          for (const amount of [1, 2, 3]) yield* alice.ask("Send", { to: "bob", amount })
          yield* settle
        }),
        before
      ).pipe(Effect.provide(memory))
      const after = { lost: 0, received: [] }
      yield* run(
        Effect.gen(function*() {
          yield* balance("alice")
          yield* settle
          yield* TestClock.adjust("10 seconds")
          yield* settle
          assert.strictEqual(yield* balance("bob"), 106)
        }),
        after
      ).pipe(Effect.provide(memory))
      assert.deepStrictEqual([...before.received, ...after.received], [1, 2, 3])
    }))

  it.effect("is remembered by its receiver through snapshots, and keeps events until they are answered", () =>
    Effect.gen(function*() {
      const memory = yield* storage
      const snapshots = SnapshotPolicy.keeping(SnapshotPolicy.every(1), 1, { discardEvents: true })
      const before: Trouble = { lost: Infinity, received: [] }
      yield* run(
        Effect.gen(function*() {
          const alice = yield* Account.keyed("alice")
          for (const amount of [1, 2, 3]) {
            yield* alice.ask("Send", { to: "bob", amount })
            yield* settle
          }
        }),
        before,
        snapshots
      ).pipe(Effect.provide(memory))
      const after: Trouble = { lost: 0, received: [] }
      yield* run(
        Effect.gen(function*() {
          yield* balance("alice")
          yield* settle
          yield* TestClock.adjust("10 seconds")
          yield* settle
          assert.strictEqual(yield* balance("bob"), 106)
        }),
        after,
        snapshots
      ).pipe(Effect.provide(memory))
      assert.deepStrictEqual([...before.received, ...after.received], [1, 2, 3])
    }))
})

const Reminder = Actor.make("Reminder", {
  protocol: RpcGroup.make(
    Rpc.make("Remind", { payload: { text: Schema.String, inMillis: Schema.Int } }),
    Rpc.make("Due", { payload: { text: Schema.String } }),
    Rpc.make("Forget", { payload: { text: Schema.String } }),
    Rpc.make("Open", { success: Schema.Array(Schema.String) })
  )
})

const reminders = (told: Array<string>) =>
  EventSourced.toLayer(Reminder, {
    state: Schema.Array(Schema.Struct({ text: Schema.String, at: Schema.Number })),
    events: Schema.Union([
      Schema.TaggedStruct("Added", { text: Schema.String, at: Schema.Number }),
      Schema.TaggedStruct("Removed", { text: Schema.String })
    ]),
    initial: () => [],
    apply: (open, event) =>
      event._tag === "Added"
        ? [...open, { text: event.text, at: event.at }]
        : open.filter(({ text }) => text !== event.text),
    commands: {
      Remind: (_, { inMillis, text }) =>
        Effect.map(
          Clock.currentTimeMillis,
          (now) => EventSourced.persist({ _tag: "Added", text, at: now + inMillis })
        ),
      Due: (_, { text }) => {
        told.push(text)
        return EventSourced.persist({ _tag: "Removed", text })
      },
      Forget: (_, { text }) => EventSourced.persist({ _tag: "Removed", text }),
      Open: (open) => EventSourced.reply(open.map(({ text }) => text))
    },
    timers: (open) => open.map(({ at, text }) => ({ key: text, at, message: ["Due", { text }] as const }))
  })

describe("durable timers", () => {
  const inSystem = <A, E, R>(use: Effect.Effect<A, E, R>, told: Array<string>) =>
    Effect.provide(use, Layer.fresh(Layer.provide(reminders(told), ActorSystem.layer)))

  it.effect("are told when they are due, once, and not when the state is without them (S117)", () =>
    Effect.gen(function*() {
      const memory = yield* storage
      const told: Array<string> = []
      yield* inSystem(
        Effect.gen(function*() {
          const reminder = yield* Reminder.keyed("r")
          yield* reminder.ask("Remind", { text: "later", inMillis: 2000 })
          yield* reminder.ask("Remind", { text: "soon", inMillis: 1000 })
          yield* reminder.ask("Remind", { text: "never", inMillis: 1500 })
          yield* reminder.ask("Forget", { text: "never" })
          yield* TestClock.adjust("1 seconds")
          yield* settle
          assert.deepStrictEqual(told, ["soon"])
          yield* TestClock.adjust("5 seconds")
          yield* settle
          assert.deepStrictEqual(told, ["soon", "later"])
          assert.deepStrictEqual(yield* reminder.ask("Open"), [])
        }),
        told
      ).pipe(Effect.provide(memory))
    }))

  it.effect("outlive the system: one that was due meanwhile is told at the next start (S117)", () =>
    Effect.gen(function*() {
      const memory = yield* storage
      const told: Array<string> = []
      yield* inSystem(
        Effect.flatMap(Reminder.keyed("r"), (reminder) =>
          Effect.andThen(
            reminder.ask("Remind", { text: "soon", inMillis: 1000 }),
            reminder.ask("Remind", { text: "later", inMillis: 100_000 })
          )),
        told
      ).pipe(Effect.provide(memory))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(told, [])
      yield* inSystem(
        Effect.gen(function*() {
          const reminder = yield* Reminder.keyed("r")
          yield* reminder.ask("Open")
          yield* TestClock.adjust("1 millis")
          yield* settle
          assert.deepStrictEqual(told, ["soon"])
          yield* TestClock.adjust("1 minute")
          yield* settle
          assert.deepStrictEqual(told, ["soon", "later"])
        }),
        told
      ).pipe(Effect.provide(memory))
    }))
})
