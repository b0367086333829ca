/**
 * Writers are killed by `SIGKILL` while they write, and looked at.
 *
 * Allowed: all records up to the last one confirmed, in order, and some more, each whole; a batch as a whole or not at
 * all; a reader that looks on sees the same; the next writer takes over and goes on.
 *
 * Forbidden: a record that is missing, torn, doubled or of another number; an error; a confirmed one that is not there.
 */
import * as Channel from "@troupe/persistence/Channel"
import * as Format from "@troupe/persistence/Format"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

export interface Job {
  readonly index: number
  readonly path: string
  readonly durability: Channel.Durability
  /** Where it notes what was confirmed. */
  readonly directory: string
}

export interface Outcome {
  readonly kills: number
  /** Writers that found another one dead. */
  readonly takeovers: number
  readonly records: number
  readonly forbidden: ReadonlyArray<string>
}

export const CAPACITY = 16_384
/** Full files that stay: enough for a reader that looks on to keep up. */
export const KEEP = 200

const durabilities: ReadonlyArray<Channel.Durability> = ["none", "async", "batch", "each"]

/** The record of a number: its length and its bytes follow from that. */
export const bodyOf = (n: number): Uint8Array => {
  const bytes = new Uint8Array(4 + Math.imul(n, 2654435761) % 97 + 97)
  bytes.fill(n & 0xff)
  new DataView(bytes.buffer).setInt32(0, n, true)
  return bytes
}

const random = (seed: number) => () => {
  seed = Math.imul(seed ^ (seed >>> 15), seed | 1)
  seed ^= seed + Math.imul(seed ^ (seed >>> 7), seed | 61)
  return ((seed ^ (seed >>> 14)) >>> 0) / 2 ** 32
}

const entry = fileURLToPath(new URL("./crashWriter.ts", import.meta.url))

const exited = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => child.once("exit", () => resolve()))

/** Looks at a channel while it is written, and afterwards. */
interface Watch {
  readonly job: Job
  last: number
  seen: number
  /** Where it goes on. */
  position: number | "start"
}

/** Reads what is there, and says what should not be. */
const look = Effect.fnUntraced(function*(watch: Watch, forbidden: Array<string>) {
  const { job } = watch
  const reader = yield* Channel.reader(job.path, { format: Format.raw, from: watch.position })
  reader.pollUnsafe((bytes, position) => {
    const n = new DataView(bytes.buffer).getInt32(0, true)
    if (n !== watch.last + 1) forbidden.push(`${job.durability}: ${n} after ${watch.last} at ${position}`)
    const whole = bodyOf(n)
    if (!whole.every((byte, i) => byte === bytes[i]) || whole.length !== bytes.length) {
      forbidden.push(`${job.durability}: record ${n} is not whole`)
    }
    watch.last = n
    watch.seen++
  })
  watch.position = reader.position
}, Effect.scoped)

/** `rounds` times: starts a process with `threads` writers, kills it at a random moment, looks at what is there. */
export const run = async (
  options: {
    readonly seed: number
    readonly rounds: number
    readonly threads: number
    readonly until?: () => boolean
  }
): Promise<Outcome> => {
  const next = random(options.seed | 1)
  const directory = mkdtempSync(join(tmpdir(), "troupe-crash-"))
  const jobs = Array.from({ length: options.threads }, (_, index): Job => ({
    index,
    path: join(directory, `channel-${index}`),
    durability: durabilities[index % durabilities.length]!,
    directory
  }))
  const watches = jobs.map((job): Watch => ({ job, last: 0, seen: 0, position: "start" }))
  const forbidden: Array<string> = []
  let kills = 0
  try {
    for (
      let round = 0;
      round < options.rounds && forbidden.length === 0 && options.until?.() !== true;
      round++
    ) {
      const child = spawn(process.execPath, ["--conditions=@troupe/source", entry, JSON.stringify(jobs)], {
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, NODE_COMPILE_CACHE: join(directory, "compiled") }
      })
      const said: Array<string> = []
      child.stderr.on("data", (chunk: Uint8Array) => void said.push(new TextDecoder().decode(chunk)))
      const gone = exited(child)
      const confirmed = ({ index }: Job): number => {
        const file = join(directory, `confirmed-${index}.region`)
        return existsSync(file) ? readFileSync(file).readInt32LE(0) : 0
      }
      const before = jobs.map(confirmed)
      const allWrite = () => jobs.every((job, i) => confirmed(job) > before[i]!)
      // Until each of them has written something in this round, readers look on.
      while (said.length === 0 && child.exitCode === null && !allWrite()) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        for (const watch of watches) {
          if (confirmed(watch.job) > 0) await Effect.runPromise(look(watch, forbidden))
        }
      }
      await new Promise((resolve) => setTimeout(resolve, next() * 20))
      child.kill("SIGKILL")
      await gone
      forbidden.push(...said)
      kills += options.threads
      for (const watch of watches) {
        await Effect.runPromise(
          Effect.catch(
            look(watch, forbidden),
            (error) => Effect.sync(() => void forbidden.push(`${watch.job.durability}: ${error.message}`))
          )
        )
        const promised = confirmed(watch.job)
        if (watch.last < promised) {
          forbidden.push(`${watch.job.durability}: ${watch.last} records of ${promised} that were confirmed`)
        }
        // A batch ends at a number of its own.
        if (watch.last % 7 === 0 && watch.last > 0 || watch.last % 7 === 1 && watch.last > 7) {
          forbidden.push(`${watch.job.durability}: a batch in part, up to ${watch.last}`)
        }
      }
    }
    let takeovers = 0
    for (const { job } of watches) {
      const writer = Channel.writer(job.path, { format: Format.raw, capacity: CAPACITY })
      const recovery = await Effect.runPromise(Effect.scoped(Effect.map(writer, ({ recovery }) => recovery)))
      if (recovery._tag === "TakenOver") takeovers++
    }
    return { kills, takeovers, records: watches.reduce((sum, { seen }) => sum + seen, 0), forbidden }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
