/** Faults on purpose: `npm run faults -- --scenario NAME --seed S --seconds N`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import process from "node:process"
import { faults } from "./faults.ts"

// The first Ctrl-C is for the scenario that runs, which ends with its summary; the second one is not waited for.
let interrupted = false
process.on("SIGINT", () => {
  if (interrupted) process.exit(130)
  interrupted = true
})

faults(process.argv.slice(2)).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
