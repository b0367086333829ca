/** What a figure was measured on: without it a figure cannot be compared with another. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as os from "node:os"
import process from "node:process"

export const Machine = Schema.Struct({
  /** The processor's model, as the system names it. */
  cpu: Schema.String,
  /** Cores this process may use. */
  cores: Schema.Number,
  /** Memory in bytes. */
  memory: Schema.Number,
  platform: Schema.String,
  node: Schema.String,
  v8: Schema.String,
  /** Load averages over 1, 5 and 15 minutes, when the scenario began. */
  load: Schema.Array(Schema.Number)
})

export type Machine = typeof Machine.Type

export const describe: Effect.Effect<Machine> = Effect.sync(() => ({
  cpu: os.cpus()[0]?.model ?? "unknown",
  cores: os.availableParallelism(),
  memory: os.totalmem(),
  platform: `${process.platform}-${process.arch}`,
  node: process.version,
  v8: process.versions.v8,
  load: os.loadavg()
}))
