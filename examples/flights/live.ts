/** The behaviours of the job. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AirportLive } from "./Airport.ts"
import { ReaderLive } from "./Reader.ts"

/** The name of the environment variable that tells a worker where the journal is. */
export const journalVariable = "FLIGHTS_JOURNAL"

/** With airports that keep a journal in this directory, if one is given. What that takes is loaded only then. */
export const live = (journal: string | undefined) =>
  Layer.provideMerge(
    ReaderLive,
    journal === undefined ? AirportLive : Layer.unwrap(Effect.map(
      Effect.promise(() => import("./JournaledAirport.ts")),
      ({ journaledAirports }) => journaledAirports(journal)
    ))
  )
