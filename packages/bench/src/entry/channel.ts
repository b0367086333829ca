/** The far end of `channel.latency`, in a process of its own: sends back what comes, spinning. */
import * as Channel from "@troupe/persistence/Channel"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import process from "node:process"
import { ticks } from "../channels/Tick.ts"

const echo = Effect.fnUntraced(function*(directory: string) {
  const there = yield* Channel.reader(join(directory, "there"), { format: ticks })
  const back = yield* Channel.writer(join(directory, "back"), { format: ticks, capacity: 64 * 1024 * 1024 })
  console.log("ready")
  for (;;) there.pollUnsafe(back.appendUnsafe)
})

await Effect.runPromise(Effect.scoped(echo(process.argv[2]!)))
