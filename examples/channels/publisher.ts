/** Publishes 100,000 ticks, and closes the channel. Run by feed.ts in a process of its own. */
import { Channel } from "@troupe/persistence"
import { Effect } from "effect"
import process from "node:process"
import { ticks } from "./Tick.ts"

const symbols = ["ACME", "INITECH", "GLOBEX"] as const

const publisher = Effect.gen(function*() {
  const writer = yield* Channel.writer(process.argv[2]!, {
    format: ticks,
    capacity: 1 << 20,
    timeout: "5 seconds"
  })
  for (let n = 0; n < 100_000; n++) {
    // About 50 ns a tick; who reads does not matter.
    writer.appendUnsafe({ symbol: symbols[n % 3]!, size: 1 + n % 10, price: 100 + n % 7 })
  }
  yield* writer.close
})

Effect.runPromise(Effect.scoped(publisher))
