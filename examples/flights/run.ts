/** The job as actors: readers tell airports of flights, and the airports are asked for their figures. */
import { type Actor, ActorSystem } from "@troupe/runtime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { availableParallelism } from "node:os"
import { Airport } from "./Airport.ts"
import { mergeSkipped } from "./Columns.ts"
import type { Run } from "./Figures.ts"
import { live } from "./live.ts"
import { Reader, ReaderLive } from "./Reader.ts"

/** Sends every flight of the plan to its airports, on this thread or on workers. */
export const run: Run = (plan, options) =>
  Effect.gen(function*() {
    const { stats } = yield* ActorSystem.ActorSystem
    const spawn = Reader.spawn({ plan, strict: options.strict })
    const readers = yield* Effect.replicateEffect(spawn, Math.max(1, options.workers))
    // This thread reads as well, unless the workers take every core: its airports are the workers' all the same.
    if (options.workers > 0 && options.workers < availableParallelism()) {
      readers.push(yield* Effect.provide(spawn, yield* Layer.build(ReaderLive)))
    }
    const idle = yield* Queue.unbounded<Actor.Ref<typeof Reader>>()
    yield* Queue.offerAll(idle, readers)
    const found = yield* Effect.forEach(plan.groups, (group) =>
      Effect.acquireUseRelease(
        Queue.take(idle),
        (reader) =>
          Effect.tap(reader.ask("Read", group), () => Effect.sync(() => options.onRows(group.rows))),
        (reader) => Queue.offer(idle, reader)
      ), { concurrency: readers.length })
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
      workers: threads.map(({ handled, thread }) => ({
        name: thread === 0 ? "this thread" : `worker ${thread}`,
        handled
      }))
    }
  }).pipe(Effect.scoped, Effect.provide(system(options.workers)))

const system = (workers: number) =>
  workers === 0
    ? Layer.provideMerge(live, ActorSystem.layer)
    : ActorSystem.layerWorkers({
      entry: new URL("./worker.ts", import.meta.url),
      hosts: [Airport, Reader],
      workers
    })
