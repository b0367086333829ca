/** Runs one scenario in this process and says how it goes. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Better, Params, type Scenario, Unit } from "./Scenario.ts"

/** What the process of a scenario tells the process that started it. The last one is `Measured` or `Failed`. */
export const Event = Schema.Union([
  Schema.TaggedStruct("WarmingUp", {}),
  Schema.TaggedStruct("Sampled", { taken: Schema.Number, of: Schema.Number }),
  Schema.TaggedStruct("Measured", {
    unit: Unit,
    better: Better,
    baseline: Schema.Boolean,
    samples: Schema.Array(Schema.Finite),
    params: Params
  }),
  Schema.TaggedStruct("Failed", { reason: Schema.String })
])

export type Event = typeof Event.Type

/** Sets up, warms up, takes `samples` samples. Never fails: what goes wrong is a `Failed`. */
export const run = <E, R>(
  scenario: Effect.Effect<Scenario, E, R>,
  samples: number,
  tell: (event: Event) => void
): Effect.Effect<void, never, R> =>
  Effect.gen(function*() {
    tell({ _tag: "WarmingUp" })
    const { baseline, better, params, setup, unit } = yield* scenario
    const sampler = yield* setup
    yield* sampler.warmUp
    const taken: Array<number> = []
    while (taken.length < samples) {
      const figure = yield* sampler.sample
      if (!Number.isFinite(figure)) {
        return tell({ _tag: "Failed", reason: `a sample is not a number: ${figure}` })
      }
      taken.push(figure)
      tell({ _tag: "Sampled", taken: taken.length, of: samples })
    }
    tell({
      _tag: "Measured",
      unit,
      better,
      baseline,
      samples: taken,
      params: { ...params, ...(yield* sampler.params) }
    })
  }).pipe(
    Effect.scoped,
    Effect.catchCause((cause) => Effect.sync(() => tell({ _tag: "Failed", reason: reason(cause) })))
  )

/** One line: the error's message for what a scenario declares, with its kind for a defect. */
const reason = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  const message = error instanceof Error ? error.message || error.name : String(error)
  const line = message.split("\n", 1)[0]!
  return Cause.hasDies(cause) ? `defect: ${line}` : line
}
