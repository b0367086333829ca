/**
 * The job with airports that keep a journal. One group of rows is told of after the other; when every airport has counted
 * and stored it, that is written down. A run that is killed in the middle of a group tells of that group again, and the
 * airports pass over what they had counted.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Checkpoint from "./Checkpoint.ts"
import { mergeSkipped } from "./Columns.ts"
import type { Run } from "./Figures.ts"
import { decoded, Reader } from "./Reader.ts"
import { outcome, readHere, system } from "./run.ts"

export const run: Run = (given, options) =>
  Effect.scoped(Effect.gen(function*() {
    const journal = options.journal!
    const checkpoints = yield* Checkpoint.open(journal, given, options.workers)
    const before = checkpoints.last
    const { plan } = before
    const row = plan.groups[before.groups]?.firstRow ?? plan.rows
    if (before.groups > 0) {
      yield* options.onResumed?.(row) ?? Effect.void
      options.onRows(row)
    }
    const decodedHere = yield* readHere(plan, plan.groups.slice(before.groups).values(), options.strict)
    return yield* Effect.gen(function*() {
      const reader = yield* Reader.spawn({ plan, strict: options.strict })
      let now = before
      yield* Stream.runForEach(Stream.fromQueue(decodedHere), ([group, columns]) =>
        Effect.gen(function*() {
          yield* reader.ask("Tell", decoded(columns, now.groups))
          const codes = yield* reader.ask("Finish")
          now = {
            ...now,
            groups: now.groups + 1,
            flights: now.flights + columns.length,
            skipped: mergeSkipped([now.skipped, columns.skipped]),
            codes: Array.from(new Set([...now.codes, ...codes]))
          }
          yield* checkpoints.save(now)
          options.onRows(group.rows)
        }))
      const resumed = before.groups === 0 ? undefined : { row, flights: before.flights }
      return { ...yield* outcome({ ...now, workers: options.workers }), resumed }
    }).pipe(Effect.scoped, Effect.provide(system(options.workers, journal)))
  }))
