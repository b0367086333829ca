/** What must and must not compile, of actors and their references. */
import * as Actor from "@troupe/runtime/Actor"
import type * as ActorContext from "@troupe/runtime/ActorContext"
import * as ActorRef from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as ActorWorker from "@troupe/runtime/ActorWorker"
import type { AskError } from "@troupe/runtime/AskError"
import type { DeadLetter } from "@troupe/runtime/DeadLetter"
import * as Overseer from "@troupe/runtime/Overseer"
import type { PoolError } from "@troupe/runtime/PoolError"
import type { WorkerPool } from "@troupe/runtime/WorkerPool"
import type { SpawnError } from "@troupe/runtime/SpawnError"
import type * as Step from "@troupe/runtime/Step"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { type Equal, type IsAny, type None, typed } from "./expect.ts"

class Overdrawn extends Schema.TaggedError<Overdrawn>()("Overdrawn", { missing: Schema.Number }) {}
class Audit extends Context.Service<Audit, { note(balance: number): Effect.Effect<void> }>()("Audit") {}
class Bank extends Context.Service<Bank, { readonly name: string }>()("Bank") {}

const Deposit = Rpc.make("Deposit", { payload: { amount: Schema.Number } })
const Withdraw = Rpc.make("Withdraw", {
  payload: {
    amount: Schema.Number,
    note: Schema.String.pipe(Schema.withConstructorDefault(Effect.succeed("")))
  },
  success: Schema.Number,
  error: Overdrawn
})
const Balance = Rpc.make("Balance", { success: Schema.Number })
const Maybe = Rpc.make("Maybe", {
  payload: Schema.Union([Schema.Void, Schema.String]),
  success: Schema.String
})

const Account = Actor.make("Account", {
  protocol: RpcGroup.make(Deposit, Withdraw, Balance),
  args: Schema.Struct({ opening: Schema.Number })
})
const Counter = Actor.make("Counter", { protocol: RpcGroup.make(Balance, Maybe) })

type Rpcs = typeof Deposit | typeof Withdraw | typeof Balance

// ---- References: names, payloads, answers

declare const account: ActorRef.ActorRef<Rpcs>
declare const counter: ActorRef.ActorRef<typeof Balance | typeof Maybe>

void [
  account.tell("Deposit", { amount: 1 }) satisfies Effect.Effect<void>,
  account.tell("Withdraw", { amount: 1 }),
  account.tell("Withdraw", { amount: 1, note: "rent" }),
  account.tell("Balance"),
  account.offer("Balance") satisfies Effect.Effect<boolean>,
  account.tellUnsafe("Balance") satisfies boolean,
  account.ask("Balance"),
  account.ask("Balance", undefined, { timeout: "1 second" }),
  counter.ask("Maybe"),
  counter.ask("Maybe", "a payload that may be left out"),
  counter.tell("Maybe", "a payload that may be left out"),
  counter.tell("Maybe")
]

// @ts-expect-error: no such message
account.tell("Close")
// @ts-expect-error: no such message
account.tellUnsafe("Close")
// @ts-expect-error: no such message
account.offer("Close")
// @ts-expect-error: no such message
account.ask("Close")
// @ts-expect-error: a payload of another type
account.tell("Deposit", { amount: "1" })
// @ts-expect-error: a payload without its field
account.tell("Deposit", {})
// @ts-expect-error: no payload
account.tell("Deposit")
// @ts-expect-error: a field too many
account.tell("Deposit", { amount: 1, currency: "EUR" })
// @ts-expect-error: a payload where there is none
account.tell("Balance", { amount: 1 })
// @ts-expect-error: a payload where there is none
account.ask("Balance", { amount: 1 })
// @ts-expect-error: a payload of another message
account.ask("Withdraw", { sum: 1 })
// @ts-expect-error: an option that there is not
account.ask("Balance", undefined, { deadline: "1 second" })
// @ts-expect-error: a duration that is none
account.ask("Balance", undefined, { timeout: "soon" })

const withdrawn = account.ask("Withdraw", { amount: 1 })
typed<Equal<typeof withdrawn, Effect.Effect<number, Overdrawn | AskError>>>()
const balance = account.ask("Balance")
typed<Equal<typeof balance, Effect.Effect<number, AskError>>>()
const deposited = account.ask("Deposit", { amount: 1 })
typed<Equal<typeof deposited, Effect.Effect<void, AskError>>>()

// ---- References: variance

declare const narrow: ActorRef.ActorRef<typeof Deposit>
account satisfies ActorRef.ActorRef<typeof Deposit>
account satisfies ActorRef.ActorRef<never>
// @ts-expect-error: it understands less than is wanted
narrow satisfies ActorRef.ActorRef<Rpcs>
// @ts-expect-error: it understands something else
counter satisfies ActorRef.ActorRef<typeof Deposit>

// ---- Spawning

const spawned = Account.spawn({ opening: 1 })
typed<
  Equal<
    typeof spawned,
    Effect.Effect<ActorRef.ActorRef<Rpcs>, SpawnError, Actor.Hosted<"Account"> | Scope.Scope>
  >
>()
void Counter.spawn()
// @ts-expect-error: no arguments
Account.spawn()
// @ts-expect-error: arguments of another type
Account.spawn({ opening: "1" })
// @ts-expect-error: an argument too many
Account.spawn({ opening: 1, closing: 2 })
// @ts-expect-error: arguments where there are none
Counter.spawn({ opening: 1 })

const keyed = Counter.keyed("a")
typed<
  Equal<
    typeof keyed,
    Effect.Effect<ActorRef.ActorRef<typeof Balance | typeof Maybe>, never, Actor.Hosted<"Counter">>
  >
>()
// @ts-expect-error: an actor with arguments is not made by its first message
Account.keyed("a") satisfies Effect.Effect<unknown, never, Actor.Hosted<"Account">>
// @ts-expect-error: an actor with arguments is not made by its first message
Account.byKey satisfies Effect.Effect<unknown, never, Actor.Hosted<"Account">>

// ---- Behaviours

const plain = Account.toLayer({
  state: Schema.Struct({ balance: Schema.Number }),
  initial: ({ opening }, ctx) => {
    typed<Equal<typeof opening, number>>()
    ctx.send(ctx.self, "Deposit", { amount: 1 })
    return { balance: opening }
  },
  handlers: {
    Deposit: (s, { amount }) => Actor.next({ balance: s.balance + amount }),
    Withdraw: (s, { amount, note }, ctx) => {
      typed<Equal<typeof note, string>>()
      typed<Equal<typeof ctx.replier, ActorContext.Replier<number, Overdrawn> | undefined>>()
      return amount > s.balance
        ? Actor.fail(s, new Overdrawn({ missing: 1 }))
        : Actor.reply({ balance: s.balance - amount }, s.balance - amount)
    },
    Balance: (s, payload) => {
      typed<Equal<typeof payload, void>>()
      return Actor.reply(s, s.balance)
    }
  }
})
typed<Equal<typeof plain, Layer.Layer<Actor.Hosted<"Account">, never, ActorSystem.ActorSystem>>>()

const state = Schema.Number
const initial = () => 0
const Deposits = (s: number) => Actor.next(s)
const Withdraws = (s: number) => Actor.later(s)
const Balances = (s: number) => Actor.reply(s, s)

/** Every step where it may stand. */
Account.toLayer({
  state,
  initial,
  handlers: { Deposit: () => Actor.stop(), Withdraw: () => Actor.stop(1), Balance: Balances }
})
Account.toLayer({
  state,
  initial,
  handlers: { Deposit: Deposits, Withdraw: () => Actor.crash("on purpose"), Balance: () => Actor.crash(1) }
})
Account.toLayer({
  state,
  initial,
  handlers: {
    Deposit: Deposits,
    Withdraw: () => Effect.fail(new Overdrawn({ missing: 1 })),
    Balance: (s) => Effect.succeed(Actor.later(s))
  }
})

Account.toLayer({
  state,
  initial,
  // @ts-expect-error: a handler is missing
  handlers: { Deposit: Deposits, Withdraw: Withdraws }
})
Account.toLayer({
  state,
  initial,
  // @ts-expect-error: a handler for no message
  handlers: { Deposit: Deposits, Withdraw: Withdraws, Balance: Balances, Close: Deposits }
})
Account.toLayer({
  state,
  initial,
  handlers: {
    Deposit: Deposits,
    Withdraw: Withdraws,
    // @ts-expect-error: an answer is owed
    Balance: (s) => Actor.next(s)
  }
})
Account.toLayer({
  state,
  initial,
  handlers: {
    Deposit: Deposits,
    Withdraw: Withdraws,
    // @ts-expect-error: an answer is owed
    Balance: () => Actor.stop()
  }
})
Account.toLayer({
  state,
  initial,
  handlers: {
    Deposit: Deposits,
    Withdraw: Withdraws,
    // @ts-expect-error: an answer of another type
    Balance: (s) => Actor.reply(s, "1")
  }
})
Account.toLayer({
  state,
  initial,
  handlers: {
    Deposit: Deposits,
    Withdraw: Withdraws,
    // @ts-expect-error: an answer of another type, in an effect
    Balance: (s) => Effect.succeed(Actor.reply(s, "1"))
  }
})
Account.toLayer({
  state,
  initial,
  handlers: {
    Deposit: Deposits,
    Withdraw: Withdraws,
    // @ts-expect-error: an error that is not declared
    Balance: (s) => Actor.fail(s, new Overdrawn({ missing: 1 }))
  }
})
Account.toLayer({
  state,
  initial,
  handlers: {
    Deposit: Deposits,
    Withdraw: Withdraws,
    // @ts-expect-error: an error that is not declared, in an effect
    Balance: () => Effect.fail(new Overdrawn({ missing: 1 }))
  }
})
Account.toLayer({
  state,
  initial,
  handlers: {
    // @ts-expect-error: a state of another type
    Deposit: () => Actor.next("1"),
    Withdraw: Withdraws,
    Balance: Balances
  }
})
Account.toLayer({
  state,
  initial,
  handlers: {
    // @ts-expect-error: no step
    Deposit: (s) => s,
    Withdraw: Withdraws,
    Balance: Balances
  }
})
Account.toLayer({
  state,
  // @ts-expect-error: a first state of another type
  initial: () => "0",
  handlers: { Deposit: Deposits, Withdraw: Withdraws, Balance: Balances }
})
Account.toLayer({
  state,
  // @ts-expect-error: a start that may fail
  initial: () => Effect.fail("no"),
  handlers: { Deposit: Deposits, Withdraw: Withdraws, Balance: Balances }
})

// ---- What a behaviour needs

const scoped = Effect.acquireRelease(Effect.succeed(0), () => Effect.void)
const effectful = Account.toLayer({
  state,
  initial: () => Effect.andThen(scoped, Effect.map(Bank, () => 0)),
  handlers: {
    Deposit: (s) => Effect.andThen(scoped, Effect.map(Audit, () => Actor.next(s))),
    Withdraw: Withdraws,
    Balance: (s) => Effect.map(Counter.keyed("a"), () => Actor.reply(s, s))
  }
})
typed<
  Equal<
    typeof effectful,
    Layer.Layer<
      Actor.Hosted<"Account">,
      never,
      ActorSystem.ActorSystem | Audit | Bank | Actor.Hosted<"Counter">
    >
  >
>()

const itsLike = Counter.toLayer({
  state,
  initial,
  handlers: {
    Balance: (s) => Effect.map(Counter.keyed("b"), () => Actor.reply(s, s)),
    Maybe: (s) => Actor.later(s)
  }
})
typed<Equal<typeof itsLike, Layer.Layer<Actor.Hosted<"Counter">, never, ActorSystem.ActorSystem>>>()

const inEffect = Counter.toLayer(
  Effect.map(Bank, (bank) =>
    Counter.of({
      state,
      initial,
      handlers: { Balance: Balances, Maybe: (s) => Actor.reply(s, bank.name) }
    }))
)
typed<Equal<typeof inEffect, Layer.Layer<Actor.Hosted<"Counter">, never, ActorSystem.ActorSystem | Bank>>>()

const failing = Counter.toLayer(
  Effect.flatMap(
    Effect.fail("no behaviour" as const),
    () =>
      Effect.succeed(
        Counter.of({ state, initial, handlers: { Balance: Balances, Maybe: (s) => Actor.reply(s, "") } })
      )
  )
)
typed<Equal<typeof failing, Layer.Layer<Actor.Hosted<"Counter">, "no behaviour", ActorSystem.ActorSystem>>>()

const opaque = Counter.toLayer({
  state: Actor.opaque<{ readonly handle: symbol }>(),
  initial: () => ({ handle: Symbol() }),
  handlers: {
    Balance: (s) => {
      typed<Equal<typeof s, { readonly handle: symbol }>>()
      return Actor.reply(s, 1)
    },
    Maybe: (s, payload) => {
      typed<Equal<typeof payload, string | void>>()
      return Actor.reply(s, "")
    }
  }
})

// ---- Systems

const workers = ActorSystem.layerWorkers({ entry: new URL("file:///worker.ts"), hosts: [Account, Counter] })
typed<
  Equal<
    typeof workers,
    Layer.Layer<
      ActorSystem.ActorSystem | WorkerPool | Actor.Hosted<"Account"> | Actor.Hosted<"Counter">,
      PoolError
    >
  >
>()

const program = Effect.gen(function*() {
  const account = yield* Account.spawn({ opening: 1 })
  const counter = yield* Counter.keyed("a")
  yield* counter.tell("Balance")
  return yield* account.ask("Balance")
})
const onWorkers = program.pipe(Effect.scoped, Effect.provide(workers))
typed<Equal<typeof onWorkers, Effect.Effect<number, AskError | SpawnError | PoolError>>>()
const onThisThread = program.pipe(
  Effect.scoped,
  Effect.provide(Layer.mergeAll(plain, opaque)),
  Effect.provide(ActorSystem.layer)
)
typed<Equal<typeof onThisThread, Effect.Effect<number, AskError | SpawnError>>>()

const notHosted = program.pipe(
  Effect.scoped,
  Effect.provide(ActorSystem.layerWorkers({ entry: new URL("file:///worker.ts"), hosts: [Account] }))
)
// @ts-expect-error: Counter is not hosted
notHosted satisfies Effect.Effect<number, unknown>

void (() => ActorWorker.run(Layer.mergeAll(plain, opaque)))
// @ts-expect-error: what it needs is not there
void (() => ActorWorker.run(effectful))

// ---- No `any` in what a user sees

type Results = {
  readonly account: typeof Account
  readonly spawn: ReturnType<typeof Account.spawn>
  readonly keyed: Effect.Success<typeof keyed>
  readonly byKey: Effect.Success<typeof Counter.byKey>
  readonly tell: ReturnType<typeof account.tellUnsafe>
  readonly ask: Effect.Success<typeof withdrawn>
  readonly askError: Effect.Error<typeof withdrawn>
  readonly layer: typeof effectful
  readonly layerServices: Layer.Services<typeof effectful>
  readonly layerError: Layer.Error<typeof plain>
  readonly workers: Layer.Success<typeof workers>
  readonly workersError: Layer.Error<typeof workers>
  readonly step: typeof Deposits extends (s: number) => infer Result ? Result : never
  readonly next: Step.Step<number, void>
  readonly stats: Effect.Success<ActorSystem.ActorSystem["Service"]["stats"]>
  readonly deadLetter: Stream.Success<ActorSystem.ActorSystem["Service"]["deadLetters"]>
  readonly program: Effect.Success<typeof onWorkers>
  readonly programError: Effect.Error<typeof onWorkers>
  readonly payload: Parameters<Actor.Handler<Rpcs, typeof Withdraw, number>>[1]
  readonly context: Parameters<Actor.Handler<Rpcs, typeof Withdraw, number>>[2]
  readonly args: typeof Account.args.Type
  readonly reason: DeadLetter["reason"]
  readonly askReason: AskError["reason"]
  readonly poolReason: PoolError["reason"]
}
typed<None<{ readonly [K in keyof Results]: IsAny<Results[K]> }[keyof Results]>>()
typed<Equal<Stream.Success<ActorSystem.ActorSystem["Service"]["deadLetters"]>, DeadLetter>>()

// ---- Signals, children, overseers

const signals = Account.toLayer({
  state,
  initial,
  handlers: { Deposit: Deposits, Withdraw: Withdraws, Balance: Balances },
  signals: {
    Terminated: (s, { exit, ref }, ctx) => {
      typed<Equal<typeof s, number>>()
      typed<Equal<typeof exit, Exit.Exit<void, unknown>>>()
      typed<Equal<typeof ref, ActorRef.ActorRef<never>>>()
      ctx.watch(counter)
      ctx.stop(account, { now: true })
      return Effect.as(Audit, Actor.next(s))
    }
  }
})
typed<Equal<Layer.Services<typeof signals>, ActorSystem.ActorSystem | Audit>>()
Account.toLayer({
  state,
  initial,
  handlers: { Deposit: Deposits, Withdraw: Withdraws, Balance: Balances },
  // @ts-expect-error: there is no such signal
  signals: { Bored: () => Actor.stop() }
})

declare const accounts: Actor.Spawner<Rpcs, typeof Account.args>
declare const ctx: ActorContext.ActorContext<Rpcs>
declare const overseer: Overseer.Overseer
const child = () => ctx.spawn(accounts, { opening: 1 })
typed<Equal<ReturnType<typeof child>, ActorRef.ActorRef<Rpcs>>>()
// @ts-expect-error: arguments are owed
void (() => ctx.spawn(accounts))
typed<
  Equal<
    typeof Account.spawner,
    Effect.Effect<Actor.Spawner<Rpcs, typeof Account.args>, never, Actor.Hosted<"Account">>
  >
>()
const overseen = Overseer.spawn(Account, overseer, { opening: 1 })
typed<
  Equal<
    typeof overseen,
    Effect.Effect<Overseer.Child<Rpcs>, SpawnError, Actor.Hosted<"Account"> | Scope.Scope>
  >
>()
void [
  ActorRef.await(account) satisfies Effect.Effect<Exit.Exit<void, unknown>>,
  account.pipe(ActorRef.stop({ now: true })) satisfies Effect.Effect<void>,
  ActorRef.kill(counter) satisfies Effect.Effect<void>
]

// ---- Literals of a first state

const Door = Actor.make("Door", { protocol: RpcGroup.make(Rpc.make("Push")) })
const DoorState = Schema.Struct({
  status: Schema.Literals(["open", "shut"]),
  last: Schema.Union([
    Schema.TaggedStruct("Nobody", {}),
    Schema.TaggedStruct("Guest", { name: Schema.String })
  ])
})
type DoorState = typeof DoorState.Type
const push = { Push: (state: DoorState) => Actor.next(state) }

void [
  Door.toLayer({
    state: DoorState,
    initial: () => ({ status: "shut", last: { _tag: "Nobody" } }),
    handlers: push
  }),
  Door.toLayer({
    state: DoorState,
    initial: (_, { key }) => ({
      status: key === "a" ? "open" : "shut",
      last: { _tag: "Guest", name: "ada" }
    }),
    handlers: {
      Push: (state) =>
        Effect.gen(function*() {
          yield* Effect.void
          return Actor.next({ ...state, status: "open" })
        })
    }
  }),
  Door.of({
    state: Actor.opaque<DoorState>(),
    initial: () => ({ status: "shut", last: { _tag: "Nobody" } }),
    handlers: push
  }),
  Door.toLayer({
    state: Schema.Literals(["a", "b"]),
    initial: () => "a",
    handlers: { Push: () => Actor.next("b") }
  }),
  Door.toLayer({
    state: Actor.opaque<Array<string>>(),
    initial: () => [],
    handlers: { Push: (s) => Actor.next(s) }
  }),
  Door.toLayer({
    state: DoorState,
    // @ts-expect-error -- no such status
    initial: () => ({ status: "ajar", last: { _tag: "Nobody" } }),
    handlers: push
  }),
  // @ts-expect-error -- a field is missing
  Door.toLayer({ state: DoorState, initial: () => ({ status: "open" }), handlers: push })
]
