import { assert, describe, it } from "@effect/vitest"
import * as DurableState from "@troupe/persistence/DurableState"
import * as EventSourced from "@troupe/persistence/EventSourced"
import * as Journal from "@troupe/persistence/Journal"
import * as MemoryStorage from "@troupe/persistence/MemoryStorage"
import * as SnapshotPolicy from "@troupe/persistence/SnapshotPolicy"
import { SnapshotStore } from "@troupe/persistence/SnapshotStore"
import { type StoreError, unavailable } from "@troupe/persistence/StoreError"
import * as Versioned from "@troupe/persistence/Versioned"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { missing: Schema.Int }) {}

const Account = Actor.make("Account", {
  protocol: RpcGroup.make(
    Rpc.make("Deposit", { payload: { amount: Schema.Int } }),
    Rpc.make("Withdraw", { payload: { amount: Schema.Int }, success: Schema.Int, error: Overdrawn }),
    Rpc.make("Balance", { success: Schema.Int }),
    Rpc.make("Close")
  )
})

const Event = Schema.Union([
  Schema.TaggedStruct("Deposited", { amount: Schema.Int }),
  Schema.TaggedStruct("Withdrawn", { amount: Schema.Int })
])
type Event = typeof Event.Type

/** What the effects after storing are heard by. */
class Audit
  extends Context.Service<Audit, { readonly note: (text: string) => Effect.Effect<void> }>()("test/Audit")
{}

const account = (options: {
  readonly events?: Versioned.Versioned<Event>
  readonly snapshots?: SnapshotPolicy.SnapshotPolicy<number, Event>
  readonly recovering?: (progress: EventSourced.Progress) => Effect.Effect<void>
  readonly passivation?: Actor.Passivation
} = {}) =>
  EventSourced.toLayer(Account, {
    state: Schema.Int,
    events: Event,
    ...options,
    initial: () => 0,
    apply: (balance, event) => {
      if (event.amount === 666) throw new Error("no such amount")
      return event._tag === "Deposited" ? balance + event.amount : balance - event.amount
    },
    commands: {
      Deposit: (_, { amount }) =>
        EventSourced.andThen(
          EventSourced.persist({ _tag: "Deposited", amount }),
          (balance: number) => Effect.flatMap(Audit, (audit) => audit.note(`balance ${balance}`))
        ),
      Withdraw: (balance, { amount }) =>
        amount > balance
          ? EventSourced.fail(new Overdrawn({ missing: amount - balance }))
          : EventSourced.persist({ _tag: "Withdrawn", amount }, (balance) => balance),
      Balance: (balance) => Effect.succeed(EventSourced.reply(balance)),
      Close: () => EventSourced.stop()
    }
  })

/** A storage that stays while systems come and go. */
const storage = Effect.map(Layer.build(MemoryStorage.layer), Layer.succeedContext)

/** Runs with a system of its own over the storage, as a process would; what was noted, too. */
const run = <A, E, R>(
  use: Effect.Effect<A, E, R>,
  live: Layer.Layer<
    Actor.Hosted<"Account">,
    never,
    ActorSystem.ActorSystem | Journal.Journal | SnapshotStore | Audit
  > = account()
) =>
  Effect.gen(function*() {
    const notes = yield* Ref.make<ReadonlyArray<string>>([])
    const audit = Layer.succeed(Audit, { note: (text) => Ref.update(notes, (all) => [...all, text]) })
    const value = yield* use.pipe(Effect.provide(Layer.provide(live, [ActorSystem.layer, audit])))
    return [value, yield* Ref.get(notes)] as const
  })

/** A journal that has a write at once, and has stored it when `sync` is done. */
const storedBy = (sync: Effect.Effect<void, StoreError>) =>
  Layer.effect(
    Journal.Journal,
    Effect.map(Journal.Journal, (journal) => ({
      ...journal,
      durability: "batch" as const,
      sync,
      writeUnsafe: (id: string, expected: number, events: ReadonlyArray<Uint8Array>) => {
        const accepted = Effect.runSyncExit(journal.writeUnsafe(id, expected, events))
        return Exit.map(accepted, ({ last }) => ({ last, stored: sync }))
      }
    }))
  )

const settle = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })

const keyed = (key: string) => Account.keyed(key)

const stored = (id: string) =>
  Effect.flatMap(Journal.Journal, (journal) => Stream.runCollect(journal.read(id))).pipe(
    Effect.map((events) => Array.from(events, ({ sequence }) => sequence))
  )

describe("EventSourced", () => {
  describe("commands", () => {
    it.effect("are answered from the state after their events, or refused with nothing stored", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        yield* Effect.gen(function*() {
          const [, notes] = yield* run(Effect.gen(function*() {
            const a = yield* keyed("a")
            yield* a.ask("Deposit", { amount: 100 })
            assert.strictEqual(yield* a.ask("Withdraw", { amount: 30 }), 70)
            const refused = yield* Effect.flip(a.ask("Withdraw", { amount: 100 }))
            assert.deepStrictEqual(refused, new Overdrawn({ missing: 30 }))
            assert.strictEqual(yield* a.ask("Balance"), 70)
          }))
          assert.deepStrictEqual(notes, ["balance 100"])
          assert.deepStrictEqual(yield* stored("Account/a"), [1, 2])
        }).pipe(Effect.provide(memory))
      }))

    it.effect("are stored before their effects run and before they are answered (S110)", () =>
      Effect.gen(function*() {
        const gate = yield* Latch.make()
        const memory = yield* storage
        const slow = storedBy(gate.await)
        const [, notes] = yield* run(Effect.gen(function*() {
          const a = yield* keyed("a")
          const asked = yield* Effect.forkChild(a.ask("Deposit", { amount: 1 }))
          yield* Effect.yieldNow
          yield* Effect.yieldNow
          assert.isUndefined(asked.pollUnsafe())
          yield* gate.open
          yield* Fiber.join(asked)
        })).pipe(Effect.provide(Layer.provideMerge(slow, memory)))
        assert.deepStrictEqual(notes, ["balance 1"])
      }))

    it.effect("go on while events are on their way to the disk; nobody hears of them before (S110)", () =>
      Effect.gen(function*() {
        const gate = yield* Latch.make(true)
        const memory = yield* storage
        yield* run(Effect.gen(function*() {
          const a = yield* keyed("a")
          yield* a.ask("Deposit", { amount: 100 })
          yield* gate.close
          const answers: Array<number | string> = []
          const asked = (ask: Effect.Effect<number, unknown>) =>
            Effect.forkChild(Effect.matchEffect(ask, {
              onSuccess: (balance) => Effect.sync(() => void answers.push(balance)),
              onFailure: (error) => Effect.sync(() => void answers.push(String(error)))
            }))
          const fibers = yield* Effect.forEach([
            a.ask("Withdraw", { amount: 10 }),
            a.ask("Withdraw", { amount: 20 }),
            a.ask("Balance"),
            a.ask("Withdraw", { amount: 30 })
          ], asked)
          yield* settle
          // Balance is an Effect, for which what comes behind it waits.
          assert.deepStrictEqual(yield* stored("Account/a"), [1, 2, 3])
          assert.deepStrictEqual(answers, [])
          yield* gate.open
          yield* Fiber.joinAll(fibers)
          assert.deepStrictEqual(answers, [90, 70, 70, 40])
          yield* gate.close
          const refused = yield* Effect.forEach([
            a.ask("Withdraw", { amount: 40 }),
            a.ask("Withdraw", { amount: 1 })
          ], asked)
          yield* settle
          assert.strictEqual(answers.length, 4)
          yield* gate.open
          yield* Fiber.joinAll(refused)
          assert.deepStrictEqual(answers.slice(4), [0, String(new Overdrawn({ missing: 1 }))])
        })).pipe(Effect.provide(Layer.provideMerge(storedBy(gate.await), memory)))
      }))

    it.effect("whose events do not get to the disk fail, all of them, and their actor (S111)", () =>
      Effect.gen(function*() {
        const gate = yield* Latch.make(true)
        let broken = false
        const memory = yield* storage
        const sync = Effect.andThen(
          gate.await,
          Effect.suspend(() => broken ? Effect.fail(unavailable("a", new Error("no disk"))) : Effect.void)
        )
        yield* run(Effect.gen(function*() {
          const a = yield* keyed("a")
          yield* a.ask("Deposit", { amount: 100 })
          yield* gate.close
          const asks = yield* Effect.forEach(
            [1, 2, 3],
            (amount) => Effect.forkChild(Effect.flip(a.ask("Withdraw", { amount })))
          )
          yield* settle
          broken = true
          yield* gate.open
          for (const error of yield* Fiber.joinAll(asks)) assert.match(String(error), /no disk/)
          // What comes after may not see what is not on the disk either.
          assert.match(String(yield* Effect.flip(a.ask("Balance"))), /no disk/)
          broken = false
          assert.strictEqual(yield* a.ask("Balance"), 94)
        })).pipe(Effect.provide(Layer.provideMerge(storedBy(sync), memory)))
      }))

    it.effect("fail their actor when their events cannot be stored; it recovers what was (S111)", () =>
      Effect.gen(function*() {
        let broken = false
        const memory = yield* storage
        const failing = Layer.effect(
          Journal.Journal,
          Effect.map(Journal.Journal, (journal) => ({
            ...journal,
            writeUnsafe: (id: string, expected: number, events: ReadonlyArray<Uint8Array>) =>
              broken
                ? Effect.fail(unavailable(id, new Error("no room")))
                : journal.writeUnsafe(id, expected, events)
          }))
        )
        const [, notes] = yield* run(Effect.gen(function*() {
          const a = yield* keyed("a")
          yield* a.ask("Deposit", { amount: 10 })
          broken = true
          const failed = yield* Effect.flip(a.ask("Deposit", { amount: 1 }))
          assert.match(String(failed), /no room/)
          broken = false
          assert.strictEqual(yield* a.ask("Balance"), 10)
        })).pipe(Effect.provide(Layer.provideMerge(failing, memory)))
        assert.deepStrictEqual(notes, ["balance 10"])
      }))

    it.effect("of an event that cannot be applied are not stored", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        yield* run(Effect.gen(function*() {
          const a = yield* keyed("a")
          yield* Effect.flip(a.ask("Deposit", { amount: 666 }))
          assert.strictEqual(yield* a.ask("Balance"), 0)
        })).pipe(Effect.provide(memory))
        assert.deepStrictEqual(yield* Effect.provide(stored("Account/a"), memory), [])
      }))

    it.effect("of two actors with one id: the one that comes late fails, and recovers what the other wrote (S113)", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        yield* run(Effect.gen(function*() {
          const a = yield* keyed("a")
          yield* a.ask("Deposit", { amount: 1 })
          yield* run(Effect.flatMap(keyed("a"), (other) => other.ask("Deposit", { amount: 10 })))
          const failed = yield* Effect.flip(a.ask("Deposit", { amount: 100 }))
          assert.match(String(failed), /expected 1 to be the last, found 2/)
          assert.strictEqual(yield* a.ask("Balance"), 11)
        })).pipe(Effect.provide(memory))
      }))
  })

  describe("recovery", () => {
    it.effect("gives back the state, in another process too", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        const use = (amount: number) =>
          Effect.flatMap(keyed("a"), (a) => Effect.andThen(a.ask("Deposit", { amount }), a.ask("Balance")))
        assert.strictEqual((yield* Effect.provide(run(use(1)), memory))[0], 1)
        assert.strictEqual((yield* Effect.provide(run(use(10)), memory))[0], 11)
      }))

    it.effect("gives it back to those who have left memory (S68)", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        const recovered: Array<number> = []
        const live = account({
          passivation: { idleTimeToLive: "1 minute" },
          recovering: ({ sequence }) => Effect.sync(() => void recovered.push(sequence))
        })
        yield* run(
          Effect.gen(function*() {
            const a = yield* keyed("a")
            yield* a.ask("Deposit", { amount: 5 })
            yield* TestClock.adjust("3 minutes")
            yield* settle
            assert.strictEqual(yield* a.ask("Withdraw", { amount: 2 }), 3)
          }),
          live
        ).pipe(Effect.provide(memory))
        assert.deepStrictEqual(recovered, [0, 1])
      }))

    it.effect("tells how far it is", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        const progress: Array<EventSourced.Progress> = []
        const live = account({ recovering: (at) => Effect.sync(() => progress.push(at)) })
        const one = Versioned.make(Event).encodeUnsafe({ _tag: "Deposited", amount: 1 })
        yield* Effect.provide(
          Journal.append("Account/a", 0, Array.from({ length: 25_000 }, () => one)),
          memory
        )
        const [balance] = yield* Effect.provide(
          run(Effect.flatMap(keyed("a"), (a) => a.ask("Balance")), live),
          memory
        )
        assert.strictEqual(balance, 25_000)
        assert.deepStrictEqual(progress.at(-1), { id: "Account/a", sequence: 25_000, of: 25_000 })
      }))

    it.effect("stops at a poisoned event, and says which (S112)", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        const event = (amount: number) => Versioned.make(Event).encodeUnsafe({ _tag: "Deposited", amount })
        yield* Effect.provide(Journal.append("Account/applied", 0, [event(1), event(666), event(2)]), memory)
        yield* Effect.provide(
          Journal.append("Account/read", 0, [event(1), event(2), new Uint8Array([9, 9])]),
          memory
        )
        yield* run(Effect.gen(function*() {
          const applied = yield* Effect.flip(Effect.flatMap(keyed("applied"), (a) => a.ask("Balance")))
          assert.match(String(applied), /Account\/applied stopped its recovery at 2: no such amount/)
          const read = yield* Effect.flip(Effect.flatMap(keyed("read"), (a) => a.ask("Balance")))
          assert.match(String(read), /Account\/read stopped its recovery at 3/)
        })).pipe(Effect.provide(memory))
        assert.deepStrictEqual(yield* Effect.provide(stored("Account/applied"), memory), [1, 2, 3])
      }))

    it.effect("reads what an older program stored", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        const Old = Schema.Struct({ plus: Schema.Int })
        const old = Versioned.make(Old)
        yield* Effect.provide(Journal.append("Account/a", 0, [old.encodeUnsafe({ plus: 7 })]), memory)
        const events = old.pipe(
          Versioned.next(Event, ({ plus }): Event => ({ _tag: "Deposited", amount: plus }))
        )
        const use = Effect.flatMap(keyed("a"), (a) =>
          Effect.andThen(a.ask("Deposit", { amount: 1 }), a.ask("Balance")))
        assert.strictEqual((yield* Effect.provide(run(use, account({ events })), memory))[0], 8)
        assert.strictEqual((yield* Effect.provide(run(use, account({ events })), memory))[0], 9)
      }))
  })

  describe("snapshots", () => {
    const deposits = (count: number) =>
      Effect.flatMap(keyed("a"), (a) =>
        Effect.andThen(
          Effect.forEach(
            Array.from({ length: count }),
            () => Effect.andThen(a.ask("Deposit", { amount: 1 }), Effect.yieldNow)
          ),
          a.ask("Balance")
        ))

    it.effect("are taken after so many events, kept as many as are to be, and recovered from", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        const snapshots = SnapshotPolicy.every(10).pipe(SnapshotPolicy.keeping(2, { discardEvents: true }))
        yield* Effect.provide(run(deposits(45), account({ snapshots })), memory)
        const sequences = yield* Effect.provide(
          Effect.flatMap(SnapshotStore, (store) => store.sequences("Account/a")),
          memory
        )
        assert.deepStrictEqual(sequences, [30, 40])
        assert.strictEqual((yield* Effect.provide(stored("Account/a"), memory))[0], 31)
        assert.strictEqual((yield* Effect.provide(run(deposits(1), account({ snapshots })), memory))[0], 46)
      }))

    it.effect("are there when the actor ends at once (S114)", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        const live = account({ snapshots: SnapshotPolicy.every(2) })
        const twice = Effect.flatMap(keyed("a"), (a) => {
          const deposit = a.ask("Deposit", { amount: 1 })
          return Effect.all([deposit, deposit], { concurrency: "unbounded" })
        })
        yield* Effect.provide(run(twice, live), memory)
        const sequences = Effect.flatMap(SnapshotStore, (store) => store.sequences("Account/a"))
        assert.deepStrictEqual(yield* Effect.provide(sequences, memory), [2])
      }))

    it.effect("are taken when time has passed, or when a predicate says so", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        const snapshots = SnapshotPolicy.spaced("1 minute").pipe(
          SnapshotPolicy.or(SnapshotPolicy.when<number, Event>(({ state }) => state === 3)),
          SnapshotPolicy.keeping(10)
        )
        yield* Effect.provide(
          run(
            Effect.gen(function*() {
              yield* deposits(3)
              yield* TestClock.adjust("1 minute")
              yield* deposits(2)
            }),
            account({ snapshots })
          ),
          memory
        )
        const sequences = yield* Effect.provide(
          Effect.flatMap(SnapshotStore, (store) => store.sequences("Account/a")),
          memory
        )
        assert.deepStrictEqual(sequences, [3, 4])
      }))

    it.effect("that cannot be kept stop nothing (S114)", () =>
      Effect.gen(function*() {
        const memory = yield* storage
        const broken = Layer.effect(
          SnapshotStore,
          Effect.map(SnapshotStore, (store) => ({
            ...store,
            save: (id: string) => Effect.fail(unavailable(id, new Error("no room")))
          }))
        )
        const [balance] = yield* Effect.provide(
          run(deposits(5), account({ snapshots: SnapshotPolicy.every(2) })),
          Layer.provideMerge(broken, memory)
        )
        assert.strictEqual(balance, 5)
      }))

    it("are refused where a number makes no sense", () => {
      assert.throws(() => SnapshotPolicy.every(0), RangeError)
      assert.throws(() => SnapshotPolicy.keeping(SnapshotPolicy.every(1), 0), RangeError)
    })
  })
})

const Profile = Actor.make("Profile", {
  protocol: RpcGroup.make(
    Rpc.make("Rename", { payload: { name: Schema.String }, success: Schema.String }),
    Rpc.make("Name", { success: Schema.String })
  )
})

const ProfileLive = DurableState.toLayer(Profile, {
  state: Schema.Struct({ name: Schema.String }),
  initial: () => ({ name: "nobody" }),
  commands: {
    Rename: (old, { name }) => DurableState.save({ name }, (now) => `${old.name} -> ${now.name}`),
    Name: ({ name }) => DurableState.reply(name)
  }
})

describe("DurableState", () => {
  const use = <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.provide(self, Layer.fresh(Layer.provide(ProfileLive, ActorSystem.layer)))

  it.effect("gives back the last state, in another process too", () =>
    Effect.gen(function*() {
      const memory = yield* storage
      const rename = (name: string) =>
        use(Effect.flatMap(Profile.keyed("p"), (p) => p.ask("Rename", { name })))
      assert.strictEqual(yield* Effect.provide(rename("one"), memory), "nobody -> one")
      assert.strictEqual(yield* Effect.provide(rename("two"), memory), "one -> two")
    }))

  it.effect("does not overwrite what somebody else has saved (S113)", () =>
    Effect.gen(function*() {
      const memory = yield* storage
      yield* use(Effect.gen(function*() {
        const p = yield* Profile.keyed("p")
        yield* p.ask("Rename", { name: "one" })
        yield* use(Effect.flatMap(Profile.keyed("p"), (other) => other.ask("Rename", { name: "other" })))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(p.ask("Rename", { name: "lost" }))))
        assert.strictEqual(yield* p.ask("Name"), "other")
      })).pipe(Effect.provide(memory))
    }))
})
