import { assert, describe, it } from "@effect/vitest"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Mailbox from "@troupe/runtime/Mailbox"
import * as Placement from "@troupe/runtime/Placement"
import * as Router from "@troupe/runtime/Router"
import * as WorkerPool from "@troupe/runtime/WorkerPool"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Places from "../src/internal/place.ts"
import { Doomed, Ledger, Spawned } from "./fixtures/Doomed.ts"
import { pool, settled, terminate, until } from "./fixtures/doomedPool.ts"
import { Forgetful, Movable, Narrow } from "./fixtures/Movable.ts"
import { reasonOf } from "./fixtures/places.ts"

type Moving = ActorRef<RpcGroup.Rpcs<typeof Movable.protocol>>

const resize = (workers: number, options?: WorkerPool.ResizeOptions) =>
  Effect.flatMap(WorkerPool.WorkerPool, (pool) => pool.resize(workers, options))
const drain = (worker: number, options?: WorkerPool.ResizeOptions) =>
  Effect.flatMap(WorkerPool.WorkerPool, (pool) => pool.drain(worker, options))
const workers = Effect.flatMap(WorkerPool.WorkerPool, (pool) => pool.workers)

const names = Array.from({ length: 40 }, (_, i) => `key ${i}`)

/** Those that move from the first worker to the second when there are two. */
const movers = names.filter((name) => Places.make([1, 2])("Movable", name) === 2)

/** On which threads these live. */
const threadsOf = (refs: ReadonlyArray<Moving>) =>
  Effect.map(
    Effect.forEach(refs, (ref) => ref.ask("Read"), { concurrency: "unbounded" }),
    (all) => [...new Set(all.map(({ thread }) => thread))].sort()
  )

/** One of these that lives on this worker. */
const oneOn = (refs: ReadonlyArray<Moving>, worker: number) =>
  Effect.gen(function*() {
    for (const ref of refs) if ((yield* ref.ask("Read")).thread === `troupe-${worker}`) return ref
    return yield* Effect.die(`no key on worker ${worker}`)
  })

const run = <A, E>(
  options: Parameters<typeof pool>[0],
  effect: Effect.Effect<A, E, any>
): Effect.Effect<A, unknown> => {
  Ledger.make()
  return Effect.provide(Effect.scoped(effect), pool(options)) as Effect.Effect<A, unknown>
}

const threads = (...numbers: ReadonlyArray<number>) => numbers.map((n) => `troupe-${n}`)

describe("WorkerPool", () => {
  describe("resize", () => {
    it.live(
      "spreads keys over more workers and over fewer, with their states where those have schemas",
      () =>
        run(
          { workers: 1, maxWorkers: 3 },
          Effect.gen(function*() {
            const movable = yield* Effect.forEach(names, Movable.keyed)
            const forgetful = yield* Effect.forEach(names, Forgetful.keyed)
            for (const [i, ref] of movable.entries()) yield* ref.tell("Add", { n: i })
            for (const [i, ref] of forgetful.entries()) yield* ref.tell("Add", { n: i })
            for (
              const [size, expected] of [[3, threads(1, 2, 3)], [2, threads(1, 2)], [1, threads(1)]] as const
            ) {
              yield* resize(size)
              assert.deepStrictEqual(yield* workers, Array.from({ length: size }, (_, i) => i + 1))
              assert.deepStrictEqual(yield* threadsOf(movable), expected)
              for (const [i, ref] of movable.entries()) {
                assert.deepStrictEqual((yield* ref.ask("Read")).numbers, [i])
              }
            }
            // Of those without a schema, those have their states that never moved.
            const kept = yield* Effect.forEach(forgetful, (ref) => ref.ask("Read"))
            assert.isAbove(kept.filter(({ numbers }) => numbers.length === 1).length, 0)
            assert.isAbove(kept.filter(({ numbers }) => numbers.length === 0).length, 0)
            const { deadLettered, lost } = yield* settled
            assert.deepStrictEqual({ deadLettered, lost }, { deadLettered: 0, lost: 0 })
          })
        ),
      30_000
    )

    it.live(
      "takes along what waits for a key, in order, before what is sent to its new place",
      () =>
        run(
          { workers: 1, maxWorkers: 2 },
          Effect.gen(function*() {
            const refs = yield* Effect.forEach(names, Movable.keyed)
            for (const ref of refs) {
              ref.tellUnsafe("AddLater", { n: 0, millis: 300 })
              for (let n = 1; n <= 20; n++) ref.tellUnsafe("Add", { n })
            }
            const moving = yield* Effect.forkChild(resize(2))
            yield* until(Effect.map(workers, ({ length }) => length === 2))
            for (const ref of refs) for (let n = 21; n <= 40; n++) ref.tellUnsafe("Add", { n })
            const all = yield* Effect.forEach(refs, (ref) => ref.ask("Read"), { concurrency: "unbounded" })
            yield* Fiber.join(moving)
            for (const { numbers } of all) {
              assert.deepStrictEqual(numbers, Array.from({ length: 41 }, (_, n) => n))
            }
            assert.deepStrictEqual([...new Set(all.map(({ thread }) => thread))].sort(), threads(1, 2))
          })
        ),
      30_000
    )

    it.live(
      "answers asks that waited at the old place, and those of the message in hand",
      () =>
        run(
          { workers: 1, maxWorkers: 2 },
          Effect.gen(function*() {
            const refs = yield* Effect.forEach(names, Movable.keyed)
            const asks = yield* Effect.forkChild(
              Effect.forEach(
                refs,
                (ref) =>
                  Effect.all([
                    ref.ask("AddLater", { n: 1, millis: 200 }),
                    ref.ask("Add", { n: 2 }),
                    ref.ask("Add", { n: 3 })
                  ], { concurrency: "unbounded" }),
                { concurrency: "unbounded" }
              ),
              { startImmediately: true }
            )
            yield* resize(2)
            for (const answers of yield* Fiber.join(asks)) {
              assert.deepStrictEqual(answers, [[1], [1, 2], [1, 2, 3]])
            }
          })
        ),
      30_000
    )

    it.live(
      "interrupts a message in hand that takes longer than its patience, and keeps the state before it",
      () =>
        run(
          { workers: 1, maxWorkers: 2 },
          Effect.gen(function*() {
            const refs = yield* Effect.forEach(movers, Movable.keyed)
            const inHand = yield* Effect.forkChild(
              Effect.forEach(refs, (ref) => {
                ref.tellUnsafe("Add", { n: 1 })
                return reasonOf(ref.ask("AddLater", { n: 2, millis: 1e8 }))
              }, { concurrency: "unbounded" }),
              { startImmediately: true }
            )
            for (const ref of refs) ref.tellUnsafe("Add", { n: 3 })
            yield* resize(2, { patience: 50 })
            for (const { _tag } of yield* Fiber.join(inHand)) assert.strictEqual(_tag, "ActorEnded")
            for (const ref of refs) {
              assert.deepStrictEqual(yield* ref.ask("Read"), { thread: "troupe-2", numbers: [1, 3] })
            }
          })
        ),
      30_000
    )

    it.live(
      "moves one that tells itself for ever",
      () =>
        run(
          { workers: 1, maxWorkers: 2 },
          Effect.gen(function*() {
            const refs = yield* Effect.forEach(names, Movable.keyed)
            for (const ref of refs) ref.tellUnsafe("Spin")
            yield* resize(2)
            assert.deepStrictEqual(yield* threadsOf(refs), threads(1, 2))
            const one = yield* Effect.forkChild(threadsOf(refs))
            yield* resize(1)
            yield* Fiber.join(one)
            assert.deepStrictEqual(yield* threadsOf(refs), threads(1))
          })
        ),
      30_000
    )

    it.live(
      "does not keep a key from living at its new place because another one is busy at the old one",
      () =>
        run(
          { workers: 1, maxWorkers: 2 },
          Effect.gen(function*() {
            const [busy, ...others] = yield* Effect.forEach(movers, Movable.keyed)
            yield* busy!.ask("Add", { n: 1 })
            const done = yield* Effect.forkChild(
              busy!.ask("Await", { key: movers[1]!, thread: "troupe-2" }),
              {
                startImmediately: true
              }
            )
            yield* resize(2, { patience: "1 minute" })
            yield* Fiber.join(done)
            assert.deepStrictEqual(yield* threadsOf([busy!, ...others]), threads(2))
          })
        ),
      20_000
    )

    it.live("loses and doubles nothing while all flood each other, in order per sender", () => {
      const ledger = Ledger.make()
      return Effect.gen(function*() {
        const doomed = yield* Effect.forEach(Array.from({ length: 16 }, (_, i) => String(i)), Doomed.keyed)
        const sizes = yield* Effect.forkChild(Effect.forEach([3, 1, 2, 3, 2, 1], (size) => resize(size)))
        let round = 0
        while (sizes.pollUnsafe() === undefined) {
          for (const sender of [1, 2, 3, 4]) {
            doomed[sender]!.tellUnsafe("Flood", { from: sender, count: 5, slowly: round % 2 === 0 })
          }
          for (let i = 0; i < 320; i++) {
            doomed[i % 16]!.tellUnsafe("Take", { from: 0, n: ledger.next(0, i % 16) })
          }
          yield* Effect.sleep(Duration.millis(10))
          round++
        }
        yield* Fiber.join(sizes)
        const { deadLettered, handled, lost } = yield* settled
        assert.deepStrictEqual({ deadLettered, lost }, { deadLettered: 0, lost: 0 })
        assert.deepStrictEqual([ledger.received, ledger.wrong], [ledger.sent, 0])
        assert.strictEqual(handled, ledger.calls)
      }).pipe(Effect.provide(pool({ workers: 2, maxWorkers: 3, linkBytes: 1024 })))
    }, 60_000)

    it.live("accounts for each message though threads are killed meanwhile", () => {
      const ledger = Ledger.make()
      return Effect.gen(function*() {
        const doomed = yield* Effect.forEach(Array.from({ length: 16 }, (_, i) => String(i)), Doomed.keyed)
        const sizes = yield* Effect.forkChild(
          Effect.forEach([3, 1, 2, 3, 2, 1], (size) => Effect.ignore(resize(size)))
        )
        let kills = 0
        while (sizes.pollUnsafe() === undefined) {
          for (const sender of [1, 2, 3, 4]) {
            doomed[sender]!.tellUnsafe("Flood", { from: sender, count: 5, slowly: kills % 2 === 0 })
          }
          for (let i = 0; i < 320; i++) {
            doomed[i % 16]!.tellUnsafe("Take", { from: 0, n: ledger.next(0, i % 16) })
          }
          yield* Effect.sleep(Duration.millis(60))
          // A worker that is killed while it starts fails the resize; one that is killed for ever never starts.
          if (kills < 12) yield* terminate(1 + (kills++ % 3))
        }
        yield* Fiber.join(sizes)
        const { deadLettered, handled, lost, sent } = yield* settled
        assert.strictEqual(sent, handled + deadLettered + lost)
        assert.deepStrictEqual([deadLettered, ledger.wrong], [0, 0])
        assert.isAtMost(Math.abs(handled - ledger.calls), kills)
        const { stats } = yield* ActorSystem.ActorSystem
        assert.deepStrictEqual(
          (yield* stats).map(({ lostFrom }) => lostFrom[0] ?? 0).filter((n) => n > 0),
          []
        )
      }).pipe(Effect.provide(pool({ workers: 2, maxWorkers: 3, linkBytes: 1024 })))
    }, 60_000)

    it.live(
      "keeps mailboxes bounded, and nobody waits for ever",
      () =>
        run(
          { workers: 1, maxWorkers: 3 },
          Effect.gen(function*() {
            const refs = yield* Effect.forEach(names.slice(0, 12), Narrow.keyed)
            const senders = yield* Effect.forkChild(
              Effect.forEach(
                refs,
                (ref) =>
                  Effect.forEach(
                    Array.from({ length: 300 }, (_, n) => n),
                    (n) => n % 50 === 0 ? ref.tell("AddLater", { n, millis: 20 }) : ref.tell("Add", { n })
                  ),
                { concurrency: "unbounded", discard: true }
              ),
              { startImmediately: true }
            )
            for (const size of [3, 2, 1, 3, 1]) yield* resize(size)
            yield* Fiber.join(senders)
            for (const ref of refs) {
              const { numbers } = yield* ref.ask("Read")
              assert.deepStrictEqual(numbers, Array.from({ length: 300 }, (_, n) => n))
              const { high, now } = Mailbox.depth(ref)!
              assert.deepStrictEqual([now, high <= 5], [0, true])
            }
          })
        ),
      60_000
    )

    it.live(
      "goes on though whoever asked for it is interrupted, and the next one waits for it",
      () =>
        run(
          { workers: 1, maxWorkers: 2 },
          Effect.gen(function*() {
            const refs = yield* Effect.forEach(names, Movable.keyed)
            yield* threadsOf(refs)
            const fiber = yield* Effect.forkChild(resize(2), { startImmediately: true })
            yield* Fiber.interrupt(fiber)
            yield* resize(2)
            assert.deepStrictEqual(yield* threadsOf(refs), threads(1, 2))
          })
        ),
      30_000
    )

    it.live(
      "fails for a size that there cannot be, and changes nothing",
      () =>
        run(
          { workers: 1, maxWorkers: 2 },
          Effect.gen(function*() {
            for (const size of [0, 3, -1, 1.5]) {
              const error = yield* Effect.flip(resize(size))
              assert.strictEqual(error._tag, "ResizeError")
              assert.include(error.message, "from 1 to 2")
            }
            assert.deepStrictEqual(yield* workers, [1])
          })
        ),
      30_000
    )

    it.live(
      "replaces one that was given up",
      () =>
        run(
          { workers: 2, maxWorkers: 3, restarts: { times: 0, within: "1 minute" } },
          Effect.gen(function*() {
            const refs = yield* Effect.forEach(names, Movable.keyed)
            const one = yield* oneOn(refs, 2)
            yield* terminate(2)
            yield* until(Effect.map(workers, ({ length }) => length === 1))
            assert.strictEqual((yield* reasonOf(one.ask("Read")))._tag, "ThreadLost")
            yield* resize(3)
            assert.deepStrictEqual(yield* threadsOf(refs), threads(1, 2, 3))
          })
        ),
      30_000
    )
  })

  describe("drain", () => {
    it.live(
      "ends a worker when nothing waits on it, and its number is free",
      () =>
        run(
          { workers: 3 },
          Effect.gen(function*() {
            const refs = yield* Effect.forEach(names, Movable.keyed)
            assert.deepStrictEqual(yield* threadsOf(refs), threads(1, 2, 3))
            const spawned = yield* Placement.on(Spawned.spawn(), 2)
            for (let n = 1; n <= 100; n++) spawned.tellUnsafe("Take", { from: 15, n })
            yield* drain(2)
            assert.strictEqual(Ledger.get().receivedBy(15, 0), 100)
            assert.deepStrictEqual(yield* workers, [1, 3])
            assert.deepStrictEqual(yield* threadsOf(refs), threads(1, 3))
            assert.strictEqual((yield* reasonOf(spawned.ask("Thread")))._tag, "ThreadLost")
            assert.include((yield* Effect.flip(Placement.on(Spawned.spawn(), 2))).message, "no worker 2")
            yield* resize(3)
            assert.deepStrictEqual(yield* threadsOf(refs), threads(1, 2, 3))
            // Another one at the same number is another one.
            assert.strictEqual((yield* reasonOf(spawned.ask("Thread")))._tag, "DeadRef")
            const other = yield* Placement.on(Spawned.spawn(), 2)
            assert.strictEqual(yield* other.ask("Thread"), "troupe-2")
            const { deadLettered, handled, lost, sent } = yield* settled
            assert.strictEqual(sent, handled + deadLettered + lost)
            assert.strictEqual(lost, 0)
          })
        ),
      30_000
    )

    it.live(
      "fails for the last worker, and for one that there is not",
      () =>
        run(
          { workers: 1, maxWorkers: 2 },
          Effect.gen(function*() {
            assert.include((yield* Effect.flip(drain(1))).message, "from 1 to 2")
            assert.include((yield* Effect.flip(drain(2))).message, "no worker 2")
          })
        ),
      30_000
    )

    it.live(
      "takes work that has no home elsewhere: no job fails",
      () =>
        run(
          { workers: 3 },
          Effect.gen(function*() {
            const jobs = yield* Router.pool(Spawned)
            const answers = yield* Effect.forkChild(
              Effect.forEach(Array.from({ length: 600 }), () => jobs.ask("Thread"), { concurrency: 12 }),
              { startImmediately: true }
            )
            yield* drain(2)
            yield* Fiber.join(answers)
            const after = yield* Effect.forEach(Array.from({ length: 60 }), () => jobs.ask("Thread"), {
              concurrency: 12
            })
            assert.deepStrictEqual([...new Set(after)].sort(), threads(1, 3))
          })
        ),
      30_000
    )
  })
})
