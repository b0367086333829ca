/** How far a run has come, kept beside the journals of the airports. */
import { type ChannelError, DiskStorage, StateStore, type StoreError, Versioned } from "@troupe/persistence"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { join } from "node:path"
import { Skipped } from "./Columns.ts"
import * as Source from "./Source.ts"

/** All that a run needs to know of what came before it. */
export const Checkpoint = Schema.Struct({
  /** Where the rows are: the beginning of the file need not be looked at again. */
  plan: Source.Plan,
  /** The journals' number: which airport is in which depends on it. */
  workers: Schema.Int,
  /** Groups of which the airports have counted, and stored, every flight. */
  groups: Schema.Int,
  flights: Schema.Int,
  skipped: Schema.Array(Skipped),
  /** Of the airports. */
  codes: Schema.Array(Schema.String)
})

export interface Checkpoint extends Schema.Schema.Type<typeof Checkpoint> {}

const versioned = Versioned.make(Checkpoint)

const id = "flights"

/** A directory that holds another run's journal. */
export class AnotherRun extends Schema.TaggedError<AnotherRun>()("AnotherRun", {
  directory: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.directory}: ${this.problem}; give another directory, or remove this one`
  }
}

export interface Checkpoints {
  /** The last one that was saved, or the beginning. */
  readonly last: Checkpoint
  readonly save: (checkpoint: Checkpoint) => Effect.Effect<void, StoreError.StoreError>
}

/** What is kept in a directory, and how to replace it. */
const stored = Effect.fnUntraced(function*(directory: string) {
  const storage = yield* Layer.build(
    DiskStorage.layer({ directory: join(directory, "progress"), capacity: 2 ** 20 })
  )
  const store = Context.get(storage, StateStore.StateStore)
  const latest = Option.getOrUndefined(yield* store.load(id))
  let revision = latest?.revision ?? 0
  const last = latest && (yield* Effect.try({
    try: () => versioned.decodeUnsafe(latest.bytes),
    catch: (error) => new AnotherRun({ directory, problem: (error as Error).message })
  }))
  const save = (checkpoint: Checkpoint) =>
    Effect.map(
      Effect.suspend(() => store.save(id, revision, versioned.encodeUnsafe(checkpoint))),
      (saved) => {
        revision = saved
      }
    )
  return { last, save }
})

/** The plan of the run that a directory holds; undefined when it holds none. */
export const planIn = (
  directory: string,
  path: string,
  limit: number
): Effect.Effect<Source.Plan | undefined, AnotherRun | ChannelError.ChannelError | StoreError.StoreError> =>
  Effect.scoped(Effect.flatMap(stored(directory), ({ last }) => {
    if (last === undefined) return Effect.succeed(undefined)
    const { plan } = last
    const another = (problem: string) => Effect.fail(new AnotherRun({ directory, problem }))
    if (plan.path !== path) return another(`its journal is of ${plan.path}`)
    if (plan.rows > limit) return another(`its journal is of ${plan.rows} rows`)
    return Effect.succeed(plan)
  }))

/** Opens a run's checkpoints, and makes sure that it is this run. */
export const open = Effect.fnUntraced(function*(
  directory: string,
  plan: Source.Plan,
  workers: number
): Effect.fn.Return<
  Checkpoints,
  AnotherRun | ChannelError.ChannelError | StoreError.StoreError,
  Scope.Scope
> {
  const { last, save } = yield* stored(directory)
  const first = { plan, workers, groups: 0, flights: 0, skipped: [], codes: [] }
  if (last === undefined) {
    // Before anything is counted: whoever takes it up finds the same groups.
    yield* save(first)
    return { last: first, save }
  }
  if (last.workers !== workers) {
    return yield* new AnotherRun({
      directory,
      problem: `its journal was written with --workers ${last.workers}`
    })
  }
  return { last, save }
})
