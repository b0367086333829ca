/**
 * The link and the doorbell between real threads.
 *
 * Two threads send each other records through two links, and sleep on their doorbells when there is nothing to do.
 * Each record carries its number and a checksum of its payload.
 *
 * | outcome | |
 * | --- | --- |
 * | every record arrives once, whole, in order, and both threads finish | **Allowed** |
 * | a writer is terminated: the reader has a prefix of its records, each whole, and a new writer goes on | **Allowed** |
 * | a record is lost, doubled, reordered, or arrives by another link | **Forbidden** |
 * | a record is torn: its bytes are not those that were sent | **Forbidden** |
 * | the reader calls the link corrupt, though its writer did nothing wrong | **Forbidden** |
 * | all threads sleep though records wait, or room for some | **Forbidden** |
 * | a thread goes around without end | **Forbidden** |
 *
 * For as long as one likes, from any seed; it prints the seed that fails, and exits 1:
 *
 *     npm run stress -- --only links --minutes 10 --seed 7
 *
 * The same seed with `--minutes 0` plays that case again, and one with a terminated writer.
 */
import { setImmediate as turn } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import { type Case, caseOf, Field, generator, Records } from "./linkCase.ts"
import { Checker, send } from "./linkPlayer.ts"
import { CorruptLink, LinkReader, LinkWriter } from "../src/internal/hot/link.ts"
import type { Task } from "./linkThread.ts"

/** What came of a case: undefined when it was allowed. */
export type Failure = string | undefined

/** Milliseconds without any progress after which a thread is taken to go around without end. */
const PATIENCE = 30_000
const SAMPLE = 20

const startThread = (): Worker =>
  new Worker(new URL("./linkThread.ts", import.meta.url), { execArgv: ["--conditions=@troupe/source"] })

/** Two threads, started when they are first needed, and started anew after a failure. */
export class Pair {
  private threads: ReadonlyArray<Worker> = []

  /** Plays a case to its end. */
  async play(play: Case): Promise<Failure> {
    if (this.threads.length === 0) this.threads = [startThread(), startThread()]
    const field = Field.make(play)
    const failure = await this.watch(play, field)
    if (failure !== undefined) await this.close()
    return failure
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.terminate()))
    this.threads = []
  }

  private watch(play: Case, field: Field): Promise<Failure> {
    const { threads } = this
    return new Promise((resolve) => {
      let open = threads.length
      let before = ""
      let still = 0
      const end = (failure: Failure): void => {
        clearInterval(timer)
        for (const thread of threads) thread.off("message", heard).off("error", broke)
        resolve(failure)
      }
      const timer = setInterval(() => {
        if (field.stuck) return end("all threads sleep")
        // A thread that goes around makes rounds, but a reader or a writer that does makes none.
        const now = [0, 1].map((thread) => Atomics.load(field.words, field.rounds(thread))).join()
        still = now === before ? still + SAMPLE : 0
        before = now
        if (still > PATIENCE) end("a thread goes around without end")
      }, SAMPLE)
      const heard = ({ failure }: { readonly failure: Failure }): void => {
        if (failure !== undefined) end(failure)
        else if (--open === 0) end(undefined)
      }
      const broke = (error: unknown): void => end(String(error))
      threads.forEach((thread, me) => {
        thread.on("message", heard).on("error", broke)
        const task: Task = { play, memory: field.memory, me }
        thread.postMessage(task)
      })
    })
  }
}

/** Plays a case whose writer is terminated somewhere, and another goes on after it. */
export const terminate = async (seed: number): Promise<Failure> => {
  const random = generator(seed)
  const play: Case = { ...caseOf(seed), records: [2 ** 30, 0], window: Infinity, patient: true }
  const field = Field.make(play)
  const reader = new LinkReader(field.memory, field.link(0), play.capacity)
  const checker = new Checker(new Records(play, 0))
  const thread = startThread()
  thread.postMessage({ play, memory: field.memory, me: 0 } satisfies Task)
  const read = (checker: Checker): void => {
    reader.poll(checker, 1 + (random() % 64))
    reader.release()
  }
  try {
    const enough = 1 + (random() % 5000)
    while (checker.received < enough) {
      read(checker)
      // It sleeps when nothing fits, and nobody rings here but this.
      Atomics.store(field.words, field.bell(0), 0)
      Atomics.notify(field.words, field.bell(0))
      if (random() % 4 === 0) await turn()
    }
    // Reading goes on while it ends, so that it ends in the middle of something.
    const ending = thread.terminate()
    let ended = false
    while (!ended) {
      read(checker)
      ended = await Promise.race([ending.then(() => true), turn(false)])
    }
    while (reader.ready) read(checker)
    // What another writer sends is another link's as far as the checker goes.
    const next = { ...play, records: [400, 0] as const }
    const records = new Records(next, 1)
    const rest = new Checker(new Records(next, 1))
    const writer = new LinkWriter(field.memory, field.link(0), play.capacity)
    for (let n = 0; n < 400; n++) {
      send(writer, records, n)
      writer.drain()
      writer.publish()
      if (n % 3 === 0) read(rest)
    }
    for (let round = 0; rest.received < 400; round++) {
      if (round > 100_000) return "what came after the end does not arrive"
      writer.drain()
      writer.publish()
      read(rest)
    }
    return undefined
  } catch (error) {
    return error instanceof CorruptLink ? `corrupt: ${error.problem}` : what(error)
  } finally {
    await thread.terminate()
  }
}

const what = (error: unknown): string =>
  typeof error === "object" && error !== null && "what" in error ? String(error.what) : String(error)

export interface Report {
  /** Cases played. */
  readonly cases: number
  /** The first that failed: its seed plays it again. */
  readonly failure: { readonly seed: number; readonly what: string } | undefined
}

/** Cases from `seed` on, for so many minutes, or until one fails; each eighth terminates its writer. */
export const run = async (options: { readonly minutes: number; readonly seed: number }): Promise<Report> => {
  const deadline = performance.now() + options.minutes * 60_000
  const pair = new Pair()
  let cases = 0
  try {
    do {
      const seed = (options.seed + cases) >>> 0
      const failure = (await pair.play(caseOf(seed))) ?? (cases % 8 === 0 ? await terminate(seed) : undefined)
      cases++
      if (failure !== undefined) return { cases, failure: { seed, what: failure } }
    } while (performance.now() < deadline)
    return { cases, failure: undefined }
  } finally {
    await pair.close()
  }
}
