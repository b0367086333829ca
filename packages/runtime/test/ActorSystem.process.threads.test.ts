import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("./fixtures/program.ts", import.meta.url))

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: ReadonlyArray<string>
}

/** Runs the program in a process of its own, and sends it a signal once it waits. */
const run = (place: string, how: string, signal?: NodeJS.Signals): Effect.Effect<Ended, unknown> =>
  Effect.callback<Ended>((resume) => {
    const child = spawn(process.execPath, ["--conditions=@troupe/source", program, place, how], {
      stdio: ["ignore", "pipe", "ignore"]
    })
    let output = ""
    let told = false
    child.stdout.on("data", (chunk) => {
      output += String(chunk)
      // Once: a second one would find nobody who handles it any more.
      if (signal === undefined || told || !output.includes("burning\n")) return
      told = true
      child.kill(signal)
    })
    child.on("close", (code, signal) => {
      const lines = output.split("\n").filter((line) => /^\w+ is /.test(line))
      resume(Effect.succeed({ code, signal, lines }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  }).pipe(Effect.timeout("20 seconds"))

describe("ActorSystem", () => {
  for (const place of ["here", "workers"]) {
    describe(place === "here" ? "a process with actors on its thread" : "a process with workers", () => {
      const ways: ReadonlyArray<
        readonly [sentence: string, how: string, signal: NodeJS.Signals | undefined, code: number]
      > = [
        ["ends by itself when its program ends", "ends", undefined, 0],
        ["ends with its program's failure", "dies", undefined, 1],
        ["ends at Ctrl-C", "waits", "SIGINT", 130],
        ["ends when it is told to terminate", "waits", "SIGTERM", 130]
      ]
      for (const [sentence, how, signal, code] of ways) {
        it.live(`${sentence}, its finalizers run`, () =>
          Effect.gen(function*() {
            const ended = yield* run(place, how, signal)
            assert.deepInclude(ended, { code, signal: null })
            assert.deepStrictEqual(ended.lines, [
              "spawned is lit",
              "keyed is lit",
              ...(signal === undefined ? [] : ["spawned is burning", "spawned is blown out"]),
              "spawned is out",
              "keyed is out"
            ])
          }))
      }
    })
  }
})
