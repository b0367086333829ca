/** What is killed: swarms that are turned, added to, copied and restored as fast as one thread can, and note how far they are. */
import * as MappedMemory from "@troupe/persistence/MappedMemory"
import * as SwarmSnapshot from "@troupe/persistence/SwarmSnapshot"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Memory from "@troupe/runtime/Memory"
import type * as Population from "@troupe/runtime/Population"
import type * as Swarm from "@troupe/runtime/Swarm"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import Fs from "node:fs"
import { flushCompileCache, syncBuiltinESMExports } from "node:module"
import process from "node:process"
import { before, Cell, CellLive, INSTANCES, type Job, NAMES, newborn, TOTAL, Word } from "./swarmCell.ts"

const [text] = process.argv.slice(2)
const { jobs, killAt } = JSON.parse(text!) as { readonly jobs: ReadonlyArray<Job>; readonly killAt?: number }

/** From now on the process kills itself before its n-th call that reads, writes or names a file. */
const killBefore = (n: number): void => {
  let calls = 0
  for (
    const name of [
      "openSync",
      "write",
      "read",
      "fdatasync",
      "fsync",
      "renameSync",
      "linkSync",
      "rmSync"
    ] as const
  ) {
    const call = Fs[name] as (...args: Array<unknown>) => unknown
    Fs[name] = ((...args: Array<unknown>) => {
      if (++calls === n) process.kill(process.pid, "SIGKILL")
      return call.apply(Fs, args)
    }) as never
  }
  syncBuiltinESMExports()
}

/** The same for the n-th row that is ticked. */
const killBeforeRow = (n: number): void => {
  let rows = 0
  before.row = () => {
    if (++rows === n) process.kill(process.pid, "SIGKILL")
  }
}

/** Takes a snapshot, and notes what it is of. */
const taken = Effect.fnUntraced(function*(
  words: Int32Array,
  cells: Pick<Population.Population<never, Swarm.State>, "name" | "quiesce">,
  place: number
) {
  words[Word.Taking] = place + 1
  const noting: typeof cells = {
    name: cells.name,
    quiesce: (use) =>
      cells.quiesce((image) => {
        words[Word.TakingTurn] = image.turn
        return use(image)
      })
  }
  words[Word.Taken + place] = (yield* SwarmSnapshot.take(noting, NAMES[place]!)).turn
  words[Word.Taking] = 0
  words[Word.Snapshots]!++
})

/** Turns, births, ends, effects, and snapshots in between. */
const work = (words: Int32Array) =>
  Effect.gen(function*() {
    const cells = yield* Cell.population
    if (cells.count === 0) {
      yield* cells.spawnMany(INSTANCES, (i) => newborn(i < INSTANCES / 2 ? TOTAL / INSTANCES * 2 : 0))
    }
    if (killAt !== undefined) killBeforeRow(killAt)
    let taking: Fiber.Fiber<void, unknown> | undefined
    let places = 0
    for (let n = 0;; n++) {
      yield* cells.broadcast("Tick", { salt: n })
      const { turn: ticked } = yield* cells.step
      words[Word.Turn] = ticked
      const ids = yield* cells.ids
      for (let i = 0; i < 20; i++) yield* cells.tell(ids[(n * 31 + i * 7) % ids.length]!, "Slow")
      const { turn } = yield* cells.step
      words[Word.Turn] = turn
      // The next tick is for those with effects, too.
      while ((yield* cells.stats).effects > 0) yield* Effect.yieldNow
      yield* cells.spawnMany(20, () => newborn(0, ticked))
      // Some of those just born, which have nothing.
      for (const id of (yield* cells.ids).slice(-5)) yield* cells.end(id)
      words[Word.Progress]!++
      if (taking !== undefined) {
        if (taking.pollUnsafe() === undefined) continue
        yield* Fiber.join(taking)
      }
      // While turns go on.
      taking = yield* Effect.forkChild(taken(words, cells, places++ % NAMES.length))
      yield* Effect.yieldNow
    }
  }).pipe(Effect.provide(Layer.fresh(CellLive)), Effect.provide(ActorSystem.layer))

/** One snapshot after the other. */
const restore = (words: Int32Array) =>
  Effect.gen(function*() {
    for (let n = 0;; n++) {
      const there = yield* SwarmSnapshot.list(Cell)
      if (killAt !== undefined) killBefore(killAt)
      const { name, turn } = there[n % there.length]!
      words[Word.Restoring] = turn
      yield* SwarmSnapshot.restore(Cell, name)
      words[Word.Turn] = turn
      words[Word.Restoring] = 0
      words[Word.Progress]!++
      // It had no more calls than that.
      if (killAt !== undefined) process.kill(process.pid, "SIGKILL")
    }
  })

const run = ({ directory, mode }: Job) =>
  Effect.gen(function*() {
    const region = yield* Memory.allocate({ name: "notes", byteLength: 64, keep: true })
    const words = new Int32Array(region.buffer, region.byteOffset, 16)
    yield* (mode === "work" ? work(words) : restore(words))
  }).pipe(Effect.scoped, Effect.provide(MappedMemory.layer({ directory })))

// Whoever is killed does not do it at his end, and the next one would compile everything again.
flushCompileCache()
await Effect.runPromise(Effect.forEach(jobs, run, { concurrency: "unbounded" }))
