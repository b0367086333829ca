/** The main job: `npm start`. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { constants, enableCompileCache } from "node:module"

// What was compiled is kept for the next run, and for the workers of this one, which load the same modules and look
// for it where the environment says.
const cache = enableCompileCache()
if (cache.status !== constants.compileCacheStatus.FAILED && cache.directory !== undefined) {
  process.env["NODE_COMPILE_CACHE"] = cache.directory
}
const [{ main }, { run }] = await Promise.all([import("./cli.ts"), import("./run.ts")])

NodeRuntime.runMain(main(run, process.argv.slice(2)))
