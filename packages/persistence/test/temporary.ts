import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Runs with a directory of its own, which goes afterwards. */
export const temporary = <A, E, R>(
  f: (directory: string) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "troupe-"))),
    f,
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )
