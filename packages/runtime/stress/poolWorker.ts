/** A worker of the pool's stress, with or without a mistake. */
import * as ActorWorker from "@troupe/runtime/ActorWorker"
import { live } from "../test/fixtures/doomedLive.ts"
import { make } from "./poolMutants.ts"

make(process.env["TROUPE_STRESS_MUTANT"])
ActorWorker.run(live)
