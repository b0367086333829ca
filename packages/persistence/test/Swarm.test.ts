import { assert, describe, it } from "@effect/vitest"
import * as MappedMemory from "@troupe/persistence/MappedMemory"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Swarm from "@troupe/runtime/Swarm"
import type { SwarmError } from "@troupe/runtime/SwarmError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import { openSync, readdirSync, readFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { temporary } from "./temporary.ts"

const make = <S extends Swarm.State>(state: S) =>
  Swarm.make("Cell", {
    protocol: RpcGroup.make(Rpc.make("Grow", { payload: { by: Schema.Number } }), Rpc.make("Halve")),
    state,
    keep: true,
    turns: "manual",
    chunkRows: 64
  })

const state = Schema.Struct({ n: Schema.Number, size: Schema.Number, name: Schema.String })
const Cell = make(state)

const CellLive = Cell.toLayer({
  handlers: {
    Grow: (cell, { by }) => {
      cell.size += by
      cell.name = `${cell.name}${"x".repeat(cell.n % 40)}`.slice(0, 500)
    },
    Halve: (cell, _, ctx) => {
      cell.size /= 2
      ctx.spawn(Cell, { n: cell.n, size: cell.size, name: "child" })
    }
  }
})

const within = <A, E>(
  directory: string,
  body: Effect.Effect<A, E, Swarm.Hosted<"Cell">>
): Effect.Effect<A, unknown> =>
  body.pipe(
    Effect.provide(CellLive),
    Effect.provide(ActorSystem.layer),
    Effect.provide(MappedMemory.layer({ directory }))
  )

const all = Effect.gen(function*() {
  const cells = yield* Cell.population
  return yield* Effect.forEach(
    yield* cells.ids,
    (id) => Effect.map(cells.get(id), (state) => [String(id), Option.getOrThrow(state)])
  )
})

describe("a swarm whose memory is kept", () => {
  it.effect("goes on with what it had: identities, states, managed values, turns", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        const before = yield* within(
          directory,
          Effect.gen(function*() {
            const cells = yield* Cell.population
            yield* cells.spawnMany(150, (n) => ({ n, size: n, name: `cell ${n}` }))
            for (const id of (yield* cells.ids).filter((_, i) => i % 3 === 0)) yield* cells.end(id)
            for (let turn = 0; turn < 20; turn++) {
              yield* cells.broadcast("Grow", { by: 1 })
              yield* cells.step
            }
            yield* cells.broadcast("Halve")
            yield* cells.step
            yield* cells.flush
            return yield* all
          })
        )
        assert.strictEqual(before.length, 200)
        const after = yield* within(
          directory,
          Effect.gen(function*() {
            const cells = yield* Cell.population
            assert.strictEqual((yield* cells.stats).turn, 21)
            const after = yield* all
            // And it goes on.
            yield* cells.broadcast("Grow", { by: 1 })
            const { handled, turn } = yield* cells.step
            assert.deepStrictEqual([handled, turn], [200, 22])
            yield* cells.spawn({ n: 1, size: 1, name: "late" })
            return after
          })
        )
        assert.deepStrictEqual(after, before)
        assert.strictEqual((yield* within(directory, all)).length, 201)
      })
    ))

  it.effect("is refused, typed, when it was left within a turn, or is of another state", () =>
    temporary((directory) =>
      Effect.gen(function*() {
        yield* within(
          directory,
          Effect.flatMap(Cell.population, (cells) => cells.spawn({ n: 1, size: 1, name: "" }))
        )
        const Other = make(Schema.Struct({ n: Schema.Number }))
        const other = yield* Effect.void.pipe(
          Effect.provide(Other.toLayer({ handlers: { Grow: () => {}, Halve: () => {} } })),
          Effect.provide(ActorSystem.layer),
          Effect.provide(MappedMemory.layer({ directory })),
          Effect.flip
        )
        assert.strictEqual((other as SwarmError).reason, "ContractMismatch")
        // What a process that is killed in turn 7 leaves behind.
        const header = readdirSync(directory).find((name) => name.includes("header"))!
        const path = join(directory, header)
        assert.strictEqual(readFileSync(path).readUInt32LE(40), 0)
        writeSync(openSync(path, "r+"), Uint8Array.of(7, 0, 0, 0), 0, 4, 40)
        const left = yield* Effect.flip(within(directory, all))
        assert.strictEqual((left as SwarmError).reason, "OpenTurn")
      })
    ))

  it.effect("says that it is changing while an instance is born, or an effect takes its place (S86)", () =>
    temporary((directory) =>
      within(
        directory,
        Effect.gen(function*() {
          const cells = yield* Cell.population
          const isChanging = () => readFileSync(join(directory, "Cell%2Fheader.region")).readUInt32LE(23 * 4)
          const seen: Array<number> = []
          yield* cells.spawn({
            get n() {
              seen.push(isChanging())
              return 1
            },
            size: 1,
            name: ""
          })
          seen.push(isChanging())
          const wrong = { n: 1, size: 1, name: 7 as never }
          assert.strictEqual((yield* Effect.flip(cells.spawn(wrong))).reason, "InvalidState")
          seen.push(isChanging())
          assert.deepStrictEqual(seen, [1, 0, 0])
        })
      )
    ))
})
