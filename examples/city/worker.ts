/** What each worker runs: handlers of cars, and its share of the junctions. */
import { ActorWorker } from "@troupe/runtime"
import { live } from "./live.ts"

ActorWorker.run(live(Number(process.env["CITY_CARS"])))
