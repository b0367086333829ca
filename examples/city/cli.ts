/** The command line of the city. Results go to stdout, progress to stderr. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Os from "node:os"
import * as City from "./City.ts"
import * as Picture from "./Picture.ts"

const integer = (name: string, minimum: number, maximum: number) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.filter((n) => n >= minimum && n <= maximum, () => `an integer from ${minimum} to ${maximum}`)
  )

const cores = Os.availableParallelism()
// This thread merges what the workers say to each other, and takes a core: with two, it drives faster alone.
const most = cores > 2 ? cores - 1 : 0

const flags = {
  turns: integer("turns", 1, 1_000_000).pipe(
    Flag.withDescription("Seconds that pass in the city (default: 300)"),
    Flag.withDefault(300)
  ),
  cars: integer("cars", 1, 100_000_000).pipe(
    Flag.withDescription("Cars; the city is as large as they need (default: 1,000,000)"),
    Flag.withDefault(1_000_000)
  ),
  workers: integer("workers", 0, 256).pipe(
    Flag.withDescription(
      `Worker threads; 0 for this thread only (default: all cores but one, if that is more than one; here ${most})`
    ),
    Flag.withDefault(most)
  ),
  seed: integer("seed", 0, 0xffffffff).pipe(
    Flag.withDescription(
      "What chance begins with: equal seeds, equal traffic, on any number of workers (default: 1)"
    ),
    Flag.withDefault(1)
  ),
  picture: Flag.String("picture").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Where the picture of the traffic goes, as PNG (default: city.png)"),
    Flag.withDefault("city.png")
  )
}

const count = (value: number): string => Math.round(value).toLocaleString("en-US")

const command = Command.make(
  "city",
  flags,
  Effect.fnUntraced(function*({ cars, picture, seed, turns, workers }) {
    let shown = performance.now()
    const onTurn = (turn: number): void => {
      if (performance.now() - shown < 500) return
      shown = performance.now()
      process.stderr.write(`city: turn ${turn} of ${turns}\n`)
    }
    const outcome = yield* City.run({ cars, turns, workers, seed, onTurn })
    const { bytes, checks, density, digest, grid, messages, millis, passed, waiting } = outcome
    const file = yield* FileSystem.FileSystem
    yield* file.writeFile(picture, Picture.png(grid, density))
    const a = (what: number): string => count(what / millis * 1000)
    yield* Console.log([
      `${count(cars)} cars, ${count(grid.junctions)} junctions, ${
        count(grid.streets)
      } streets, ${workers} workers`,
      `${turns} turns in ${(millis / 1000).toFixed(2)} s: ${(turns / millis * 1000).toFixed(1)} turns/s`,
      `${count(messages)} messages: ${a(messages)} messages/s`,
      `${count(passed)} junctions passed, ${count(waiting)} cars wait at a light`,
      `${(bytes / cars).toFixed(1)} bytes a car; peak memory ${
        count(process.resourceUsage().maxRSS / 1024)
      } MiB`,
      `checked ${checks} times: no car is lost, and none is there twice`,
      `digest ${digest.toString(16).padStart(8, "0")}, picture ${picture}`
    ].join("\n"))
  })
).pipe(
  Command.withDescription("Drives cars through a city of junctions with lights, and draws the traffic"),
  Command.withExamples([
    { command: "npm run city", description: "A million cars, on every core" },
    { command: "npm run city -- --workers 0 --cars 10000", description: "Some, on one thread" }
  ])
)

/** The whole program, for arguments as they stand behind the program's name. */
export const main = (args: ReadonlyArray<string>) =>
  Command.runWith(command, { version: "0.1.0" })(args).pipe(Effect.provide(NodeServices.layer))
