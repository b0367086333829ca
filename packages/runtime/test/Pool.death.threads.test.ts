import { assert, describe, it } from "@effect/vitest"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { type Death, Doomed, Ledger, Spawned } from "./fixtures/Doomed.ts"
import { pool, settled, terminate, until } from "./fixtures/doomedPool.ts"
import { letters, reasonOf } from "./fixtures/places.ts"

const deaths: ReadonlyArray<typeof Death.Type | "is terminated"> = [
  "exits",
  "throws",
  "rejects",
  "runs out of memory",
  "is terminated"
]
const resourceLimits = { maxOldGenerationSizeMb: 64 }

/** Has a worker end, by a message to this key of it or from outside. */
const kill = (worker: number, key: string, how: (typeof deaths)[number]) =>
  how === "is terminated"
    ? terminate(worker)
    : Effect.flatMap(Doomed.keyed(key), (one) => one.tell("Die", { how }))

/** Handlers that were called without having written it down: those whose threads ended between the two. */
const unwritten = (ledger: Ledger, handled: number): number => handled - ledger.calls

describe("Pool, when a worker ends", () => {
  for (const how of deaths) {
    describe(`that ${how}`, () => {
      it.live("delivers what waited for a busy actor, in order, and not the message in hand", () => {
        const ledger = Ledger.make()
        return Effect.gen(function*() {
          const busy = yield* Doomed.keyed("1")
          const idle = yield* Doomed.keyed("2")
          busy.tellUnsafe("TakeSlowly", { from: 0, n: ledger.next(0, 1), millis: 1e9 })
          for (let i = 0; i < 200; i++) busy.tellUnsafe("Take", { from: 0, n: ledger.next(0, 1) })
          for (let i = 0; i < 100; i++) idle.tellUnsafe("Take", { from: 0, n: ledger.next(0, 2) })
          yield* until(Effect.sync(() => ledger.receivedBy(0, 2) === 100))
          assert.strictEqual(ledger.receivedBy(0, 1), 1)
          yield* kill(1, "3", how)
          for (let i = 0; i < 100; i++) {
            busy.tellUnsafe("Take", { from: 0, n: ledger.next(0, 1) })
            idle.tellUnsafe("Take", { from: 0, n: ledger.next(0, 2) })
          }
          const { deadLettered, handled, lost } = yield* settled
          assert.deepStrictEqual({ deadLettered, lost }, { deadLettered: 0, lost: 0 })
          assert.deepStrictEqual([ledger.received, ledger.wrong], [ledger.sent, 0])
          assert.strictEqual(unwritten(ledger, handled), 0)
        }).pipe(Effect.provide(pool({ workers: 1, resourceLimits })))
      }, 30_000)

      it.live("fails its asks within a second, and answers new ones", () => {
        Ledger.make()
        return Effect.gen(function*() {
          const busy = yield* Doomed.keyed("1")
          const ask = yield* Effect.forkChild(reasonOf(busy.ask("Never")), { startImmediately: true })
          assert.strictEqual(yield* Effect.flatMap(Doomed.keyed("2"), (it) => it.ask("Thread")), "troupe-1")
          yield* kill(1, "3", how)
          const reason = yield* Fiber.join(ask)
          assert.deepStrictEqual({ ...reason }, { _tag: "ThreadLost", thread: 1 } as never)
          assert.strictEqual(yield* busy.ask("Thread"), "troupe-1")
        }).pipe(Effect.provide(pool({ workers: 1, resourceLimits })))
      }, 30_000)
    })
  }

  it.live("ends its spawned actors: their messages are dead letters, their references stay dead", () => {
    const ledger = Ledger.make()
    return Effect.gen(function*() {
      const spawned = yield* Spawned.spawn()
      spawned.tellUnsafe("Hang")
      for (let i = 0; i < 10; i++) spawned.tellUnsafe("Take", { from: 0, n: i + 1 })
      yield* until(Effect.sync(() => ledger.calls === 1))
      const dead = yield* letters(11, ({ actor }) => actor === "Spawned")
      yield* terminate(1)
      spawned.tellUnsafe("Take", { from: 0, n: 11 })
      const all = yield* dead
      assert.deepStrictEqual([...new Set(all.map(({ reason, tag }) => `${reason} ${tag}`))], ["Ended Take"])
      // Another one at the same place is another one.
      const other = yield* Spawned.spawn()
      assert.strictEqual((yield* reasonOf(spawned.ask("Thread")))._tag, "DeadRef")
      assert.strictEqual(yield* other.ask("Thread"), "troupe-1")
      const { deadLettered, handled, lost } = yield* settled
      assert.deepStrictEqual({ deadLettered, handled, lost }, { deadLettered: 12, handled: 2, lost: 0 })
    }).pipe(Effect.scoped, Effect.provide(pool({ workers: 1 })))
  }, 30_000)

  it.live("puts long messages together that had come in part", () => {
    const ledger = Ledger.make()
    return Effect.gen(function*() {
      const busy = yield* Doomed.keyed("1")
      const bytes = new Uint8Array(100_000)
      for (let round = 0; round < 4; round++) {
        const take = (): void => {
          busy.tellUnsafe("TakeLong", { from: 0, n: ledger.next(0, 1), bytes })
        }
        for (let i = 0; i < 8; i++) take()
        yield* until(Effect.sync(() => ledger.received > round * 8))
        yield* terminate(1)
        const { deadLettered, lost } = yield* settled
        assert.deepStrictEqual({ deadLettered, lost }, { deadLettered: 0, lost: 0 })
      }
      assert.isAtMost(ledger.sent - ledger.received, 4)
      assert.strictEqual(ledger.wrong, 0)
    }).pipe(Effect.provide(pool({ workers: 1, linkBytes: 256 })))
  }, 30_000)

  for (const linkBytes of [256, 4096, 262_144]) {
    it.live(
      `accounts for each message of a flood while threads are killed, rings of ${linkBytes} bytes`,
      () => {
        const ledger = Ledger.make()
        return Effect.gen(function*() {
          const doomed = yield* Effect.forEach(Array.from({ length: 16 }, (_, i) => String(i)), Doomed.keyed)
          const kills = 6
          const rounds = 30
          const killer = yield* Effect.forkChild(
            Effect.forEach(
              Array.from({ length: kills }),
              (_, i) =>
                Effect.andThen(Effect.sleep(Duration.millis(40 + ((i * 37) % 60))), terminate(1 + (i % 2)))
            )
          )
          for (let round = 0; round < rounds; round++) {
            for (const sender of [1, 2, 3, 4]) {
              doomed[sender]!.tellUnsafe("Flood", { from: sender, count: 20, slowly: round % 2 === 0 })
            }
            for (let i = 0; i < 320; i++) {
              doomed[i % 16]!.tellUnsafe("Take", { from: 0, n: ledger.next(0, i % 16) })
            }
            yield* Effect.sleep(Duration.millis(10))
          }
          yield* Fiber.join(killer)
          const { deadLettered, handled, lost, sent } = yield* settled
          assert.strictEqual(sent, handled + deadLettered + lost)
          assert.strictEqual(ledger.wrong, 0)
          assert.strictEqual(deadLettered, 0)
          // A thread that ends within a handler's first lines, or within a tell, has not written that down.
          assert.isAtLeast(unwritten(ledger, handled), 0)
          assert.isAtMost(unwritten(ledger, handled), kills)
          const floods = rounds * 4
          assert.isAtMost(Math.abs(ledger.sent + floods - sent), kills)
          // What this thread sent does not die with another's.
          const { stats } = yield* ActorSystem.ActorSystem
          const threads = yield* stats
          assert.deepStrictEqual(
            threads.map(({ lostFrom }) => lostFrom[0]),
            [0, 0, 0]
          )
          assert.strictEqual(threads[0]!.lost, 0)
        }).pipe(Effect.provide(pool({ workers: 2, linkBytes })))
      },
      60_000
    )
  }

  it.live("gives it up when it ends too often: what waits is dead letters, and it says so", () => {
    const ledger = Ledger.make()
    return Effect.gen(function*() {
      const busy = yield* Doomed.keyed("1")
      busy.tellUnsafe("Never")
      yield* until(Effect.sync(() => ledger.calls === 1))
      for (let i = 0; i < 5; i++) busy.tellUnsafe("Take", { from: 0, n: ledger.next(0, 1) })
      const die = yield* Doomed.keyed("2")
      const dead = yield* letters(1, ({ reason }) => reason === "ThreadLost")
      // The actor is busy in each incarnation: the takes wait for ever.
      busy.tellUnsafe("Never")
      die.tellUnsafe("Die", { how: "exits" })
      yield* until(Effect.sync(() => ledger.calls === 8))
      yield* until(Effect.sync(() => ledger.received === 5))
      // Now it is busy again, and these wait; those to come find nobody.
      for (let i = 0; i < 300; i++) busy.tellUnsafe("Take", { from: 0, n: ledger.next(0, 1) })
      die.tellUnsafe("Die", { how: "exits" })
      for (let i = 0; i < 300; i++) busy.tellUnsafe("Take", { from: 0, n: ledger.next(0, 1) })
      const [letter] = yield* dead
      assert.deepInclude({ ...letter }, { reason: "ThreadLost", actor: "Doomed", key: "1", tag: "Take" })
      assert.strictEqual((yield* reasonOf(busy.ask("Thread")))._tag, "ThreadLost")
      const { deadLettered, handled, lost } = yield* settled
      assert.deepStrictEqual({ deadLettered, handled, lost }, { deadLettered: 601, handled: 9, lost: 0 })
    }).pipe(
      Effect.provide(pool({ workers: 1, restarts: { times: 1, within: "1 minute" } }))
    )
  }, 30_000)
})
