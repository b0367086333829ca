/**
 * Channels whose writers are killed while they write.
 *
 * Allowed: all records up to the last one confirmed, in order, and some more, each whole; a batch as a whole or not at
 * all; a reader that looks on sees the same; the next writer takes over and goes on.
 *
 * Forbidden: a record that is missing, torn, doubled or of another number; an error; a confirmed one that is not there.
 */
import * as Channel from "@troupe/persistence/Channel"
import * as Format from "@troupe/persistence/Format"
import * as Effect from "effect/Effect"
import { type Case, type Job, notesOf } from "./kills.ts"

export const CAPACITY = 16_384
/** Full files that stay: enough for a reader that looks on to keep up. */
export const KEEP = 200

/** The record of a number: its length and its bytes follow from that. */
export const bodyOf = (n: number): Uint8Array => {
  const bytes = new Uint8Array(4 + Math.imul(n, 2654435761) % 97 + 97)
  bytes.fill(n & 0xff)
  new DataView(bytes.buffer).setInt32(0, n, true)
  return bytes
}

/** Looks at a channel while it is written, and afterwards. */
interface Watch {
  readonly job: Job
  last: number
  seen: number
  /** Where it goes on. */
  position: number | "start"
}

/** Reads what is there, and says what should not be. */
const look = (watch: Watch, forbidden: Array<string>): Effect.Effect<void> =>
  Effect.scoped(Effect.gen(function*() {
    const { job } = watch
    const reader = yield* Channel.reader(job.path, { format: Format.raw, from: watch.position })
    reader.pollUnsafe((bytes, position) => {
      const n = new DataView(bytes.buffer).getInt32(0, true)
      if (n !== watch.last + 1) {
        forbidden.push(`${job.durability}: ${n} after ${watch.last} at ${position}`)
      }
      const whole = bodyOf(n)
      if (!whole.every((byte, i) => byte === bytes[i]) || whole.length !== bytes.length) {
        forbidden.push(`${job.durability}: record ${n} is not whole`)
      }
      watch.last = n
      watch.seen++
    })
    watch.position = reader.position
  })).pipe(
    Effect.catch((error) =>
      Effect.sync(() => void forbidden.push(`${watch.job.durability}: ${error.message}`))
    )
  )

export const channels: Case = {
  entry: new URL("./channelWriter.ts", import.meta.url),
  writing: 20,
  observe: (jobs, forbidden) => {
    const watches = jobs.map((job): Watch => ({ job, last: 0, seen: 0, position: "start" }))
    return {
      during: Effect.forEach(
        watches,
        (watch) => notesOf(watch.job)[0]! > 0 ? look(watch, forbidden) : Effect.void,
        { discard: true }
      ),
      after: Effect.forEach(watches, (watch) =>
        Effect.gen(function*() {
          const { durability } = watch.job
          const promised = notesOf(watch.job)[0]!
          if (promised === 0) return
          yield* look(watch, forbidden)
          if (watch.last < promised) {
            forbidden.push(`${durability}: ${watch.last} records of ${promised} that were confirmed`)
          }
          // A batch ends at a number of its own.
          if (watch.last % 7 === 0 && watch.last > 0 || watch.last % 7 === 1 && watch.last > 7) {
            forbidden.push(`${durability}: a batch in part, up to ${watch.last}`)
          }
        }), { discard: true }),
      end: Effect.gen(function*() {
        let takeovers = 0
        for (const { path } of jobs) {
          const writer = Channel.writer(path, { format: Format.raw, capacity: CAPACITY })
          const recovery = yield* Effect.orDie(Effect.scoped(Effect.map(writer, ({ recovery }) => recovery)))
          if (recovery._tag === "TakenOver") takeovers++
        }
        return { takeovers, records: watches.reduce((sum, { seen }) => sum + seen, 0) }
      })
    }
  }
}
