import * as Effect from "effect/Effect"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { temporary } from "../channels/channels.ts"
import * as Scenario from "../Scenario.ts"

const BATCH = 1000

/** A row for each record, in transactions of 1,000; as safe as a channel under `none`. */
export default Scenario.duration({
  baseline: true,
  multipleOf: BATCH,
  params: { face: "StatementSync.run", content: "16 B", transaction: BATCH, journal: "WAL, synchronous off" },
  setup: Effect.gen(function*() {
    const path = join(yield* temporary, "database")
    const database = yield* Effect.acquireRelease(
      Effect.sync(() => new DatabaseSync(path)),
      (database) => Effect.sync(() => database.close())
    )
    database.exec(
      "pragma journal_mode = wal; pragma synchronous = off; create table ticks (price real, at real)"
    )
    const insert = database.prepare("insert into ticks values (?, ?)")
    return {
      run: (operations: number) =>
        Effect.sync(() => {
          database.exec("delete from ticks")
          for (let n = 0; n < operations; n += BATCH) {
            database.exec("begin")
            for (let i = 0; i < BATCH; i++) insert.run(n + i, 0)
            database.exec("commit")
          }
        }),
      check: (_: unknown, operations: number) =>
        Scenario.expect(
          "rows",
          Number(database.prepare("select count(*) n from ticks").get()!["n"]),
          operations
        )
    }
  })
})
