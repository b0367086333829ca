/**
 * A bank whose total never changes, whatever happens to its accounts and to the messages between them.
 *
 * An account's handlers change its entry of the ledger in one go: what it owes others stands there, under a number, until
 * it is confirmed, and a number that was credited is not credited again. So a transfer that is lost is sent again, and
 * one that comes twice comes once.
 */
import { Actor, ActorRef, ActorSystem } from "@troupe/runtime"
import { Child, Faults, RestartPolicy, Supervisor } from "@troupe/supervision"
import { Context, Effect, Fiber, Layer, References, Schedule, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import { check, Digest, hits, messageKinds, numbers, type Scenario, settings, settle } from "./Scenario.ts"

interface Entry {
  balance: number
  next: number
  readonly credited: Set<string>
  /** What was taken from the balance, and is not confirmed. */
  readonly owed: Map<string, { readonly to: string; readonly amount: number }>
}

/** Outlives the accounts, as a database would. */
class Ledger extends Context.Service<Ledger, ReadonlyMap<string, Entry>>()("faults/Ledger") {}

const Account = Actor.make("Account", {
  protocol: RpcGroup.make(
    Rpc.make("Pay", { payload: { to: Schema.String, amount: Schema.Int } }),
    Rpc.make("Credit", { payload: { number: Schema.String, from: Schema.String, amount: Schema.Int } }),
    Rpc.make("Credited", { payload: { number: Schema.String } }),
    /** Sends again what is not confirmed. */
    Rpc.make("Remind"),
    Rpc.make("Balance", { success: Schema.Int })
  ),
  args: Schema.String,
  // What does not fit is sent again, as what was lost is.
  mailbox: { capacity: 256, overflow: "dropNewest" }
})

type Ref = Actor.Ref<typeof Account>

const owners = Array.from({ length: 12 }, (_, n) => `account-${n}`)
const OPENING = 1000

const accounts = (refs: ReadonlyMap<string, Ref>, mistaken: (mistake: string) => boolean) =>
  Account.toLayer({
    state: Actor.opaque<{ readonly owner: string; readonly entry: Entry }>(),
    initial: (owner) => Effect.map(Ledger, (ledger) => ({ owner, entry: ledger.get(owner)! })),
    handlers: {
      Pay: (state, { amount, to }, ctx) => {
        const { entry, owner } = state
        if (entry.balance < amount) return Actor.next(state)
        const number = `${owner}/${entry.next++}`
        entry.balance -= amount
        entry.owed.set(number, { to, amount })
        ctx.send(refs.get(to)!, "Credit", { number, from: owner, amount })
        return Actor.next(state)
      },
      Credit: (state, { amount, from, number }, ctx) => {
        const { entry } = state
        if (!entry.credited.has(number) || mistaken("credits-twice")) {
          entry.credited.add(number)
          entry.balance += amount
        }
        ctx.send(refs.get(from)!, "Credited", { number })
        return Actor.next(state)
      },
      Credited: (state, { number }) => {
        state.entry.owed.delete(number)
        return Actor.next(state)
      },
      Remind: (state, _, ctx) => {
        if (mistaken("settles-unheard")) state.entry.owed.clear()
        if (mistaken("sends-once")) return Actor.next(state)
        for (const [number, { amount, to }] of state.entry.owed) {
          ctx.send(refs.get(to)!, "Credit", { number, from: state.owner, amount })
        }
        return Actor.next(state)
      },
      Balance: (state) => Actor.reply(state, state.entry.balance)
    }
  })

/** Balances, and what is on its way: what an account owes and the other one has not been credited with. */
const totalOf = (ledger: ReadonlyMap<string, Entry>): number => {
  let total = 0
  for (const { balance, owed } of ledger.values()) {
    total += balance
    for (const [number, { amount, to }] of owed) if (!ledger.get(to)!.credited.has(number)) total += amount
  }
  return total
}

const Bank = Supervisor.make("Bank", {
  intensity: "unlimited",
  policy: RestartPolicy.restart.pipe(
    RestartPolicy.withSchedule(Schedule.min([Schedule.exponential("5 millis"), Schedule.spaced("50 millis")]))
  ),
  children: owners.map((owner) => Child.actor(owner, Account, { args: owner, shutdown: "10 millis" }))
})

const ROUND_MILLIS = 100

export const bank: Scenario = {
  description:
    "accounts that fail, hang and lose messages: their total never changes (one thread, virtual time)",
  kinds: [...messageKinds, "full"],
  mistakes: {
    "settles-unheard": "what was sent counts as arrived: money is lost with messages",
    "credits-twice": "numbers are not looked at: money is made of messages that come twice",
    "sends-once": "nothing is sent again: transfers are never confirmed"
  },
  run: (options) =>
    Effect.gen(function*() {
      const { seconds, seed } = options
      const { decided, mistaken, stopped } = settings(options)
      const ledger = new Map(owners.map((owner): [string, Entry] => [
        owner,
        { balance: OPENING, next: 0, credited: new Set(), owed: new Map() }
      ]))
      const handlers = { throw: 0.005, die: 0.005, fail: 0.005, kill: 0.005, stop: 0.005, hang: 0.002 }
      const deliveries = { drop: 0.02, duplicate: 0.02, delay: 0.02, reorder: 0.02 }
      const faults = yield* Faults.make({
        seed,
        rates: options.rates ?? { ...handlers, ...deliveries, full: 0.01 },
        victims: ({ name }) => name === "Account",
        onHit: (kind, { name }, tag) => decided(`${kind} ${name} ${tag}`.trimEnd())
      })
      const refs = new Map<string, Ref>()
      const total = OPENING * owners.length
      const random = numbers(seed)
      const digest = new Digest()
      let payments = 0
      let killed = 0
      const rounds = Math.max(1, Math.round(seconds * 1000 / ROUND_MILLIS))

      const program = Effect.gen(function*() {
        for (const owner of owners) refs.set(owner, yield* Effect.orDie(Supervisor.child(Bank, owner)))
        /** Asks all for their balances; who does not answer hangs, and is killed. */
        const round = Effect.gen(function*() {
          const asking = yield* Effect.forEach(
            refs.values(),
            (ref) => Effect.forkChild(Effect.exit(ref.ask("Balance", undefined, { timeout: "60 millis" })))
          )
          yield* TestClock.adjust(ROUND_MILLIS)
          yield* settle
          const answers = yield* Effect.forEach(asking, Fiber.join)
          let at = 0
          for (const ref of refs.values()) {
            if (answers[at++]!._tag === "Success") continue
            killed++
            decided(`kill ${owners[at - 1]}`)
            yield* ActorRef.kill(ref)
          }
          yield* check(totalOf(ledger) === total, `the total is ${totalOf(ledger)}, and was ${total}`)
        })
        let played = 0
        for (; played < rounds && !stopped(); played++) {
          for (let payment = 0; payment < 20; payment++) {
            const [from, to] = [owners[random(owners.length)]!, owners[random(owners.length)]!]
            payments++
            yield* refs.get(from)!.tell("Pay", { to, amount: 1 + random(200) })
          }
          for (const ref of refs.values()) yield* ref.tell("Remind")
          yield* round
          digest.add(Array.from(ledger.values(), ({ balance, owed }) => [balance, owed.size]))
        }
        // At rest nothing is on its way, and the balances alone are the total.
        yield* faults.pause
        for (let n = 0; n < 10; n++) {
          for (const ref of refs.values()) yield* ref.tell("Remind")
          yield* round
        }
        const owed = Array.from(ledger.values()).reduce((sum, { owed }) => sum + owed.size, 0)
        yield* check(owed === 0, `${owed} transfers are not confirmed at rest`)
        const running = yield* Supervisor.running(Bank)
        const infos = yield* running.which
        yield* check(infos.every(({ status }) => status === "up"), "an account is not up at rest")
        return [
          ["rounds", played],
          ["payments asked for", payments],
          ["faults", yield* hits(faults)],
          ["accounts restarted", infos.reduce((sum, { starts }) => sum + starts - 1, 0)],
          ["killed since they hung, or were late", killed],
          ["total", total],
          ["digest", digest.text]
        ] as const
      })

      // Hurt, and by a clock on which each second takes a quarter more.
      const slow = Layer.mergeAll(Faults.layer(faults), Faults.layerSlowClock(1.25))
      const system = Layer.provideMerge(
        accounts(refs, mistaken),
        Layer.mergeAll(Layer.succeed(Ledger, ledger), Layer.provide(ActorSystem.layer, slow))
      )
      return yield* program.pipe(
        Effect.provide(Supervisor.layer(Bank)),
        Effect.provide(system),
        Effect.catchTag("StartError", Effect.die),
        Effect.provideService(References.MinimumLogLevel, "None")
      )
    }).pipe(Effect.provide(TestClock.layer()))
}
