/**
 * Processes with swarms are killed by `SIGKILL`, and their swarms looked at.
 *
 * Allowed: the last turn that was noted, or the one after it; a refusal because a turn, or a change between turns, was
 * left open, and then the last snapshot; while one was restored, what was there before or what it has.
 *
 * Forbidden: a row in part, a row of another turn, an amount that has gone or come; a snapshot that was taken and is
 * not there, or is another one; any other error.
 */
import * as MappedMemory from "@troupe/persistence/MappedMemory"
import * as SwarmSnapshot from "@troupe/persistence/SwarmSnapshot"
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { MinimumLogLevel } from "effect/References"
import { spawn } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { exited, pause, random } from "./kills.ts"
import { Cell, CellLive, type Job, NAMES, problems, Word } from "./swarmCell.ts"

export interface Outcome {
  /** Swarms whose process was killed. */
  kills: number
  /** Of these, those that were within a turn or a change, within a snapshot, within a restoring. */
  open: number
  taking: number
  restoring: number
  readonly forbidden: Array<string>
}

export interface Options {
  readonly seed: number
  /** Processes that are killed at a random moment. */
  readonly rounds: number
  /** Swarms in each of them. */
  readonly swarms: number
  /**
   * After each of them, so many swarms whose process is killed within a restoring, before a random call of the file
   * system, and then within a turn, before a random row.
   */
  readonly precise: number
  /** Where their directories are made. */
  readonly home: string
}

/** A killed process leaves the same behind in memory as on a disk, and there no time is spent on syncs. */
export const fastest: string = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

const entry = fileURLToPath(new URL("./swarmProcess.ts", import.meta.url))

const notesFile = (directory: string): string => join(directory, "notes.region")

/** What a process has noted. */
const notes = (directory: string): Int32Array => {
  const words = new Int32Array(16)
  if (!existsSync(notesFile(directory))) return words
  const bytes = readFileSync(notesFile(directory))
  return words.map((_, i) => bytes.readInt32LE(i * 4))
}

const hasSnapshot = (directory: string): boolean =>
  NAMES.some((_, place) => notes(directory)[Word.Taken + place]! > 0)

const within = (directory: string) => Effect.provide(MappedMemory.layer({ directory }))

/** Opens a swarm, and says what is wrong with it. */
const look = Effect.gen(function*() {
  const cells = yield* Cell.population
  const { turn } = yield* cells.stats
  const states = yield* Effect.forEach(
    yield* cells.ids,
    (id) => Effect.map(cells.get(id), Option.getOrThrow)
  )
  return { turn, found: cells.count === 0 ? [] : problems(states, turn) }
}).pipe(Effect.provide(Layer.fresh(CellLive)), Effect.provide(ActorSystem.layer))

/** Restores a snapshot in a directory of its own, and looks at that. */
const elsewhere = (directory: string, name: string) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const to = mkdtempSync(`${directory}-`)
      cpSync(join(directory, "Cell.snapshots"), join(to, "Cell.snapshots"), { recursive: true })
      return to
    }),
    (to) => Effect.andThen(SwarmSnapshot.restore(Cell, name), look).pipe(within(to)),
    (to) => Effect.sync(() => rmSync(to, { recursive: true }))
  )

/** After a kill: what is there, and whether it may be. Afterwards the notes say what is there now. */
const inspect = Effect.fnUntraced(function*({ directory, mode }: Job, outcome: Outcome) {
  const words = notes(directory)
  const forbid = (what: string) => outcome.forbidden.push(`${mode}, turn ${words[Word.Turn]}: ${what}`)
  outcome.kills++
  if (words[Word.Taking] !== 0) outcome.taking++
  if (words[Word.Restoring] !== 0) outcome.restoring++

  const there = yield* SwarmSnapshot.list(Cell)
  NAMES.forEach((name, place) => {
    const turn = there.find((info) => info.name === name)?.turn ?? 0
    const may = [words[Word.Taken + place]!]
    if (words[Word.Taking] === place + 1) may.push(words[Word.TakingTurn]!)
    if (!may.includes(turn)) forbid(`snapshot ${name} is of turn ${turn}, and may be of ${may.join(" or ")}`)
    words[Word.Taken + place] = turn
  })

  const newest = there.at(-1)
  if (newest !== undefined) {
    const { found, turn } = yield* elsewhere(directory, newest.name)
    if (turn !== newest.turn) forbid(`snapshot ${newest.name} has turn ${turn}, and says ${newest.turn}`)
    for (const what of found) forbid(`snapshot ${newest.name}: ${what}`)
  }

  const recovered = yield* Effect.result(SwarmSnapshot.recover(Cell))
  let turns: ReadonlyArray<number>
  if (recovered._tag === "Failure") {
    // Killed before there was any snapshot.
    if (recovered.failure.reason._tag !== "NoSnapshot" || there.length > 0) forbid(recovered.failure.message)
    outcome.open++
    rmSync(directory, { recursive: true })
    mkdirSync(directory)
    return
  }
  if (Option.isSome(recovered.success)) {
    outcome.open++
    turns = [newest!.turn]
    if (mode === "restore") forbid("it was left open")
  } else if (mode === "restore") {
    turns = [words[Word.Turn]!, ...(words[Word.Restoring] === 0 ? [] : [words[Word.Restoring]!])]
  } else turns = [words[Word.Turn]!, words[Word.Turn]! + 1]
  const { found, turn } = yield* look
  if (!turns.includes(turn)) forbid(`it is of turn ${turn}, and may be of ${turns.join(" or ")}`)
  for (const what of found) forbid(what)
  // What was not finished is not in the way.
  if (readdirSync(directory).some((name) => name.endsWith(".temporary"))) forbid("a temporary file is left")
  words[Word.Turn] = turn
  words[Word.Restoring] = 0
  words[Word.Taking] = 0
  writeFileSync(notesFile(directory), new Uint8Array(words.buffer))
})

export const run = async (options: Options): Promise<Outcome> => {
  const next = random(options.seed | 1)
  const home = mkdtempSync(join(options.home, "troupe-swarms-"))
  const outcome: Outcome = { kills: 0, open: 0, taking: 0, restoring: 0, forbidden: [] }
  const directories = Array.from({ length: options.swarms }, (_, i) => join(home, `${i}`))
  for (const directory of directories) mkdirSync(directory)
  const cache = join(home, "compiled")

  /** Runs a process until it is killed, by itself or after all of its swarms have done something. */
  const kill = async (
    jobs: ReadonlyArray<Job>,
    patience: "short" | "long",
    killAt?: number
  ): Promise<void> => {
    const child = spawn(
      process.execPath,
      ["--conditions=@troupe/source", entry, JSON.stringify({ jobs, killAt })],
      { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, NODE_COMPILE_CACHE: cache } }
    )
    const said: Array<string> = []
    child.stderr.on("data", (chunk: Uint8Array) => void said.push(new TextDecoder().decode(chunk)))
    const gone = exited(child)
    if (killAt === undefined) {
      const done = ({ directory, mode }: Job) =>
        notes(directory)[patience === "long" && mode === "work" ? Word.Snapshots : Word.Progress]!
      const before = jobs.map(done)
      const isAhead = (job: Job, i: number) => done(job) > before[i]!
      while (said.length === 0 && child.exitCode === null && !jobs.every(isAhead)) await pause(1)
      await pause(next() * 30)
      child.kill("SIGKILL")
    }
    await gone
    outcome.forbidden.push(...said)
    for (const job of jobs) {
      await inspect(job, outcome).pipe(
        within(job.directory),
        Effect.catchCause((cause) =>
          Effect.sync(() => outcome.forbidden.push(`${job.mode}: ${Cause.pretty(cause)}`))
        ),
        Effect.provideService(MinimumLogLevel, "None"),
        Effect.runPromise
      )
    }
  }
  const isOver = () => outcome.forbidden.length > 0

  try {
    for (let round = 0; round < options.rounds && !isOver(); round++) {
      await kill(
        directories.map((directory, i) => {
          return { directory, mode: hasSnapshot(directory) && (i + round) % 3 === 0 ? "restore" : "work" }
        }),
        round % 2 === 0 ? "long" : "short"
      )
      for (const directory of directories.filter(hasSnapshot).slice(0, options.precise)) {
        if (!isOver()) await kill([{ directory, mode: "restore" }], "short", 1 + Math.floor(next() * 70))
        if (!isOver()) await kill([{ directory, mode: "work" }], "short", 1 + Math.floor(next() * 3000))
      }
    }
    return outcome
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}
