import { assert, describe, it } from "@effect/vitest"
import * as MappedMemory from "@troupe/persistence/MappedMemory"
import type { FileError } from "@troupe/persistence/FileError"
import * as SwarmSnapshot from "@troupe/persistence/SwarmSnapshot"
import * as Actor from "@troupe/runtime/Actor"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Swarm from "@troupe/runtime/Swarm"
import type { SwarmError } from "@troupe/runtime/SwarmError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { execFileSync } from "node:child_process"
import {
  cpSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { temporary } from "./temporary.ts"

const protocol = RpcGroup.make(
  Rpc.make("Grow", { payload: { by: Schema.Number } }),
  Rpc.make("Slow", { payload: { by: Schema.Number } })
)
const state = Schema.Struct({ n: Schema.Number, size: Schema.Number, name: Schema.String })
const options = { protocol, keep: true, turns: "manual", chunkRows: 64 } as const
const Cell = Swarm.make("Cell", { ...options, state })

const CellLive = Cell.toLayer({
  handlers: {
    Grow: (cell, { by }) => {
      cell.size += by
      cell.name = `${cell.n}: ${"x".repeat(cell.size % 90)}`
    },
    Slow: (cell, { by }) =>
      Effect.map(Effect.yieldNow, () => {
        cell.size += by
      })
  }
})

const over = (directory: string) => Effect.provide(MappedMemory.layer({ directory }))

const running = <A, E>(
  directory: string,
  body: Effect.Effect<A, E, Swarm.Hosted<"Cell">>
): Effect.Effect<A, E | SwarmError | FileError> =>
  body.pipe(Effect.provide(Layer.fresh(CellLive)), Effect.provide(ActorSystem.layer), over(directory))

const cells = Cell.population
const grow = Effect.flatMap(cells, (cells) => Effect.andThen(cells.broadcast("Grow", { by: 1 }), cells.step))
const spawn = (count: number, from = 0) =>
  Effect.flatMap(
    cells,
    (cells) => cells.spawnMany(count, (i) => ({ n: from + i, size: 0, name: `${from + i}: ` }))
  )

const all = Effect.gen(function*() {
  const population = yield* cells
  const states = yield* Effect.forEach(
    yield* population.ids,
    (id) => Effect.map(population.get(id), (state) => [String(id), Option.getOrThrow(state)] as const)
  )
  return { turn: (yield* population.stats).turn, states }
})

const take = (name: string) => Effect.flatMap(cells, (cells) => SwarmSnapshot.take(cells, name))

/** The reason of a failure. */
const reasonOf = <A, E extends { readonly reason: unknown }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }): unknown => reason)

const headerOf = (directory: string): string => join(directory, "Cell%2Fheader.region")

/** What a process leaves that is killed within a turn, or within a change between turns. */
const leftOpen = (directory: string, word: 10 | 23 = 10) =>
  writeSync(openSync(headerOf(directory), "r+"), Uint8Array.of(9, 0, 0, 0), 0, 4, word * 4)

/** A swarm of 150 with two snapshots, of which the first is restored in what follows: its states then. */
const prepared = (directory: string) =>
  running(
    directory,
    Effect.gen(function*() {
      yield* spawn(150)
      yield* grow
      yield* take("one")
      const then = yield* all
      yield* grow
      yield* spawn(100, 150)
      yield* take("two")
      yield* grow
      return then
    })
  )

describe("SwarmSnapshot", () => {
  it.effect("is taken while the swarm runs, listed, replaced, restored by name, removed (S119)", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const then = yield* prepared(directory)
        const infos = yield* SwarmSnapshot.list(Cell).pipe(over(directory))
        assert.deepStrictEqual(infos.map(({ count, name, turn }) => [name, turn, count]), [
          ["one", 1, 150],
          ["two", 2, 250]
        ])
        const restored = yield* SwarmSnapshot.restore(Cell, "one").pipe(over(directory))
        assert.deepStrictEqual(restored, infos[0])
        const later = yield* running(
          directory,
          Effect.gen(function*() {
            assert.deepStrictEqual(yield* all, then)
            // It goes on: into rows and chunks that the swarm had had before, too.
            yield* spawn(300, 1000)
            yield* grow
            yield* take("one")
            return yield* all
          })
        )
        assert.strictEqual(later.states.length, 450)
        for (const [, { n, name, size }] of later.states) {
          assert.deepStrictEqual([size, name], n < 1000 ? [2, `${n}: xx`] : [1, `${n}: x`])
        }
        yield* SwarmSnapshot.restore(Cell, "two").pipe(over(directory))
        assert.strictEqual((yield* running(directory, all)).states.length, 250)
        yield* SwarmSnapshot.restore(Cell, "one").pipe(over(directory))
        assert.deepStrictEqual(yield* running(directory, all), later)
        // Nothing is left of what was there in between.
        const regions = readdirSync(directory).filter((name) => name.endsWith(".region"))
        assert.deepStrictEqual(regions.filter((name) => !/header|%403/.test(name)), [])
        yield* SwarmSnapshot.remove(Cell, "two").pipe(over(directory))
        assert.deepStrictEqual(
          (yield* SwarmSnapshot.list(Cell).pipe(over(directory))).map(({ name }) => name),
          [
            "one"
          ]
        )
      })
    ))

  it.effect("holds what the last turn left, whatever comes while it is taken (S119)", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        yield* running(
          directory,
          Effect.gen(function*() {
            yield* spawn(3000)
            yield* grow
            const population = yield* cells
            const ids = yield* population.ids
            const taking = yield* Effect.forkChild(take("busy"))
            let steps = 0
            while (taking.pollUnsafe() === undefined) {
              yield* population.broadcast("Grow", { by: 1 })
              yield* population.tell(ids[steps]!, "Slow", { by: 1 })
              yield* population.step
              yield* population.end(ids[2999 - steps]!)
              yield* spawn(1, 5000 + steps++)
            }
            yield* Fiber.join(taking)
            assert.isAbove(steps, 0)
          })
        )
        const { turn } = yield* SwarmSnapshot.restore(Cell, "busy").pipe(over(directory))
        const { states } = yield* running(directory, all)
        // Those of the beginning have had each turn.
        for (const [, { n, name, size }] of states) {
          if (n < 3000) assert.strictEqual(name, `${n}: ${"x".repeat((n < 200 ? size : turn) % 90)}`, `${n}`)
        }
      })
    ))

  it.effect("is not, when it is interrupted, and the swarm goes on", () =>
    temporary((directory) =>
      running(
        directory,
        Effect.gen(function*() {
          yield* spawn(2000)
          const taking = yield* Effect.forkChild(take("never"), { startImmediately: true })
          yield* Fiber.interrupt(taking)
          yield* grow
          assert.deepStrictEqual(readdirSync(join(directory, "Cell.snapshots")), [])
        })
      )
    ))

  it.effect("names what there is when there is none of a name", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        yield* prepared(directory)
        for (const none of [SwarmSnapshot.restore, SwarmSnapshot.remove]) {
          const reason = yield* reasonOf(none(Cell, "three").pipe(over(directory)))
          assert.deepInclude(reason, { _tag: "NoSnapshot", names: ["one", "two"] })
        }
      })
    ))

  it.effect("is refused for another contract, a swarm that runs, and memory that is not kept", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        yield* prepared(directory)
        const Other = Swarm.make("Cell", { ...options, state: Schema.Struct({ n: Schema.Number }) })
        const other = yield* reasonOf(SwarmSnapshot.restore(Other, "one").pipe(over(directory)))
        assert.deepInclude(other, { _tag: "OtherContract" })
        const live = yield* running(
          directory,
          reasonOf(SwarmSnapshot.restore(Cell, "one").pipe(over(directory)))
        )
        assert.deepInclude(live, { _tag: "InUse" })
        const heap = yield* reasonOf(SwarmSnapshot.list(Cell))
        assert.deepInclude(heap, { _tag: "NotKept" })
        const Lost = Swarm.make("Lost", { ...options, keep: false, state })
        const lost = yield* reasonOf(
          Effect.flatMap(Lost.population, (lost) => SwarmSnapshot.take(lost, "one")).pipe(
            Effect.provide(Lost.toLayer({ handlers: { Grow: () => {}, Slow: () => {} } })),
            Effect.provide(ActorSystem.layer),
            over(directory)
          )
        )
        assert.deepInclude(lost, { _tag: "NotKept" })
      })
    ))

  it.effect("is refused wherever it was damaged, and the swarm is as it was (S119)", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        yield* prepared(directory)
        const before = yield* running(directory, all)
        const path = join(directory, "Cell.snapshots", "one.snapshot")
        const bytes = readFileSync(path)
        const restored = SwarmSnapshot.restore(Cell, "one").pipe(over(directory))
        const refused = Effect.fnUntraced(function*(damage: string) {
          const reason = yield* reasonOf(restored)
          assert.deepInclude(reason, { _tag: "Damaged" }, damage)
          const left = readdirSync(directory).filter((name) => name.includes("%40"))
          assert.deepStrictEqual(left, [])
        })
        const step = Math.floor(bytes.length / 60)
        for (let at = bytes.length - 1; at >= 0; at -= at > bytes.length - 32 ? 1 : step) {
          const copy = Uint8Array.from(bytes)
          copy[at]! ^= 1 << (at % 8)
          writeFileSync(path, copy)
          yield* refused(`byte ${at}`)
        }
        for (const length of [0, 15, 16, 1000, bytes.length - 1]) {
          writeFileSync(path, bytes)
          truncateSync(path, length)
          yield* refused(`cut to ${length}`)
        }
        assert.deepStrictEqual(yield* running(directory, all), before)
        writeFileSync(path, bytes)
        yield* restored
      })
    ))

  it.effect("one that was not finished is none, and goes with the next", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        yield* prepared(directory)
        const snapshots = join(directory, "Cell.snapshots")
        cpSync(join(snapshots, "one.snapshot"), join(snapshots, "half.snapshot.1x.temporary"))
        const names = Effect.map(SwarmSnapshot.list(Cell), (all) => all.map(({ name }) => name)).pipe(
          over(directory)
        )
        assert.deepStrictEqual(yield* names, ["one", "two"])
        yield* running(directory, take("three"))
        assert.deepStrictEqual(readdirSync(snapshots), ["one.snapshot", "three.snapshot", "two.snapshot"])
      })
    ))

  it.effect("is a file that is good elsewhere", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const then = yield* prepared(directory)
        const elsewhere = join(directory, "elsewhere")
        cpSync(join(directory, "Cell.snapshots"), join(elsewhere, "Cell.snapshots"), { recursive: true })
        yield* SwarmSnapshot.restore(Cell, "one").pipe(over(elsewhere))
        assert.deepStrictEqual(yield* running(elsewhere, all), then)
      })
    ))

  describe("recover", () => {
    for (const [what, word] of [["a turn", 10], ["a change between turns", 23]] as const) {
      it.effect(`goes on from the last snapshot when it was left within ${what} (S86)`, () =>
        temporary((directory) =>
          Effect.gen(function*() {
            yield* prepared(directory)
            const recovered = SwarmSnapshot.recover(Cell).pipe(over(directory))
            assert.deepStrictEqual(yield* recovered, Option.none())
            leftOpen(directory, word)
            const refused = yield* Effect.flip(running(directory, all))
            assert.deepInclude(refused, { _tag: "SwarmError", reason: "OpenTurn" })
            assert.match((refused as Error).message, /ended within .* snapshots: one, two/)
            const info = Option.getOrThrow(yield* recovered)
            assert.strictEqual(info.name, "two")
            assert.strictEqual((yield* running(directory, all)).states.length, 250)
          })
        ))
    }

    it.effect("from the one that is chosen; without one it fails with what there is, and again each time", () =>
      temporary((directory) =>
        Effect.gen(function*() {
          const then = yield* prepared(directory)
          leftOpen(directory)
          const none = SwarmSnapshot.recover(Cell, { choose: () => undefined }).pipe(over(directory))
          for (let i = 0; i < 2; i++) {
            assert.deepInclude(yield* reasonOf(none), { _tag: "NoSnapshot", names: ["one", "two"] })
          }
          yield* SwarmSnapshot.recover(Cell, { choose: (all) => all[0] }).pipe(over(directory))
          assert.deepStrictEqual(yield* running(directory, all), then)
        })
      ))

    it.effect("a swarm that misses a part, or of which a part was cut, is refused, and comes back by a snapshot", () =>
      temporary((directory) =>
        Effect.gen(function*() {
          const then = yield* prepared(directory)
          for (const damage of [rmSync, (path: string) => truncateSync(path, 100)]) {
            const region = readdirSync(directory).find((name) => name.includes("chunk-1"))!
            damage(join(directory, region))
            const refused = yield* reasonOf(running(directory, all))
            assert.strictEqual(refused, "Damaged")
            yield* SwarmSnapshot.restore(Cell, "one").pipe(over(directory))
            assert.deepStrictEqual(yield* running(directory, all), then)
          }
        })
      ))
  })

  it.effect("leaves the thread to others while it is taken", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const Echo = Actor.make("Echo", {
          protocol: RpcGroup.make(Rpc.make("Echo", { success: Schema.Number }))
        })
        const EchoLive = Echo.toLayer({
          state: Schema.Number,
          initial: () => 0,
          handlers: { Echo: (n) => Actor.reply(n + 1, n) }
        })
        yield* Effect.gen(function*() {
          yield* spawn(1000)
          const echo = yield* Echo.spawn()
          const population = yield* cells
          const stands = yield* Deferred.make<void>()
          const goesOn = yield* Deferred.make<void>()
          const still = yield* Effect.forkChild(
            population.quiesce(({ count, turn }) =>
              Effect.as(Effect.andThen(Deferred.succeed(stands, void 0), Deferred.await(goesOn)), [
                count,
                turn
              ])
            )
          )
          yield* Deferred.await(stands)
          const stepping = yield* Effect.forkChild(Effect.andThen(spawn(1), population.step))
          for (let i = 0; i < 100; i++) assert.strictEqual(yield* echo.ask("Echo"), i)
          assert.strictEqual(population.count, 1000)
          assert.isUndefined(stepping.pollUnsafe())
          yield* Deferred.succeed(goesOn, void 0)
          assert.deepStrictEqual(yield* Fiber.join(still), [1000, 0])
          assert.strictEqual((yield* Fiber.join(stepping)).turn, 1)
          assert.strictEqual(population.count, 1001)
        }).pipe(
          Effect.scoped,
          Effect.provide(Layer.merge(Layer.fresh(CellLive), EchoLive)),
          Effect.provide(ActorSystem.layer),
          over(directory)
        )
      })
    ))

  it.effect(
    "a full disk refuses it, typed, and takes neither the swarm nor a snapshot away (S90, S119)",
    () =>
      temporary((directory) =>
        Effect.sync(() => {
          const scene = fileURLToPath(new URL("./fixtures/fullDisk.ts", import.meta.url))
          const script = `mount -t tmpfs -o size=1500k tmpfs "$1"; $node "$1"`
          const said = execFileSync(
            "unshare",
            ["--map-root-user", "--mount", "sh", "-e", "-c", script, "sh", directory],
            {
              encoding: "utf8",
              env: { ...process.env, node: `${process.execPath} --conditions=@troupe/source ${scene}` }
            }
          )
          assert.deepStrictEqual(JSON.parse(said), {
            taken: "NoSpace",
            restored: "NoSpace",
            left: ["one.snapshot"],
            regions: true,
            sizes: [1],
            after: [0]
          })
        })
      ),
    30_000
  )
})
