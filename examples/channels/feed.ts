/** A market data feed: one process publishes, this one follows, asleep while nothing comes. */
import { Channel } from "@troupe/persistence"
import { Console, Effect, Schedule } from "effect"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { ticks } from "./Tick.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "feed-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const program = Effect.gen(function*() {
  const path = join(yield* directory, "ticks")
  const publisher = fileURLToPath(new URL("./publisher.ts", import.meta.url))
  spawn(process.execPath, [...process.execArgv, publisher, path], { stdio: "inherit" })

  // The publisher makes the channel: until then there is none.
  const reader = yield* Effect.retry(Channel.reader(path, { format: ticks }), {
    schedule: Schedule.spaced("10 millis"),
    while: (error) => error.reason._tag === "NotFound"
  })

  const volume = { ACME: 0, INITECH: 0, GLOBEX: 0 }
  let turnover = 0
  while (yield* reader.ready) {
    reader.pollUnsafe((tick) => {
      volume[tick.symbol] += tick.size
      turnover += tick.size * tick.price
    })
  }
  yield* Console.log(volume.ACME, volume.INITECH, volume.GLOBEX) // => 183337 183330 183333
  yield* Console.log(turnover) // => 56649970
})

Effect.runPromise(Effect.scoped(program))
