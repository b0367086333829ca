/** What is killed: writers of channels that write, as fast as they can, and note what was confirmed. */
import * as Channel from "@troupe/persistence/Channel"
import * as Format from "@troupe/persistence/Format"
import * as Effect from "effect/Effect"
import { bodyOf, CAPACITY, KEEP } from "./channelCase.ts"
import { hosting, type Job, notes } from "./kills.ts"

const write = Effect.fnUntraced(function*(job: Job) {
  const { durability, path } = job
  const confirmed = yield* notes(job)
  const options = { format: Format.raw, capacity: CAPACITY, keep: KEEP, durability } as const
  const writer = yield* Channel.writer(path, { ...options, interval: "1 millis" })
  // Goes on behind the last record that is there.
  let n = yield* lastOf(path)
  const flush = Effect.map(writer.flush, () => void Atomics.store(confirmed, 0, n))
  for (;;) {
    for (let i = 0; i < 50; i++) {
      n++
      if (n % 7 === 0) {
        writer.appendAllUnsafe([bodyOf(n), bodyOf(n + 1), bodyOf(n + 2)])
        n += 2
      } else writer.appendUnsafe(bodyOf(n))
      // A killed process loses nothing that was appended, under whatever durability.
      Atomics.store(confirmed, 0, n)
    }
    yield* durability === "batch" ? flush : Effect.sleep(0)
  }
}, Effect.scoped)

const lastOf = (path: string) =>
  Effect.scoped(Effect.gen(function*() {
    const reader = yield* Channel.reader(path, { format: Format.raw })
    let last = 0
    reader.pollUnsafe((bytes) => {
      last = new DataView(bytes.buffer).getInt32(0, true)
    })
    return last
  }))

await hosting(write)
