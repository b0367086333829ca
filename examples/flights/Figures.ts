/**
 * What the job computes, and the seam between the command line and whoever computes it.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Skipped } from "./Columns.ts"
import type { Plan } from "./Source.ts"

/**
 * An airport's figures. `null` where there is nothing to say: no flight departed.
 *
 * The percentile is by nearest rank: of n delays in order, the one at place ceil(95 n / 100), counted from 1.
 * Of destinations that are equally frequent, the one with the smaller code (by UTF-16 code units) counts.
 */
export const Figures = Schema.Struct({
  code: Schema.String,
  departures: Schema.Int,
  arrivals: Schema.Int,
  /** Minutes, of the flights that departed here: their exact sum, divided once. */
  meanDelay: Schema.NullOr(Schema.Number),
  /** Minutes, of the flights that departed here. */
  p95Delay: Schema.NullOr(Schema.Int),
  topDestination: Schema.NullOr(Schema.String)
})

export interface Figures extends Schema.Schema.Type<typeof Figures> {}

/** What a run gives back. */
export interface Outcome {
  /** One for each airport, in any order. */
  readonly figures: ReadonlyArray<Figures>
  /** How many rows were flights. */
  readonly flights: number
  readonly skipped: ReadonlyArray<Skipped>
  /** By the runtime's own counters. */
  readonly messages: {
    readonly sent: number
    readonly handled: number
    readonly deadLetters: number
  }
  /** Where it was taken up, if a journal had the beginning; those flights are among the others. */
  readonly resumed?: { readonly row: number; readonly flights: number } | undefined
  /** Who handled how many messages. */
  readonly workers: ReadonlyArray<{ readonly name: string; readonly handled: number }>
}

export interface RunOptions {
  /** How many worker threads; 0 for this thread only. */
  readonly workers: number
  /** Fail with `BadRow` at a row that is no flight, where it would be counted otherwise. */
  readonly strict: boolean
  /** A directory where the airports keep a journal, so that a run that was killed is taken up where it was. */
  readonly journal?: string | undefined
  /** To be told, on this thread, before anything else of rows, at which row a run is taken up. */
  readonly onResumed?: ((row: number) => Effect.Effect<void>) | undefined
  /** To be told, on this thread, of each lot of rows that has been read. */
  readonly onRows: (rows: number) => void
}

/** Sends every flight of the plan to its airports and asks these for their figures. */
export type Run = (plan: Plan, options: RunOptions) => Effect.Effect<Outcome, Error>
