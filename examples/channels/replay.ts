/** A reader with a name goes on where it was; another one reads the same from the beginning. */
import { Channel, Format } from "@troupe/persistence"
import { Console, Effect, Schema, Stream } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const Payment = Schema.Struct({ account: Schema.String, cents: Schema.Int })
const payments = Format.timestamped(Format.jsonLines(Payment))

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "replay-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const program = Effect.gen(function*() {
  const path = join(yield* directory, "payments")

  // On the disk when `append` succeeds; those that wait at the same time share one sync.
  const writer = yield* Channel.writer(path, { format: payments, durability: "batch" })
  yield* Effect.forEach([100, 250, 40, 7], (cents) => writer.append({ account: "anna", cents }), {
    concurrency: "unbounded"
  })

  const book = (n: number) =>
    Effect.scoped(Effect.gen(function*() {
      const reader = yield* Channel.reader(path, { format: payments, cursor: "bookkeeping" })
      const booked = yield* reader.take(n)
      yield* reader.commit
      return booked.map(({ value }) => value.cents).join(" ")
    }))
  yield* Console.log("booked", yield* book(3)) // => booked 100 250 40
  yield* Console.log("booked", yield* book(3)) // => booked 7

  yield* writer.close
  const audit = yield* Channel.reader(path, { format: payments })
  const total = yield* Stream.runFold(Channel.stream(audit), () => 0, (sum, { value }) => sum + value.cents)
  yield* Console.log("in all", total) // => in all 397
})

Effect.runPromise(Effect.scoped(program))
