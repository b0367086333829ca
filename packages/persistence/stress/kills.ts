/** Starts processes that write, kills them by `SIGKILL` at random moments, and has somebody look at what is there. */
import type * as Channel from "@troupe/persistence/Channel"
import * as MappedMemory from "@troupe/persistence/MappedMemory"
import * as Memory from "@troupe/runtime/Memory"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { flushCompileCache } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

/** What one writer in the process that is killed writes. */
export interface Job {
  readonly index: number
  readonly path: string
  readonly durability: Channel.Durability
  /** Where it notes what was confirmed. */
  readonly directory: string
}

/** Who looks at what they have left. What should not be goes into `forbidden`. */
interface Observer {
  /** While they write. */
  readonly during: Effect.Effect<void>
  /** When they are dead. */
  readonly after: Effect.Effect<void>
  /** When the last of them is: how many records there were, and how many takeovers it found. */
  readonly end: Effect.Effect<{ readonly records: number; readonly takeovers: number }>
}

/** What is killed, and who looks at it. */
export interface Case {
  /** A file that calls {@link hosting}. */
  readonly entry: URL
  /** Milliseconds for which they write at most. */
  readonly writing: number
  readonly observe: (jobs: ReadonlyArray<Job>, forbidden: Array<string>) => Observer
}

export interface Options {
  /** Of the moments at which they are killed. */
  readonly seed: number
  /** Processes that are killed, one after the other. */
  readonly kills: number
  /** Writers in each of them; every durability has its turn. */
  readonly writers: number
}

export interface Outcome {
  /** Processes. */
  readonly kills: number
  readonly records: number
  /** Writers that found another one dead. */
  readonly takeovers: number
  readonly forbidden: ReadonlyArray<string>
}

const durabilities: ReadonlyArray<Channel.Durability> = ["none", "async", "batch", "each"]

/** Numbers of one job that outlive the process: the first says that it writes, what the others are is up to the case. */
const NOTES = 8

export const notesOf = ({ directory, index }: Job): Int32Array => {
  const bytes = readFileSync(join(directory, `notes-${index}.region`))
  return new Int32Array(bytes.buffer, bytes.byteOffset, NOTES)
}

/** The same, to be written. */
export const notes = Effect.fnUntraced(function*({ directory, index }: Job) {
  const region = yield* Memory.allocate({
    name: `notes-${index}`,
    byteLength: NOTES * 4,
    keep: true
  }).pipe(Effect.provide(MappedMemory.layer({ directory })))
  return new Int32Array(region.buffer, region.byteOffset, NOTES)
})

/** Numbers from 0 to 1. */
export const random = (seed: number) => () => {
  seed = Math.imul(seed ^ (seed >>> 15), seed | 1)
  seed ^= seed + Math.imul(seed ^ (seed >>> 7), seed | 61)
  return ((seed ^ (seed >>> 14)) >>> 0) / 2 ** 32
}

export const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => child.once("exit", () => resolve()))

export const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** `kills` times: starts a process, kills it at a random moment, looks at what is there. */
export const run = async ({ entry, observe, writing }: Case, options: Options): Promise<Outcome> => {
  const { seed, writers } = options
  const next = random(seed | 1)
  const directory = mkdtempSync(join(tmpdir(), "troupe-crash-"))
  const jobs = Array.from({ length: writers }, (_, index): Job => ({
    index,
    path: join(directory, `written-${index}`),
    durability: durabilities[index % durabilities.length]!,
    directory
  }))
  const forbidden: Array<string> = []
  const observer = observe(jobs, forbidden)
  let kills = 0
  /** Milliseconds until they wrote, the last time. */
  let start = 0
  try {
    for (const job of jobs) await Effect.runPromise(Effect.scoped(notes(job)))
    while (kills < options.kills && forbidden.length === 0) {
      const before = jobs.map((job) => notesOf(job)[0]!)
      const child = spawn(
        process.execPath,
        ["--conditions=@troupe/source", fileURLToPath(entry), JSON.stringify(jobs)],
        {
          stdio: ["ignore", "ignore", "pipe"],
          env: { ...process.env, NODE_COMPILE_CACHE: join(directory, "compiled") }
        }
      )
      const said: Array<string> = []
      child.stderr.on("data", (chunk: Uint8Array) => void said.push(new TextDecoder().decode(chunk)))
      const gone = exited(child)
      const began = performance.now()
      const allWrite = () => jobs.every((job, i) => notesOf(job)[0]! > before[i]!)
      // Now and then before they write: while they take over.
      const early = start > 0 && next() < 0.2 ? next() * start : Infinity
      while (said.length === 0 && child.exitCode === null && !allWrite()) {
        if (performance.now() - began > early) break
        await pause(1)
        await Effect.runPromise(observer.during)
      }
      if (early === Infinity) {
        start = performance.now() - began
        await pause(next() * writing)
      }
      if (child.exitCode !== null) forbidden.push(`it ended by itself: ${child.exitCode}`)
      child.kill("SIGKILL")
      await gone
      forbidden.push(...said)
      kills++
      await Effect.runPromise(observer.after)
    }
    return { kills, forbidden, ...await Effect.runPromise(observer.end) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The other side: writes all jobs, in fibers of one thread, until it is killed. */
export const hosting = async (write: (job: Job) => Effect.Effect<unknown, unknown>): Promise<void> => {
  const jobs = JSON.parse(process.argv[2]!) as ReadonlyArray<Job>
  // Whoever is killed does not do it at his end, and the next one would compile everything again.
  flushCompileCache()
  await Effect.runPromise(Effect.forEach(jobs, write, { concurrency: "unbounded", discard: true }))
}
