import { assert, describe, it } from "@effect/vitest"
import type { HostedOf } from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Memory from "@troupe/runtime/Memory"
import type { PoolError } from "@troupe/runtime/PoolError"
import type { Population } from "@troupe/runtime/Population"
import * as Swarm from "@troupe/runtime/Swarm"
import type { SwarmError } from "@troupe/runtime/SwarmError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type { Scope } from "effect/Scope"
import { hostOf } from "../src/internal/swarmPopulation.ts"
import { Bird, layer, Tally } from "./swarmActors.ts"

type Services = ActorSystem.ActorSystem | HostedOf<typeof Tally> | Swarm.HostedOf<typeof Bird> | Scope
type Birds = Population<RpcGroup.Rpcs<typeof Bird["protocol"]>, typeof Bird["state"]>

const entry = new URL("./swarmWorker.ts", import.meta.url)

const system = (workers: number): Layer.Layer<Exclude<Services, Scope>, PoolError | SwarmError> =>
  workers === 0
    ? Layer.provideMerge(layer, ActorSystem.layer)
    : ActorSystem.layerWorkers({ entry, hosts: [Tally], swarms: [Bird], workers })

/** Runs on this thread alone, or with so many workers. */
const on = <A, E>(workers: number, program: Effect.Effect<A, E, Services>) =>
  program.pipe(
    Effect.scoped,
    Effect.provide(system(workers)),
    Effect.provideService(Swarm.Seed, 42),
    Effect.provide(Logger.layer([]))
  )

const flock = (birds: Birds, count: number) =>
  birds.spawnMany(count, (index) => ({ name: index, x: 0, turns: 0, song: "la".repeat(index % 5) }))

/** All that there is of a swarm's memory but the room between its columns: it is one number for equal bytes. */
const digest = (birds: Birds): ReadonlyArray<number> => {
  const { store } = hostOf(birds)
  const hash = (bytes: Uint8Array): number => bytes.reduce((h, byte) => Math.imul(h, 31) + byte | 0, 7)
  return [
    hash(new Uint8Array(store.head.buffer)),
    store.count,
    ...store.chunks.map(({ bytes }) => hash(bytes))
  ]
}

describe("Swarm, between threads", () => {
  it.live("gives the same bytes on 0, 1 and 2 workers (S83)", () =>
    Effect.gen(function*() {
      const run = Effect.gen(function*() {
        const birds = yield* Bird.population
        yield* flock(birds, 1000)
        let handled = 0
        let failed = 0
        for (let n = 0; n < 150; n++) {
          yield* birds.broadcast("Fly", { seconds: 1 })
          if (n % 3 === 0) yield* birds.broadcast("Glide", { seconds: 0.25 })
          if (n % 5 === 0) {
            yield* birds.tellWhere(({ turns }, row) => turns[row]! % 7 === 0, "Glide", { seconds: 3 })
          }
          const turn = yield* birds.step
          handled += turn.handled
          failed += turn.failed
        }
        const tally = yield* Effect.flatMap(Tally.keyed("all"), (tally) => tally.ask("Total"))
        const states = yield* Effect.forEach(yield* birds.ids, (id) => birds.get(id))
        return { handled, failed, tally, digest: digest(birds), states: states.map(Option.getOrThrow) }
      })
      const [none, one, two] = yield* Effect.forEach([0, 1, 2], (workers) => on(workers, run))
      assert.isAbove(none!.handled, 100_000)
      assert.isAbove(none!.failed, 100)
      assert.isAbove(none!.tally[0], 100)
      assert.deepStrictEqual(one, none)
      assert.deepStrictEqual(two, none)
    }), 60_000)

  it.live("asks, effects, errors and answers that are owed cross (S87)", () =>
    on(
      2,
      Effect.gen(function*() {
        const birds = yield* Bird.population
        yield* flock(birds, 300)
        const ids = yield* birds.ids
        // Turns go on in the background.
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(birds.step, Effect.sleep(1))))
        const [first, last] = [ids[0]!, ids[299]!]
        assert.deepStrictEqual(yield* birds.ask(last, "Where"), { x: 0, song: "lalalala" })
        assert.strictEqual((yield* Effect.flip(birds.ask(first, "Land")))._tag, "Refused")
        assert.strictEqual(yield* birds.ask(first, "Later"), 0)
        const thinking = [birds.ask(first, "Think", { millis: 5 }), birds.ask(last, "Think", { millis: 8 })]
        assert.deepStrictEqual(yield* Effect.all(thinking, { concurrency: 2 }), [0, 0])
        const state = Option.getOrThrow(yield* birds.get(last))
        assert.deepStrictEqual([state.x, state.song], [8, "thought"])
        // A declared error, and a defect, keep the row.
        assert.strictEqual((yield* Effect.flip(birds.ask(last, "Think", { millis: 13 })))._tag, "Refused")
        const dead = yield* Effect.flip(birds.ask(last, "Think", { millis: 17 }))
        assert.include(String(dead), "a headache")
        const wrecked = yield* Effect.flip(birds.ask(last, "Wreck").pipe(Effect.asVoid))
        assert.include(String(wrecked), "wrecked")
        assert.deepStrictEqual(Option.getOrThrow(yield* birds.get(last)), state)
        // What is told while it is busy waits.
        const asked = yield* Effect.forkChild(birds.ask(first, "Think", { millis: 20 }), {
          startImmediately: true
        })
        while ((yield* birds.stats).effects === 0) yield* Effect.sleep(1)
        yield* birds.tell(first, "Glide", { seconds: 100 })
        while ((yield* birds.stats).waiting === 0) yield* Effect.sleep(1)
        yield* Fiber.join(asked)
        assert.strictEqual((yield* birds.ask(first, "Where")).x, 120)
        // Handlers run on the workers.
        const threads = yield* Effect.forEach(ids, (id) => birds.ask(id, "Thread"), {
          concurrency: "unbounded"
        })
        assert.isTrue(threads.every((thread) => thread > 0))
        const [main] = yield* (yield* ActorSystem.ActorSystem).stats
        assert.isAbove(main!.handled, 300)
      })
    ), 60_000)

  it.live("what does not fit its schema reaches nobody, and harms nobody else (S88)", () =>
    on(
      2,
      Effect.gen(function*() {
        const birds = yield* Bird.population
        yield* flock(birds, 1000)
        const ids = yield* birds.ids
        const glides = Effect.andThen(birds.broadcast("Glide", { seconds: 1 }), birds.step)
        // From a handler.
        for (const soon of [true, false]) {
          const asked = yield* Effect.forkChild(Effect.flip(birds.ask(ids[70]!, "Misfit", { soon })), {
            startImmediately: true
          })
          yield* glides
          assert.include(String(yield* Fiber.join(asked)), "Bird.Misfit.success: expected a number")
        }
        // To one.
        birds.tellUnsafe(ids[500]!, "Glide", { seconds: 1 })
        birds.tellUnsafe(ids[500]!, "Glide", { seconds: "none" as never })
        const asked = yield* Effect.forkChild(
          Effect.flip(birds.ask(ids[600]!, "Misfit", { soon: "none" as never })),
          { startImmediately: true }
        )
        birds.tellUnsafe(ids[700]!, "Glide", { seconds: 1 })
        yield* birds.broadcast("Glide", { seconds: "none" as never })
        yield* glides
        assert.include(String(yield* Fiber.join(asked)), "soon: expected a boolean")
        const { turns } = yield* birds.columnStats
        assert.deepStrictEqual([birds.count, turns!.min, turns!.max], [1000, 3, 4])
        assert.strictEqual((yield* birds.stats).messages["Glide"]!.dead, 2)
        assert.strictEqual((yield* Effect.flatMap(Tally.keyed("all"), (tally) => tally.ask("Total")))[0], 0)
      })
    ), 60_000)

  it.live(
    "a worker that ends within a turn stops the swarm, typed (S88)",
    () =>
      on(
        2,
        Effect.gen(function*() {
          const birds = yield* Bird.population
          yield* flock(birds, 1000)
          yield* birds.broadcast("Glide", { seconds: 1 })
          yield* birds.step
          const [id] = yield* birds.ids
          yield* birds.tell(id!, "Exit", { soon: false })
          const asked = yield* Effect.forkChild(Effect.flip(birds.ask(id!, "Where")), {
            startImmediately: true
          })
          const exit = yield* Effect.exit(birds.step)
          assert.include(String(yield* Fiber.join(asked)), "ended within turn 2")
          assert.include(JSON.stringify(exit), "ThreadLost")
          assert.isTrue(Exit.isFailure(exit))
          assert.strictEqual((yield* Effect.flip(birds.awaitEnd)).reason, "ThreadLost")
          assert.isFalse(birds.tellUnsafe(id!, "Glide", { seconds: 1 }))
        })
      ),
    60_000
  )

  it.live("a worker that cannot do its part of a turn stops the swarm, and says why (S88)", () => {
    const heap = Memory.makeHeap()
    // What the workers, which have no such memory, cannot attach.
    const elsewhere = (region: Memory.Region): Memory.Region => ({
      ...region,
      descriptor: { ...region.descriptor, kind: "elsewhere" }
    })
    return on(
      2,
      Effect.gen(function*() {
        const birds = yield* Bird.population
        yield* flock(birds, 100)
        yield* birds.broadcast("Glide", { seconds: 1 })
        const error = yield* Effect.flip(birds.step)
        assert.strictEqual(error.reason, "ThreadLost")
        assert.match(
          error.message,
          /worker thread \d failed \(Memory "Bird\/header": .*"elsewhere".*\) within turn 1/
        )
      })
    ).pipe(
      Effect.provideService(Memory.Memory, {
        ...heap,
        allocate: (request) => Effect.map(heap.allocate(request), elsewhere)
      })
    )
  }, 60_000)

  it.live("a worker that ends between turns has a successor, and its effects have failed (S88)", () =>
    on(
      2,
      Effect.gen(function*() {
        const birds = yield* Bird.population
        yield* flock(birds, 1000)
        const ids = yield* birds.ids
        const [first, second] = ids
        const glide = Effect.andThen(birds.broadcast("Glide", { seconds: 1 }), birds.step)
        yield* glide
        // Of one chunk, and told in one turn: one worker has both. It ends when the turn is over.
        const asked = yield* Effect.forkChild(Effect.flip(birds.ask(first!, "Think", { millis: 60_000 })), {
          startImmediately: true
        })
        yield* birds.tell(second!, "Exit", { soon: true })
        yield* birds.step
        assert.include(String(yield* Fiber.join(asked)), "ended")
        // The turns go on, with one worker, and with two again when the successor is up.
        const runBy = Effect.gen(function*() {
          const threads = yield* Effect.forkChild(
            Effect.forEach(ids, (id) => birds.ask(id, "Thread"), { concurrency: "unbounded" }),
            { startImmediately: true }
          )
          yield* glide
          return new Set(yield* Fiber.join(threads))
        })
        const survivors = yield* runBy
        let glided = 2
        let successor = false
        while (!successor) {
          for (const thread of yield* runBy) if (!survivors.has(thread)) successor = true
          glided++
        }
        const { turns } = yield* birds.columnStats
        assert.deepStrictEqual([turns!.min, turns!.max], [glided, glided])
      })
    ), 60_000)
})
