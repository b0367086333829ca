import * as Effect from "effect/Effect"
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import { temporary } from "../channels/channels.ts"
import * as Scenario from "../Scenario.ts"

/** A system call for each record of 16 bytes. */
export default Scenario.duration({
  baseline: true,
  params: { face: "fs.writeSync", content: "16 B" },
  setup: Effect.gen(function*() {
    const path = join(yield* temporary, "file")
    const fd = yield* Effect.acquireRelease(
      Effect.sync(() => openSync(path, "a")),
      (fd) => Effect.sync(() => closeSync(fd))
    )
    const record = new Float64Array(2)
    return {
      run: (operations: number) =>
        Effect.sync(() => {
          ftruncateSync(fd, 0)
          for (let n = 0; n < operations; n++) {
            record[0] = n
            writeSync(fd, record)
          }
        }),
      check: (_: unknown, operations: number) => Scenario.expect("bytes", fstatSync(fd).size, operations * 16)
    }
  })
})
