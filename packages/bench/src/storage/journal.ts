/** Many writers, each with events of its own, each event confirmed before its writer's next: they share the syncs. */
import * as DiskStorage from "@troupe/persistence/DiskStorage"
import * as Journal from "@troupe/persistence/Journal"
import * as SqlStorage from "@troupe/persistence/SqlStorage"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Scenario from "../Scenario.ts"
import * as Postgres from "./postgres.ts"
import { temporary } from "./temporary.ts"

/** Writers that write at the same time. */
export const WRITERS = 64
/** Bytes of an event. */
export const BYTES = 100

const event = new Uint8Array(BYTES).fill(7)

const appending = (
  storage: Effect.Effect<Context.Context<Journal.Journal>, unknown, Scope.Scope>,
  options: { readonly baseline?: boolean; readonly params: Scenario.Params }
): Scenario.Scenario =>
  Scenario.throughput({
    ...options,
    multipleOf: WRITERS,
    params: { ...options.params, writers: WRITERS, bytes: BYTES },
    setup: Effect.gen(function*() {
      const context = yield* storage
      const journal = Context.get(context, Journal.Journal)
      const lasts = new Map(Array.from({ length: WRITERS }, (_, i) => [`writer-${i}`, 0]))
      const write = Effect.fnUntraced(function*(id: string, count: number) {
        let last = lasts.get(id)!
        for (let i = 0; i < count; i++) last = yield* Journal.append(id, last, [event])
        lasts.set(id, last)
      })
      return {
        run: (operations: number) =>
          Effect.forEach(lasts.keys(), (id) => write(id, operations / WRITERS), {
            concurrency: "unbounded",
            discard: true
          }).pipe(Effect.provide(context)),
        check: () =>
          Effect.forEach(lasts, ([id, expected]) =>
            Effect.flatMap(journal.last(id), (last) => Scenario.expect(id, last, expected)), {
            discard: true
          })
      }
    })
  })

export const disk: Scenario.Scenario = appending(
  Effect.flatMap(
    temporary,
    (directory) => Layer.build(DiskStorage.layer({ directory, durability: "batch" }))
  ),
  { params: { face: "Journal.append on DiskStorage", durability: "batch" } }
)

export const postgres: Scenario.Scenario = appending(
  Layer.build(Layer.provide(SqlStorage.layer({ prefix: `bench_${process.pid}` }), Postgres.layer)),
  { baseline: true, params: { face: "Journal.append on SqlStorage", durability: "a commit each" } }
)
