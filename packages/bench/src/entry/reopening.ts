/** A process that opens a swarm in the directory that it is given, and says how long it took. */
import * as Effect from "effect/Effect"
import process from "node:process"
import { visit } from "../storage/Kept.ts"

const [directory, count] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await Effect.runPromise(visit(directory!, Number(count)))))
