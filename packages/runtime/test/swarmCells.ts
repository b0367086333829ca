/** Cells that do what they are told, the same as objects, and commands that drive both. */
import { assert } from "@effect/vitest"
import * as Actor from "@troupe/runtime/Actor"
import type { ActorId } from "@troupe/runtime/ActorId"
import * as Layout from "@troupe/runtime/Layout"
import * as Swarm from "@troupe/runtime/Swarm"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"

/** What an instance does with a message. */
const Deed = Schema.Literals([
  "add",
  "die",
  "spawn",
  "throw",
  "tell",
  "throw after",
  "effect",
  "later",
  "vary"
])
type Deed = typeof Deed.Type

/** What one does of `vary`, which is another thing for each: some are born, some end and some fail in one broadcast. */
const varied = [
  "add",
  "spawn",
  "die",
  "tell",
  "throw",
  "add",
  "spawn",
  "later",
  "throw after",
  "spawn"
] as const
const chosen = (deed: Deed, name: number, n: number): Deed =>
  deed === "vary" ? varied[(name + n) % varied.length]! : deed

export const Cell = Swarm.make("Cell", {
  protocol: RpcGroup.make(
    Rpc.make("Do", { payload: { deed: Deed, n: Schema.Int } }),
    Rpc.make("Heard", { payload: { n: Schema.Int } })
  ),
  state: Schema.Struct({
    name: Schema.Number,
    total: Schema.Number,
    order: Layout.Int32,
    heard: Layout.Int32,
    words: Schema.String
  }),
  turns: "manual",
  chunkRows: 64
})

export const CellLive = Cell.toLayer({
  handlers: {
    Do: (cell, { deed, n }, ctx) => {
      cell.total += n
      cell.order = Math.imul(cell.order, 31) + n | 0
      cell.words = `${cell.words}${n}`.slice(-40)
      switch (chosen(deed, cell.name, n)) {
        case "die":
          return Actor.stop()
        case "spawn":
          ctx.spawn(Cell, { name: child(cell.name, n), total: 0, order: 0, heard: 0, words: "" })
          return
        case "throw":
          throw new Error("on purpose")
        case "throw after":
          ctx.tell(Cell, ctx.id, "Heard", { n: 1000 })
          throw new Error("on purpose")
        case "tell":
          ctx.tell(Cell, ctx.id, "Heard", { n })
          return
        case "effect":
          return Effect.sync(() => {
            cell.total += n
            return Actor.next(cell)
          })
        case "later":
          return Actor.next({ name: cell.name, total: -n, order: n, heard: cell.heard, words: "new" })
        default:
          return
      }
    },
    Heard: (cell, { n }) => {
      cell.heard = cell.heard + n | 0
    }
  }
})

const child = (parent: number, n: number): number => (parent * 131 + n * 7 + 1) % 1_000_003

/** The same, as objects. */
interface Twin {
  name: number
  total: number
  order: number
  heard: number
  words: string
}

class Model {
  readonly alive = new Map<string, Twin>()
  handled = 0
  dead = 0
  inbox: Array<{ to: string; message: (twin: Twin, end: () => void, key: string) => void }> = []
  broadcasts: Array<{ deed: Deed; n: number }> = []
  born: Array<Twin> = []

  do(told: Deed, n: number) {
    return (twin: Twin, end: () => void, key: string) => {
      const deed = chosen(told, twin.name, n)
      if (deed === "throw after") {
        this.told.push({ to: key, message: (twin) => (twin.heard = twin.heard + 1000 | 0) })
      }
      if (deed === "throw" || deed === "throw after") return end()
      twin.total += n
      twin.order = Math.imul(twin.order, 31) + n | 0
      twin.words = `${twin.words}${n}`.slice(-40)
      if (deed === "die") end()
      if (deed === "spawn") {
        this.born.push({ name: child(twin.name, n), total: 0, order: 0, heard: 0, words: "" })
      }
      if (deed === "tell") this.told.push({ to: key, message: (twin) => (twin.heard = twin.heard + n | 0) })
      if (deed === "effect") {
        twin.total += n
        this.busy.add(key)
      }
      if (deed === "later") Object.assign(twin, { total: -n, order: n, words: "new" })
    }
  }
  told: typeof this.inbox = []
  /** Those with an effect in flight: what else there is for them waits for the next turn, and is its first. */
  readonly busy = new Set<string>()
  again: typeof this.inbox = []

  turn() {
    const { broadcasts } = this
    const inbox = [...this.again, ...this.inbox]
    this.again = []
    this.inbox = []
    this.busy.clear()
    this.broadcasts = []
    const there = Array.from(this.alive.keys())
    const handle = (key: string, message: (typeof inbox)[number]["message"]) => {
      const twin = this.alive.get(key)
      if (twin === undefined) return false
      if (this.busy.has(key)) this.again.push({ to: key, message })
      else {
        this.handled++
        message(twin, () => this.alive.delete(key), key)
      }
      return true
    }
    // A broadcast is no message to those who have ended.
    for (const { message, to } of inbox) if (!handle(to, message)) this.dead++
    for (const { deed, n } of broadcasts) for (const key of there) handle(key, this.do(deed, n))
    this.inbox.push(...this.told)
    this.told = []
  }
}

export type Command =
  | { readonly do: "spawn"; readonly count: number }
  | { readonly do: "tell"; readonly which: number; readonly deed: Deed; readonly n: number }
  | { readonly do: "broadcast"; readonly deed: Deed; readonly n: number }
  | { readonly do: "where"; readonly n: number }
  | { readonly do: "end"; readonly which: number }
  | { readonly do: "step" }

const n = fc.integer({ min: 1, max: 99 })
const deed = fc.constantFrom(...Deed.literals)
export const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ do: fc.constant("spawn" as const), count: fc.integer({ min: 1, max: 70 }) }),
  fc.record({ do: fc.constant("tell" as const), which: fc.nat(), deed, n }),
  fc.record({ do: fc.constant("tell" as const), which: fc.nat(), deed, n }),
  fc.record({
    do: fc.constant("broadcast" as const),
    deed: fc.constantFrom("add", "tell", "later", "effect", "vary", "vary"),
    n
  }),
  fc.record({ do: fc.constant("where" as const), n }),
  fc.record({ do: fc.constant("end" as const), which: fc.nat() }),
  fc.record({ do: fc.constant("step" as const) })
) as never

const sorted = (twins: Iterable<Twin>): ReadonlyArray<string> =>
  Array.from(
    twins,
    ({ heard, name, order, total, words }) => JSON.stringify([name, total, order, heard, words])
  )
    .sort()

/** Does the same with a population, from none on, and with the model: both are equal after each turn. */
export const compare = Effect.fnUntraced(
  function*(commands: ReadonlyArray<Command>, wait: Effect.Effect<void>) {
    const cells = yield* Cell.population
    // Of whoever used it before nothing is left.
    for (const id of yield* cells.ids) yield* cells.end(id)
    yield* cells.step
    const model = new Model()
    let names = 0
    const ids = new Map<string, ActorId>()
    const choose = (which: number) => {
      const keys = Array.from(ids.keys()).filter((key) => model.alive.has(key))
      return keys[which % Math.max(1, keys.length)]
    }
    const dead = Effect.map(cells.stats, ({ messages }) => messages["Do"]!.dead + messages["Heard"]!.dead)
    const before = yield* dead
    // Effects of a turn are done before the next one.
    const step = Effect.gen(function*() {
      const { handled } = yield* cells.step
      model.handled = 0
      model.turn()
      assert.strictEqual(handled, model.handled)
      assert.strictEqual((yield* dead) - before, model.dead)
      while ((yield* cells.stats).effects > 0) yield* wait
      for (const twin of model.born) {
        const key = `child ${names++}`
        model.alive.set(key, twin)
      }
      model.born = []
      const states = yield* Effect.forEach(yield* cells.ids, (id) => cells.get(id))
      assert.deepStrictEqual(sorted(states.map(Option.getOrThrow)), sorted(model.alive.values()))
    })
    for (const command of commands) {
      switch (command.do) {
        case "spawn":
          for (let i = 0; i < command.count; i++) {
            const twin = { name: names++, total: 0, order: 0, heard: 0, words: "" }
            ids.set(String(twin.name), yield* cells.spawn(twin))
            model.alive.set(String(twin.name), { ...twin })
          }
          break
        case "tell": {
          const key = choose(command.which)
          if (key === undefined) break
          yield* cells.tell(ids.get(key)!, "Do", command)
          model.inbox.push({ to: key, message: model.do(command.deed, command.n) })
          break
        }
        case "broadcast":
          yield* cells.broadcast("Do", command)
          model.broadcasts.push(command)
          break
        case "where": {
          const told = yield* cells.tellWhere(
            (columns, row) => columns.name[row]! % 2 === 0,
            "Heard",
            { n: command.n }
          )
          let twins = 0
          for (const [key, { name }] of model.alive) {
            if (name % 2 !== 0) continue
            twins++
            model.inbox.push({
              to: key,
              message: (twin) => (twin.heard = twin.heard + command.n | 0)
            })
          }
          assert.strictEqual(told, twins)
          break
        }
        case "end": {
          const key = choose(command.which)
          if (key === undefined) break
          assert.isTrue(yield* cells.end(ids.get(key)!))
          assert.isFalse(yield* cells.end(ids.get(key)!))
          model.alive.delete(key)
          break
        }
        case "step":
          yield* step
      }
    }
    yield* step
    yield* step
  }
)
