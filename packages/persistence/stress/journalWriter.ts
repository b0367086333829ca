/** What is killed: storages on disk, in which somebody looks at what is there, and writes. */
import * as Effect from "effect/Effect"
import { hosting, type Job, notes } from "./kills.ts"
import { layer, look, write } from "./ledger.ts"

const live = Effect.fnUntraced(function*(job: Job) {
  const noted = yield* notes(job)
  return yield* Effect.gen(function*() {
    const { forbidden } = yield* look(noted)
    // The one who kills it reads what is said here.
    for (const what of forbidden) console.error(`${job.durability}: ${what}`)
    return yield* write(noted)
  }).pipe(Effect.provide(layer(job)))
}, Effect.scoped)

await hosting(live)
