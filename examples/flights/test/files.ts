/**
 * Files for the tests, in a directory that goes away with the scope, and what a source makes of them.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Source from "../Source.ts"

/** A file with this content, gone when the scope closes. */
export const file = (
  content: string | Uint8Array,
  name = "flights.data"
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => Fs.mkdtemp(Path.join(Os.tmpdir(), "flights-"))),
    (directory) => Effect.promise(() => Fs.rm(directory, { recursive: true }))
  ).pipe(
    Effect.map((directory) => Path.join(directory, name)),
    Effect.tap((path) => Effect.promise(() => Fs.writeFile(path, content)))
  )

/** A flight as a row, for comparing. */
export interface Row {
  readonly date: string
  readonly delay: number
  readonly distance: number
  readonly origin: string
  readonly destination: string
}

/** All flights of a plan as rows, and what was skipped. */
export const readRows = (plan: Source.Plan, options: { readonly strict: boolean } = { strict: false }) =>
  Effect.scoped(Effect.gen(function*() {
    const reader = yield* Source.open(plan, options)
    const rows: Array<Row> = []
    const skipped: Array<string> = []
    for (const group of plan.groups) {
      const columns = yield* reader.read(group)
      for (let i = 0; i < columns.length; i++) {
        rows.push({
          date: new Date(columns.date[i]!).toISOString(),
          delay: columns.delay[i]!,
          distance: columns.distance[i]!,
          origin: columns.codes[columns.origin[i]!]!,
          destination: columns.codes[columns.destination[i]!]!
        })
      }
      skipped.push(...columns.skipped.map(({ count, reason }) => `${count} ${reason}`))
    }
    return { rows, skipped }
  }))

/** The rows of a file with this content. */
export const rowsOf = (content: string | Uint8Array) =>
  Effect.scoped(Effect.gen(function*() {
    return yield* readRows(yield* Source.inspect(yield* file(content)))
  }))

/** What a source says is wrong with a file of this content, without the path. */
export const problemOf = (content: string | Uint8Array) =>
  rowsOf(content).pipe(
    Effect.flip,
    Effect.map((error) => error._tag === "InputError" ? error.problem : error.message)
  )
