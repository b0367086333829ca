/** The same bytes in SQLite: a transaction, and a sync, for as many rows as there are writers. */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Scenario from "../Scenario.ts"
import { BYTES, WRITERS } from "./journal.ts"
import { temporary } from "./temporary.ts"

export const sqlite: Scenario.Scenario = Scenario.throughput({
  baseline: true,
  multipleOf: WRITERS,
  params: {
    face: "node:sqlite, synchronous calls",
    rowsInTransaction: WRITERS,
    bytes: BYTES,
    durability: "WAL, FULL"
  },
  setup: Effect.gen(function*() {
    const directory = yield* temporary
    const database = yield* Effect.acquireRelease(
      Effect.sync(() => new DatabaseSync(join(directory, "bench.sqlite"))),
      (database) => Effect.sync(() => database.close())
    )
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    database.exec("CREATE TABLE events (id TEXT, sequence INTEGER, event BLOB, PRIMARY KEY (id, sequence))")
    const insert = database.prepare("INSERT INTO events VALUES (?, ?, ?)")
    const count = database.prepare("SELECT count(*) AS count FROM events")
    const event = new Uint8Array(BYTES).fill(7)
    let sequence = 0
    return {
      run: (operations: number) =>
        Effect.sync(() => {
          for (let written = 0; written < operations; written += WRITERS) {
            sequence++
            database.exec("BEGIN")
            for (let writer = 0; writer < WRITERS; writer++) insert.run(`writer-${writer}`, sequence, event)
            database.exec("COMMIT")
          }
        }),
      check: () => Scenario.expect("rows", Number(count.get()!["count"]), sequence * WRITERS)
    }
  })
})
