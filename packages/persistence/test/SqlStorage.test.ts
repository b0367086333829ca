import { describe, expect, layer } from "@effect/vitest"
import * as Journal from "@troupe/persistence/Journal"
import * as SqlStorage from "@troupe/persistence/SqlStorage"
import * as StorageConformance from "@troupe/persistence/testing/StorageConformance"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as postgres from "./postgres.ts"

/** Runs may share a database. */
const prefix = `troupe_test_${Math.random().toString(36).slice(2)}`

const dropped = Layer.effectDiscard(Effect.acquireRelease(
  SqlClient,
  (sql) =>
    Effect.ignore(
      Effect.forEach(["ids", "events", "snapshots", "states"], (table) =>
        sql.unsafe(`DROP TABLE IF EXISTS "${prefix}_${table}"`), { discard: true })
    )
))

describe("SqlStorage", () => {
  layer(SqlStorage.layer({ prefix }).pipe(Layer.provideMerge(Layer.provideMerge(dropped, postgres.layer))), {
    timeout: "60 seconds"
  })("on PostgreSQL", (it) => {
    const storage = { layer: SqlStorage.layer({ prefix }), prefix: "pg", reopens: true, shared: true }
    for (const { name, run } of StorageConformance.cases(storage)) it.effect(name, () => run)

    it.effect("is shared by those who use the same tables, and made once by those who come at once", () =>
      Effect.gen(function*() {
        const other = SqlStorage.layer({ prefix })
        const read = Effect.flatMap(Journal.Journal, (journal) => Stream.runCollect(journal.read("shared")))
        yield* Journal.append("shared", 0, [new Uint8Array([1])])
        const all = yield* Effect.forEach(
          [1, 2, 3, 4],
          () => Effect.provide(read, Layer.fresh(other)),
          { concurrency: "unbounded" }
        )
        expect(all.map((events) => Array.from(events).length)).toEqual([1, 1, 1, 1])
      }))

    it.effect("reads more than a page, and only what was there when reading began", () =>
      Effect.gen(function*() {
        const events = Array.from({ length: 2500 }, (_, i) => new Uint8Array([i % 256]))
        yield* Journal.append("long", 0, events)
        const journal = yield* Journal.Journal
        let read = 0
        yield* Stream.runForEach(journal.read("long"), ({ sequence }) =>
          Effect.gen(function*() {
            expect(sequence).toBe(++read)
            if (read === 1) yield* Journal.append("long", 2500, events)
          }))
        expect(read).toBe(2500)
      }))
  })
})
