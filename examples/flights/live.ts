/** The behaviours of the job. */
import * as Layer from "effect/Layer"
import { AirportLive } from "./Airport.ts"
import { ReaderLive } from "./Reader.ts"

export const live = Layer.provideMerge(ReaderLive, AirportLive)
