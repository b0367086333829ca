/**
 * Vaults whose state is in a journal, on storage that fails: what was acknowledged is there, once, whatever happens to the
 * vaults, to their storage and to what they are told.
 *
 * A deposit has a number. It is told again until it is acknowledged, and a number that is stored is not stored again.
 */
import { EventSourced, MemoryStorage } from "@troupe/persistence"
import * as FailingStorage from "@troupe/persistence/testing/FailingStorage"
import { Actor, ActorRef, ActorSystem } from "@troupe/runtime"
import { Faults, RestartPolicy, Supervisor } from "@troupe/supervision"
import { Cause, Effect, Fiber, Layer, References, Schedule, Schema } from "effect"
import { hasProperty } from "effect/Predicate"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import { check, Digest, hits, messageKinds, numbers, type Scenario, settings, settle } from "./Scenario.ts"

const Deposit = Schema.Struct({ number: Schema.Int, amount: Schema.Int })

const Vault = Actor.make("Vault", {
  protocol: RpcGroup.make(
    // A duplicate of it is answered like it: nobody hears the second answer.
    Rpc.make("Deposit", { payload: Deposit, success: Schema.Int }),
    Rpc.make("Deposits", { success: Schema.Array(Deposit) })
  )
})

const VaultLive = (mistaken: (mistake: string) => boolean) =>
  EventSourced.toLayer(Vault, {
    state: Schema.Array(Deposit),
    events: Deposit,
    initial: () => [],
    apply: (deposits, deposit) => [...deposits, deposit],
    commands: {
      Deposit: (deposits, deposit) =>
        deposits.some(({ number }) => number === deposit.number) && !mistaken("stores-twice")
          ? EventSourced.reply(deposit.number)
          : EventSourced.persist(deposit, () => deposit.number),
      Deposits: (deposits) => EventSourced.reply(deposits)
    }
  })

const names = ["north", "south", "east", "west"]
const ROUND_MILLIS = 100
/** The share of reads and of writes that fail, half of the latter after they took place. */
const STORAGE = 0.05

export const vault: Scenario = {
  description:
    "journals on storage that fails: what was acknowledged is there, and there once (one thread, virtual time)",
  kinds: [...messageKinds, "storage"],
  mistakes: {
    "stores-twice": "numbers are not looked at: what is told again is stored again",
    "asks-once": "what is not acknowledged is not told again: it may not be there"
  },
  run: (options) =>
    Effect.gen(function*() {
      const { seconds, seed } = options
      const { decided, mistaken, stopped } = settings(options)
      const { storage = options.rates === undefined ? STORAGE : 0, ...given } = options.rates ?? {}
      const faults = yield* Faults.make({
        seed,
        rates: options.rates === undefined
          ? { throw: 0.005, kill: 0.005, stop: 0.005, hang: 0.002, drop: 0.01, duplicate: 0.01, delay: 0.01 }
          : given,
        victims: (_, tag) => tag === "Deposit",
        onHit: (kind, { key }, tag) => decided(`${kind} ${key} ${tag}`)
      })
      let failures = 0
      // Whatever a vault failed with, it is read again from what was stored.
      const policy = RestartPolicy.make((cause) => {
        const failure = Cause.squash(cause)
        if (hasProperty(failure, "_tag") && failure._tag === "StoreError") {
          failures++
          decided(`storage: ${(failure as unknown as Error).message}`)
        }
        return "restart"
      }).pipe(RestartPolicy.withSchedule(Schedule.spaced("5 millis")))
      const random = numbers(seed)
      const digest = new Digest()
      /** What was asked for, by vault; and whether that was acknowledged. */
      const asked = new Map(
        names.map((name) => [name, new Map<number, { amount: number; known: boolean }>()])
      )
      const rounds = Math.max(1, Math.round(seconds * 1000 / ROUND_MILLIS))
      let next = 0
      let again = 0
      let played = 0

      const program = Effect.gen(function*() {
        /** Tells what is not acknowledged, and waits for the answers; who does not answer is killed. */
        const round = Effect.gen(function*() {
          const asking: Array<Fiber.Fiber<unknown>> = []
          for (const [name, deposits] of asked) {
            const ref = yield* Vault.keyed(name)
            for (const [number, deposit] of deposits) {
              if (deposit.known) continue
              again++
              const answered = ref.ask("Deposit", { number, amount: deposit.amount }, {
                timeout: "60 millis"
              })
              const told = Effect.match(answered, {
                onSuccess: () => {
                  deposit.known = true
                },
                onFailure: () => {
                  if (mistaken("asks-once")) deposit.known = true
                }
              })
              asking.push(yield* Effect.forkChild(told))
            }
          }
          yield* TestClock.adjust(ROUND_MILLIS)
          yield* settle
          for (const fiber of asking) yield* Fiber.join(fiber)
        })
        /** What the vaults say: all that is known is there, and nothing twice or that nobody asked for. */
        const look = Effect.gen(function*() {
          for (const [name, deposits] of asked) {
            const ref = yield* Vault.keyed(name)
            const answer = yield* Effect.forkChild(
              Effect.option(ref.ask("Deposits", undefined, { timeout: "60 millis" }))
            )
            yield* TestClock.adjust("60 millis")
            yield* settle
            const stored = yield* Fiber.join(answer)
            if (stored._tag === "None") {
              decided(`kill ${name}`)
              yield* ActorRef.kill(ref)
              continue
            }
            const found = new Map(stored.value.map(({ amount, number }) => [number, amount]))
            yield* check(found.size === stored.value.length, `${name} has a deposit twice`)
            for (const [number, amount] of found) {
              yield* check(
                deposits.get(number)?.amount === amount,
                `${name} has a deposit ${number} of nobody`
              )
            }
            for (const [number, { known }] of deposits) {
              yield* check(
                !known || found.has(number),
                `${name} acknowledged deposit ${number}, and has it not`
              )
            }
          }
        })
        for (; played < rounds && !stopped(); played++) {
          for (let n = 0; n < 8; n++) {
            const deposit = { amount: 1 + random(100), known: false }
            asked.get(names[random(names.length)]!)!.set(next++, deposit)
          }
          yield* round
          yield* look
          digest.add(
            Array.from(asked.values(), (deposits) => Array.from(deposits.values(), ({ known }) => known))
          )
        }
        yield* faults.pause
        const unknown = (): number =>
          Array.from(asked.values()).reduce(
            (sum, deposits) => sum + Array.from(deposits.values()).filter(({ known }) => !known).length,
            0
          )
        for (let n = 0; n < 50 && unknown() > 0; n++) yield* round
        yield* check(unknown() === 0, `${unknown()} deposits are not acknowledged at rest`)
        yield* look
        return [
          ["rounds", played],
          ["deposits", next],
          ["told", again],
          ["faults", yield* hits(faults)],
          ["failures of the storage", failures],
          ["digest", digest.text]
        ] as const
      })

      const stores = FailingStorage.layer({ seed, reads: storage, writes: storage }).pipe(
        Layer.provide(MemoryStorage.layer)
      )
      return yield* program.pipe(
        Effect.provide(
          VaultLive(mistaken).pipe(
            Layer.provide(Layer.mergeAll(stores, Supervisor.layerKeys(policy))),
            Layer.provideMerge(Layer.provide(ActorSystem.layer, Faults.layer(faults)))
          )
        ),
        Effect.provideService(References.MinimumLogLevel, "None")
      )
    }).pipe(Effect.provide(TestClock.layer()))
}
