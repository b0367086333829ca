/** The job as actors: readers tell airports of flights, and the airports are asked for their figures. */
import { type Actor, ActorSystem } from "@troupe/runtime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { availableParallelism } from "node:os"
import { Airport } from "./Airport.ts"
import { mergeSkipped, type Skipped } from "./Columns.ts"
import type { Run } from "./Figures.ts"
import { live } from "./live.ts"
import { decoded, Reader } from "./Reader.ts"
import * as Source from "./Source.ts"

type ReaderRef = Actor.Ref<typeof Reader>

/** Sends every flight of the plan to its airports, on this thread or on workers. */
export const run: Run = (plan, options) =>
  Effect.gen(function*() {
    const { stats } = yield* ActorSystem.ActorSystem
    const readers = yield* Effect.replicateEffect(
      Reader.spawn({ plan, strict: options.strict }),
      Math.max(1, options.workers)
    )
    // Who reads the next group: a reader that is idle or, while there are cores to spare, this thread.
    const idle = yield* Queue.unbounded<(group: Source.Group) => Effect.Effect<Found, Error>>()
    yield* Queue.offerAll(idle, readers.map((reader) => (group) => reader.ask("Read", group)))
    if (options.workers > 0 && options.workers < availableParallelism()) {
      const read = yield* readHere(plan, options.strict, readers)
      // Twice: the next group is decoded while the readers tell of the last one.
      yield* Queue.offerAll(idle, [read, read])
    }
    const found = yield* Effect.forEach(plan.groups, (group) =>
      Effect.acquireUseRelease(
        Queue.take(idle),
        (read) => Effect.tap(read(group), () => Effect.sync(() => options.onRows(group.rows))),
        (read) => Queue.offer(idle, read)
      ), { concurrency: readers.length + 2 })
    // Order holds between two actors only: each reader waits until its airports have counted what it told them.
    const codes = yield* Effect.forEach(readers, (reader) => reader.ask("Finish"), {
      concurrency: "unbounded"
    })
    const figures = yield* Effect.forEach(
      new Set(codes.flat()),
      (code) => Effect.flatMap(Airport.keyed(code), (airport) => airport.ask("Figures")),
      { concurrency: "unbounded" }
    )
    const threads = yield* stats
    const total = (of: (thread: ActorSystem.ThreadStats) => number): number =>
      threads.reduce((sum, thread) => sum + of(thread), 0)
    return {
      figures,
      flights: found.reduce((sum, { flights }) => sum + flights, 0),
      skipped: mergeSkipped(found.map(({ skipped }) => skipped)),
      messages: {
        sent: total(({ accepted }) => accepted),
        handled: total(({ handled }) => handled),
        deadLetters: total(({ deadLettered }) => deadLettered)
      },
      workers: threads.filter(({ thread }) => options.workers === 0 || thread > 0).map((
        { handled, thread }
      ) => ({
        name: thread === 0 ? "this thread" : `worker ${thread}`,
        handled
      }))
    }
  }).pipe(Effect.scoped, Effect.provide(system(options.workers)))

interface Found {
  readonly flights: number
  readonly skipped: ReadonlyArray<Skipped>
}

/** Reads groups on this thread, and has the readers, in turn, tell of their rows. */
const readHere = Effect.fnUntraced(function*(
  plan: Source.Plan,
  strict: boolean,
  readers: ReadonlyArray<ReaderRef>
) {
  const source = yield* Source.open(plan, { strict })
  let turn = 0
  return (group: Source.Group): Effect.Effect<Found, Error> =>
    Effect.gen(function*() {
      const columns = yield* source.read(group)
      yield* readers[turn++ % readers.length]!.ask("Tell", decoded(columns))
      return { flights: columns.length, skipped: columns.skipped }
    })
})

const system = (workers: number) =>
  workers === 0
    ? Layer.provideMerge(live, ActorSystem.layer)
    : ActorSystem.layerWorkers({
      entry: new URL("./worker.ts", import.meta.url),
      hosts: [Airport, Reader],
      workers
    })
