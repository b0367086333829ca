/**
 * Reading and decoding a file and nothing else, in the way the job does it: the baseline that the job's
 * time is measured against.
 *
 *     node --conditions=@troupe/source examples/flights/readAlone.ts [FILE]
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { defaultInput } from "./dataset.ts"
import type { InputError } from "./InputFile.ts"
import * as Source from "./Source.ts"

/** Reads every group of a file on this thread, one after another; gives how many rows were flights. */
export const readAlone = (path: string): Effect.Effect<number, InputError | Source.BadRow> =>
  Effect.scoped(Effect.gen(function*() {
    const plan = yield* Source.inspect(path)
    const reader = yield* Source.open(plan, { strict: false })
    let flights = 0
    for (const group of plan.groups) flights += (yield* reader.read(group)).length
    return flights
  }))

if (import.meta.main) {
  readAlone(process.argv[2] ?? defaultInput).pipe(
    Effect.timed,
    Effect.flatMap(([duration, flights]) => {
      const seconds = Duration.toSeconds(duration)
      return Console.log(JSON.stringify({ flights, seconds, rowsPerSecond: Math.round(flights / seconds) }))
    }),
    NodeRuntime.runMain
  )
}
