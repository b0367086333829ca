/** The main job: `npm start`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { main } from "./cli.ts"
import { run } from "./run.ts"

NodeRuntime.runMain(main(run, process.argv.slice(2)))
