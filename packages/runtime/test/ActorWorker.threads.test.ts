import { assert, describe, it, layer } from "@effect/vitest"
import type { Any } from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import { ContractMismatch, NotHosted, PoolError, WorkerNotReady } from "@troupe/runtime/PoolError"
import { SpawnError } from "@troupe/runtime/SpawnError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import * as entries from "./fixtures/entries.ts"
import { Death, Mortal } from "./fixtures/Mortal.ts"
import { fresh, letters, places, reasonOf, totals, workers } from "./fixtures/places.ts"
import { type Money, Resource, Sequence, Subject } from "./fixtures/Subject.ts"
import { Guest, guests } from "./fixtures/Guest.ts"

const silence = Layer.succeed(References.MinimumLogLevel, "None")

const numbers = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

/** A pool that does not come up: why. */
const refusal = (entry: URL, hosts: ReadonlyArray<Any>, startTimeout = "20 seconds" as const) =>
  Effect.flip(
    Effect.scoped(Layer.build(ActorSystem.layerWorkers({ entry, hosts, workers: 2, startTimeout })))
  ).pipe(
    Effect.provide(silence)
  )

/** Keys of an actor by the thread they live on: two threads at least. */
const spread = Effect.gen(function*() {
  const name = fresh("spread")
  const byKey = yield* Sequence.byKey
  const byThread = new Map<number, string>()
  for (let n = 0; byThread.size < 2; n++) {
    const key = `${name}-${n}`
    byThread.set(yield* byKey(key).ask("Thread"), key)
  }
  const [one, two] = Array.from(byThread.values())
  return [one!, two!] as const
})

describe("ActorWorker", () => {
  describe("coming up", () => {
    it.live("delivers what one worker's layers send to another that does not host its actors yet", () =>
      Effect.gen(function*() {
        const guest = yield* Guest.byKey
        const hellos = Effect.forEach(guests, (key) => guest(key).ask("Hellos"))
        // One from each worker; what a worker sent may arrive after this thread's first question.
        const all = yield* Effect.repeat(hellos, {
          until: (hellos) => hellos.reduce((sum, n) => sum + n, 0) >= 2 * guests.length
        })
        assert.deepStrictEqual(all, guests.map(() => 2))
        const { stats } = yield* ActorSystem.ActorSystem
        assert.deepStrictEqual((yield* stats).map(({ deadLettered }) => deadLettered), [0, 0, 0])
      }).pipe(Effect.provide(ActorSystem.layerWorkers({
        entry: new URL("./fixtures/worker.eager.ts", import.meta.url),
        hosts: [Guest],
        workers: 2
      }))))
  })

  describe("a pool does not come up", () => {
    it.live("when a worker does not host an actor", () =>
      Effect.gen(function*() {
        const error = yield* refusal(entries.good, [Subject, entries.Absent])
        assert.instanceOf(error, PoolError)
        assert.instanceOf(error.reason, NotHosted)
        assert.deepInclude(error.reason, { actor: "Absent" })
        assert.include((error.reason as NotHosted).hosted, "Subject")
      }))

    it.live("when a worker hosts an actor with other schemas", () =>
      Effect.gen(function*() {
        const error = yield* refusal(entries.good, [entries.OtherSubject])
        assert.instanceOf(error.reason, ContractMismatch)
        assert.deepInclude(error.reason, { actor: "Subject" })
      }))

    const notReady: ReadonlyArray<readonly [what: string, entry: URL, says: ReadonlyArray<string>]> = [
      ["throws when it is loaded", entries.throwing, ["the disk is full", "this module does not load"]],
      ["has a layer that fails", entries.layerFails, ["no database"]],
      ["ends before it is ready", entries.ends, ["good bye", "3"]],
      ["is not there", entries.missing, ["worker.missing.ts"]],
      ["has an unhandled rejection", entries.rejecting, ["nobody catches this"]]
    ]
    for (const [what, entry, says] of notReady) {
      it.live(`when a worker's module ${what}`, () =>
        Effect.gen(function*() {
          const error = yield* refusal(entry, [Subject])
          assert.instanceOf(error, PoolError)
          assert.instanceOf(error.reason, WorkerNotReady)
          for (const said of says) assert.include(error.message, said)
        }))
    }

    for (
      const [what, entry] of [["says nothing", entries.silent], ["never yields", entries.stuck]] as const
    ) {
      it.live(`in bounded time when a worker ${what}`, () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(
            Effect.scoped(
              Layer.build(
                ActorSystem.layerWorkers({ entry, hosts: [Subject], workers: 1, startTimeout: "1 second" })
              )
            )
          )
          assert.instanceOf(error.reason, WorkerNotReady)
          assert.include(error.message, "not ready within 1s")
        }))
    }
  })

  for (const [place, system] of places.filter(([place]) => place.includes("two workers"))) {
    describe(place, () => {
      layer(system, { excludeTestServices: true })((it) => {
        it.effect("spawned actors are spread over the workers, however fast they are spawned", () =>
          Effect.gen(function*() {
            const spawned = yield* Effect.all(numbers(10).map(() => Sequence.spawn()), {
              concurrency: "unbounded"
            })
            const threads = yield* Effect.forEach(spawned, (actor) => actor.ask("Thread"))
            const [first] = threads
            assert.strictEqual(threads.filter((thread) => thread === first).length, 5)
          }))

        it.effect("keys are spread over the workers (S30)", () =>
          Effect.gen(function*() {
            const [one, two] = yield* spread
            assert.notStrictEqual(one, two)
          }))

        it.effect("a worker sends to another one, and is sent to by it, both as fast as they can (S6, S30)", () =>
          Effect.gen(function*() {
            const [one, two] = yield* spread
            const count = 20_000
            const [first, second] = [yield* Sequence.keyed(one), yield* Sequence.keyed(two)]
            yield* first.tell("Flood", { to: two, count })
            yield* second.tell("Flood", { to: one, count })
            const wrong = yield* Effect.all(
              [first.ask("Received", { from: two, count }), second.ask("Received", { from: one, count })],
              { concurrency: "unbounded" }
            )
            assert.deepStrictEqual(wrong, [0, 0])
          }))

        it.effect("this thread and both workers flood each other (S6)", () =>
          Effect.gen(function*() {
            const [one, two] = yield* spread
            const count = 10_000
            const [first, second] = [yield* Sequence.keyed(one), yield* Sequence.keyed(two)]
            yield* first.tell("Flood", { to: two, count })
            yield* second.tell("Flood", { to: one, count })
            for (const n of numbers(count)) {
              first.tellUnsafe("Next", { from: "here", n })
              second.tellUnsafe("Next", { from: "here", n })
            }
            const wrong = yield* Effect.all(
              [
                first.ask("Received", { from: two, count }),
                second.ask("Received", { from: one, count }),
                first.ask("Received", { from: "here", count }),
                second.ask("Received", { from: "here", count })
              ],
              { concurrency: "unbounded" }
            )
            assert.deepStrictEqual(wrong, [0, 0, 0, 0])
          }))

        it.effect("a worker asks another one", () =>
          Effect.gen(function*() {
            const [one, two] = yield* spread
            const [first, second] = [yield* Sequence.keyed(one), yield* Sequence.keyed(two)]
            assert.strictEqual(yield* first.ask("Query", { to: two, count: 200 }), 19_900)
            assert.strictEqual(yield* second.ask("Query", { to: one, count: 200 }), 19_900)
          }))

        it.effect("messages of all sizes arrive whole and in order, small ones among large ones", () =>
          Effect.gen(function*() {
            const [one] = yield* spread
            const actor = yield* Sequence.keyed(one)
            const largest = place.includes("smallest") ? 1 << 17 : 1 << 23
            const sizes = [
              1,
              0,
              7,
              8,
              9,
              39,
              40,
              41,
              63,
              64,
              65,
              255,
              256,
              257,
              4096,
              65_535,
              65_536,
              65_537,
              largest,
              2
            ]
            const rounds = [...sizes, ...sizes.toReversed()]
            rounds.forEach((size, n) => {
              const bytes = Uint8Array.from({ length: size }, (_, i) => (n + i) & 0xff)
              actor.tellUnsafe("Blob", { from: "sizes", n, bytes })
            })
            assert.strictEqual(yield* actor.ask("Received", { from: "sizes", count: rounds.length }), 0)
          }))

        it.effect("a message of more than 16 MiB is refused, and those after it arrive (S5)", () =>
          Effect.gen(function*() {
            const [key] = yield* spread
            const actor = yield* Sequence.keyed(key)
            const dead = yield* letters(1, (letter) => letter.key === key)
            const bytes = new Uint8Array(17 * 2 ** 20)
            actor.tellUnsafe("Next", { from: "it", n: 0 })
            yield* actor.tell("Blob", { from: "it", n: 1, bytes })
            assert.isFalse(yield* actor.offer("Blob", { from: "it", n: 1, bytes }))
            const reason = yield* reasonOf(actor.ask("Blob", { from: "it", n: 1, bytes }))
            assert.strictEqual(reason._tag, "InvalidMessage")
            assert.include(reason.message, "16 MiB")
            actor.tellUnsafe("Next", { from: "it", n: 1 })
            assert.strictEqual(yield* actor.ask("Received", { from: "it", count: 2 }), 0)
            assert.deepStrictEqual((yield* dead).map(({ reason, tag }) => [reason, tag]), [[
              "InvalidMessage",
              "Blob"
            ]])
          }))

        it.effect("what does not fit its schema is refused: payloads, answers and arguments (S32)", () =>
          Effect.gen(function*() {
            const key = fresh("invalid")
            const subject = yield* Subject.keyed(key)
            const dead = yield* letters(2, (letter) => letter.key === key)
            yield* subject.tell("Add", { n: 1.5 })
            yield* subject.tell("Describe", { money: { amount: "1" } as unknown as Money })
            for (const ask of [subject.ask("Double", { n: 1.5 }), subject.ask("Positive", { n: -1 })]) {
              assert.strictEqual((yield* reasonOf(ask))._tag, "InvalidMessage")
            }
            assert.strictEqual(yield* subject.ask("Positive", { n: 1 }), 1)
            assert.deepStrictEqual(yield* subject.ask("Numbers"), [])
            assert.deepStrictEqual((yield* dead).map(({ reason, tag }) => [reason, tag]), [
              ["InvalidMessage", "Add"],
              ["InvalidMessage", "Describe"]
            ])
            for (const wrong of [{ size: 1.5 }, { size: "one" as never }]) {
              const error = yield* Effect.flip(Resource.spawn({ journal: "none", name: "it", ...wrong }))
              assert.instanceOf(error, SpawnError)
            }
          }))

        it.effect("stats name every thread", () =>
          Effect.gen(function*() {
            const { stats } = yield* ActorSystem.ActorSystem
            assert.deepStrictEqual((yield* stats).map(({ thread }) => thread), [0, 1, 2])
            const { deadLettered, handled } = yield* totals
            assert.isAbove(handled, 1000)
            assert.isAtLeast(deadLettered, 0)
          }))
      })
    })
  }

  describe("a worker that dies, and is not to be started again", () => {
    const pool = ActorSystem.layerWorkers({
      entry: new URL("./fixtures/worker.mortal.ts", import.meta.url),
      hosts: [Mortal],
      workers: 2,
      restarts: { times: 0, within: "1 second" }
    }).pipe(Layer.provide(silence))

    for (const how of Death.literals) {
      it.live(`by ${how}: asks fail with ThreadLost, tells are dead letters, and the others live on`, () =>
        Effect.gen(function*() {
          const byKey = yield* Mortal.byKey
          const threads = yield* Effect.forEach(numbers(50), (n) => byKey(`${n}`).ask("Thread"))
          const onFirst = numbers(50).filter((n) => threads[n] === threads[0]).map((n) => byKey(`${n}`))
          const [doomed, asking, killer] = onFirst
          const safe = byKey(`${threads.findIndex((thread) => thread !== threads[0])}`)
          const dead = yield* letters(2, ({ reason, tag }) => reason === "ThreadLost" && tag === "Ping")

          const open = yield* Effect.forEach(
            [
              reasonOf(doomed!.ask("Never")),
              reasonOf(asking!.ask("AskNever", { key: safe.key! })),
              // Neither does a worker wait for another one that has ended.
              safe.ask("AskNever", { key: doomed!.key! })
            ],
            (ask) => Effect.forkChild(ask as Effect.Effect<unknown, unknown>, { startImmediately: true })
          )
          yield* killer!.ask("Die", { how })
          const answers = yield* Effect.forEach(open, Fiber.join)
          assert.deepStrictEqual(answers.map((answer) => (answer as { _tag?: string })._tag ?? answer), [
            "ThreadLost",
            "ThreadLost",
            "ThreadLost"
          ])

          yield* doomed!.tell("Ping")
          assert.isFalse(doomed!.tellUnsafe("Ping"))
          assert.isFalse(yield* doomed!.offer("Never"))
          assert.deepStrictEqual((yield* dead).map(({ key, tag }) => [key, tag]), [
            [doomed!.key, "Ping"],
            [doomed!.key, "Ping"]
          ])
          assert.strictEqual((yield* reasonOf(doomed!.ask("Ping")))._tag, "ThreadLost")

          assert.strictEqual(yield* safe.ask("Ping"), "pong")
          assert.strictEqual(yield* safe.ask("AskPing", { key: doomed!.key! }), "ThreadLost")
          const spawned = yield* Effect.forEach(numbers(4), () => Mortal.spawn())
          for (const actor of spawned) assert.strictEqual(yield* actor.ask("Ping"), "pong")
          const { stats } = yield* ActorSystem.ActorSystem
          assert.strictEqual((yield* stats).length, 3)
        }).pipe(Effect.scoped, Effect.provide(pool)))
    }
  })

  describe("a pool that closes", () => {
    it.live("answers no more: asks fail, tells are dead, and scopes that outlive it close (S28)", () =>
      Effect.gen(function*() {
        const [pool, outer] = [yield* Scope.make(), yield* Scope.make()]
        const context = yield* Layer.buildWithScope(Layer.provide(workers(2), silence), pool)
        const spawned = yield* Subject.spawn().pipe(
          Effect.provideContext(context),
          Effect.provideService(Scope.Scope, outer)
        )
        const keyed = yield* Effect.provideContext(Subject.keyed("it"), context)
        const asks = yield* Effect.forEach(
          [spawned, keyed],
          (subject) =>
            Effect.forkChild(reasonOf(subject.ask("Promise", { id: "it" })), { startImmediately: true })
        )
        yield* spawned.ask("Numbers")
        yield* keyed.ask("Numbers")
        yield* Scope.close(pool, Exit.void)
        for (const ask of asks) {
          const reason = yield* Fiber.join(ask)
          assert.include(["ActorEnded", "ThreadLost"], reason._tag)
        }
        assert.isFalse(spawned.tellUnsafe("Add", { n: 1 }))
        assert.strictEqual((yield* reasonOf(keyed.ask("Numbers")))._tag, "ThreadLost")
        yield* Scope.close(outer, Exit.void)
      }))

    it.live("while a spawn is under way fails the spawn", () =>
      Effect.gen(function*() {
        const [pool, outer] = [yield* Scope.make(), yield* Scope.make()]
        const context = yield* Layer.buildWithScope(Layer.provide(workers(1), silence), pool)
        const spawn = yield* Resource.spawn({ journal: fresh("journal"), name: "it", start: "waits" }).pipe(
          Effect.provideContext(context),
          Effect.provideService(Scope.Scope, outer),
          Effect.exit,
          Effect.forkChild({ startImmediately: true })
        )
        yield* Scope.close(pool, Exit.void)
        const exit = yield* Fiber.join(spawn)
        assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof SpawnError)
        yield* Scope.close(outer, Exit.void)
      }))
  })
})
