/** The job as actors: readers tell airports of flights, and the airports are asked for their figures. */
import { type Actor, ActorSystem } from "@troupe/runtime"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { availableParallelism } from "node:os"
import { Airport } from "./Airport.ts"
import { type Columns, mergeSkipped, type Skipped } from "./Columns.ts"
import type { Outcome, Run, RunOptions } from "./Figures.ts"
import { journalVariable, live } from "./live.ts"
import { decoded, Reader } from "./Reader.ts"
import * as Source from "./Source.ts"

/** Groups that this thread decodes before the readers have told of them. */
const groupsAhead = 3

type ReaderRef = Actor.Ref<typeof Reader>

/** What was found in a group. */
interface Found {
  readonly flights: number
  readonly skipped: ReadonlyArray<Skipped>
}

/** Sends every flight of the plan to its airports, on this thread or on workers. */
export const run: Run = (plan, options) =>
  options.journal === undefined
    ? unkept(plan, options)
    : Effect.flatMap(Effect.promise(() => import("./journaled.ts")), ({ run }) => run(plan, options))

const unkept: Run = (plan, options) =>
  Effect.scoped(Effect.gen(function*() {
    const groups = plan.groups.values()
    // While there are cores to spare, this thread reads too: from now on, while the workers come up.
    const here = options.workers > 0 && options.workers < availableParallelism()
      ? yield* readHere(plan, groups, options.strict)
      : undefined
    return yield* Effect.provide(tell(plan, groups, here, options), system(options.workers))
  }))

const tell = Effect.fnUntraced(function*(
  plan: Source.Plan,
  groups: Iterator<Source.Group>,
  here: Decoded | undefined,
  options: RunOptions
): Effect.fn.Return<
  Outcome,
  Error,
  ActorSystem.ActorSystem | Actor.HostedOf<typeof Airport | typeof Reader> | Scope.Scope
> {
  const readers = yield* Effect.replicateEffect(
    Reader.spawn({ plan, strict: options.strict }),
    Math.max(1, options.workers)
  )
  // A single worker has enough to do with telling: where this thread reads, it alone does.
  const read = here !== undefined && options.workers === 1
    ? []
    : readers.map((reader) => each(groups, (group) => reader.ask("Read", group), options))
  const told = here === undefined ? [] : readers.map((reader) => tellOf(reader, here, options))
  const found = (yield* Effect.all([...read, ...told], { concurrency: "unbounded" })).flat()
  // Order holds between two actors only: each reader waits until its airports have counted what it told them.
  const codes = yield* Effect.forEach(readers, (reader) => reader.ask("Finish"), { concurrency: "unbounded" })
  return yield* outcome({
    codes: new Set(codes.flat()),
    flights: found.reduce((sum, { flights }) => sum + flights, 0),
    skipped: mergeSkipped(found.map(({ skipped }) => skipped)),
    workers: options.workers
  })
}, Effect.scoped)

/** Asks the airports for their figures, and the system for its counts. */
export const outcome = Effect.fnUntraced(function*(read: {
  readonly codes: Iterable<string>
  readonly flights: number
  readonly skipped: ReadonlyArray<Skipped>
  readonly workers: number
}): Effect.fn.Return<Outcome, Error, ActorSystem.ActorSystem | Actor.HostedOf<typeof Airport>> {
  const figures = yield* Effect.forEach(
    read.codes,
    (code) => Effect.flatMap(Airport.keyed(code), (airport) => airport.ask("Figures")),
    { concurrency: "unbounded" }
  )
  const threads = yield* (yield* ActorSystem.ActorSystem).stats
  const total = (of: (thread: ActorSystem.ThreadStats) => number): number =>
    threads.reduce((sum, thread) => sum + of(thread), 0)
  return {
    // A file may know codes of which no row that was read has a flight.
    figures: figures.filter(({ arrivals, departures }) => arrivals + departures > 0),
    flights: read.flights,
    skipped: read.skipped,
    messages: {
      sent: total(({ sent }) => sent),
      handled: total(({ handled }) => handled),
      deadLetters: total(({ deadLettered }) => deadLettered)
    },
    workers: threads.filter(({ thread }) => read.workers === 0 || thread > 0).map((
      { handled, thread }
    ) => ({
      name: thread === 0 ? "this thread" : `worker ${thread}`,
      handled
    }))
  }
})

/** Reads one group after the other, until there are none left. */
const each = Effect.fnUntraced(function*(
  groups: Iterator<Source.Group>,
  read: (group: Source.Group) => Effect.Effect<Found, Error>,
  options: RunOptions
) {
  const found: Array<Found> = []
  for (let next = groups.next(); next.done !== true; next = groups.next()) {
    found.push(yield* read(next.value))
    options.onRows(next.value.rows)
  }
  return found
})

/** What this thread has read; ends when there is nothing left, or with what went wrong. */
type Decoded = Queue.Dequeue<readonly [Source.Group, Columns], Error | Cause.Done>

/** Reads groups on this thread, in the background, a few ahead of those who tell of them. */
export const readHere = Effect.fnUntraced(
  function*(plan: Source.Plan, groups: Iterator<Source.Group>, strict: boolean) {
    const decoded = yield* Queue.bounded<readonly [Source.Group, Columns], Error | Cause.Done>(groupsAhead)
    const source = yield* Source.open(plan, { strict })
    const reading = Effect.gen(function*() {
      for (let next = groups.next(); next.done !== true; next = groups.next()) {
        yield* Queue.offer(decoded, [next.value, yield* source.read(next.value)])
      }
    })
    yield* Effect.forkScoped(Queue.into(reading, decoded))
    return decoded
  }
)

/**
 * Has a reader tell of what this thread has read, until that ends. It has the next group before it is done with one,
 * since this thread may be in the middle of decoding when it is.
 */
const tellOf = (reader: ReaderRef, here: Decoded, options: RunOptions) =>
  Stream.fromQueue(here).pipe(
    Stream.mapEffect(
      Effect.fnUntraced(function*([group, columns]) {
        yield* reader.ask("Tell", decoded(columns, null))
        options.onRows(group.rows)
        return { flights: columns.length, skipped: columns.skipped }
      }),
      { concurrency: 2 }
    ),
    Stream.runCollect
  )

/** The system, with airports that keep a journal if a directory for it is given. */
export const system = (workers: number, journal?: string) =>
  workers === 0
    ? Layer.provideMerge(live(journal), ActorSystem.layer)
    : ActorSystem.layerWorkers({
      entry: new URL("./worker.ts", import.meta.url),
      hosts: [Airport, Reader],
      workers,
      env: journal === undefined ? undefined : { [journalVariable]: journal },
      // Room for two decoded groups: what does not fit waits until this thread has decoded another one.
      linkBytes: workers === 1 ? 2 ** 23 : undefined
    })
