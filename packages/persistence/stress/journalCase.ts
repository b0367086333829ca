/**
 * Journals and states on disk, with actors that keep theirs in them, whose processes are killed while they write.
 *
 * Allowed: what was confirmed, and of each one more, if it was on its way; what was to be discarded or not; a message of an
 * outbox that is sent a second time.
 *
 * Forbidden: less than was confirmed; a gap in the sequences; a part of a write; an event, a state or a snapshot that is
 * not whole; a discarded event that is there again; a message that does not arrive, or is handled twice; an error.
 */
import * as Effect from "effect/Effect"
import { type Case, type Job, notes } from "./kills.ts"
import { layer, look } from "./ledger.ts"

/** Looks at what a job has left, as the next process would. */
export const inspect = (job: Job): Effect.Effect<Effect.Success<ReturnType<typeof look>>> =>
  Effect.flatMap(notes(job), look).pipe(
    Effect.provide(layer(job)),
    Effect.scoped,
    Effect.catchCause((cause) => Effect.succeed({ forbidden: [String(cause)], records: 0 }))
  )

export const journals: Case = {
  entry: new URL("./journalWriter.ts", import.meta.url),
  writing: 80,
  observe: (jobs, forbidden) => ({
    during: Effect.void,
    // Each process looks first at what the one before it has left, and says what should not be.
    after: Effect.void,
    end: Effect.gen(function*() {
      let records = 0
      for (const job of jobs) {
        const found = yield* inspect(job)
        forbidden.push(...found.forbidden.map((what) => `${job.durability}: ${what}`))
        records += found.records
      }
      return { records, takeovers: jobs.length }
    })
  })
}
