/**
 * One stress run of a ring between real threads, decided by a seed, and judged.
 *
 * **Allowed** Any interleaving of producers; a killed producer's events up to any number; slots skipped because a
 * callback threw or their producer died.
 * **Forbidden** Loss, duplication or reordering within one producer; a torn record; two consumers that see different
 * orders; a follower that sees an event before what it follows has changed it; a hang.
 */
import { Worker } from "node:worker_threads"
import type { WaitStrategy } from "../src/WaitStrategy.ts"
import * as Kernel from "./ringKernel.ts"

export interface RingCase {
  readonly seed: number
  readonly multi: boolean
  readonly producers: number
  /** Consumers that see every event, then one that follows them all when `diamond`. */
  readonly consumers: number
  readonly diamond: boolean
  readonly capacity: number
  readonly start: number
  readonly wait: WaitStrategy
  /** The most events in a batch; 1: single publications. */
  readonly batch: number
  /** Events a producer. */
  readonly events: number
  /** The producer waits after each event until it has been handled: the consumer sleeps and is woken each time. */
  readonly lockstep: boolean
  /** Producers that are terminated at a random point. */
  readonly kills: number
  /** One write callback in so many throws; 0: none. */
  readonly throws: number
  /** One write callback in so many is slow; 0: none. Makes a death within a claim likely. */
  readonly slow: number
  /** Repairs run all the time, for a producer that never was: they must find nothing that is theirs. */
  readonly repairs: boolean
}

export interface Outcome {
  readonly forbidden: ReadonlyArray<string>
  readonly seen: number
  readonly skipped: number
  readonly repaired: number
}

/** Numbers from a seed: mulberry32. */
export const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ seed >>> 15, 1 | seed)
  t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
  return ((t ^ t >>> 14) >>> 0) / 2 ** 32
}

const waits: ReadonlyArray<WaitStrategy> = [
  { _tag: "BusySpin" },
  { _tag: "Yielding", spins: 100 },
  { _tag: "SpinThenPark", spins: 200, turns: 3 },
  { _tag: "Park" },
  { _tag: "Block", spins: 10 }
]

/** The case of a seed. `scale` multiplies its length. */
export const fromSeed = (seed: number, scale: number): RingCase => {
  const next = random(seed)
  const pick = <A>(values: ReadonlyArray<A>): A => values[Math.floor(next() * values.length)]!
  const multi = next() < 0.7
  const producers = multi ? pick([1, 2, 3, 4]) : 1
  const lockstep = !multi && next() < 0.3
  const capacity = pick([2, 4, 8, 64, 1024])
  const kills = !lockstep && next() < 0.4 ? pick([1, producers]) : 0
  const wait = pick(waits)
  const events = lockstep ? 300 : capacity < 64 ? 3000 : 20000
  // Threads that spin on too few cores pass about one ring of events in each time slice of the machine.
  const spinning = wait._tag === "BusySpin" || wait._tag === "Yielding"
  return {
    seed,
    multi,
    producers,
    consumers: pick([1, 2, 3]),
    diamond: next() < 0.3,
    capacity,
    start: pick([-1, 2 ** 31 - 300, 2 ** 32 - 300]),
    wait,
    batch: next() < 0.5 ? 1 : Math.min(capacity, 16),
    events: Math.round(scale * (spinning ? Math.min(events, lockstep ? 30 : 40 * capacity) : events)),
    lockstep,
    kills,
    throws: next() < 0.3 ? 50 : 0,
    slow: kills > 0 ? 3 : 0,
    repairs: multi && next() < 0.3
  }
}

/** What a worker is told. */
export interface Role {
  readonly directory: string
  readonly case: RingCase
  readonly memory: SharedArrayBuffer
  readonly bells: SharedArrayBuffer
  /** Word 0: go. Word 1 + p: how many events producer p has published, as far as it lived to say. */
  readonly control: SharedArrayBuffer
  readonly role:
    | { readonly tag: "producer"; readonly id: number; readonly line: number; readonly events: number }
    | { readonly tag: "consumer"; readonly id: number; readonly index: number; readonly last: boolean }
}

/** What a consumer reports. */
export interface Report {
  readonly errors: ReadonlyArray<string>
  /** By producer. */
  readonly counts: ReadonlyArray<number>
  /** Of the order in which all events came. */
  readonly hash: number
}

export const MAX_IDS = 16

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Runs a case; `patience`: milliseconds without any progress that count as a hang. */
export const run = async (
  self: RingCase,
  directory = Kernel.original,
  patience = 10_000
): Promise<Outcome> => {
  const kernel = await Kernel.load(directory)
  const shape = { capacity: self.capacity, stride: 40, multi: self.multi }
  const memory = new SharedArrayBuffer(kernel.ring.byteLength(shape))
  const bells = new SharedArrayBuffer(kernel.wait.BELL_BYTES)
  const control = new SharedArrayBuffer(4 * (1 + MAX_IDS))
  const go = new Int32Array(control)
  const words = new Int32Array(memory, 0, kernel.ring.slotsOffset(shape) / 4)
  kernel.ring.Ring.format(words, shape, self.start)
  const ring = new kernel.ring.Ring(words, new kernel.wait.Bells(new Int32Array(bells)))

  const workers = new Set<Worker>()
  const spawn = (
    role: Role["role"]
  ): { readonly worker: Worker; readonly ended: Promise<Report | undefined> } => {
    const worker = new Worker(new URL("./ringWorker.ts", import.meta.url), {
      workerData: { directory, case: self, memory, bells, control, role } satisfies Role,
      execArgv: ["--conditions=@troupe/source"]
    })
    workers.add(worker)
    const ended = new Promise<Report | undefined>((resolve) => {
      let report: Report | undefined
      worker.once("message", (message: Report) => void (report = message))
      worker.once("error", (error) => void (report = { errors: [String(error)], counts: [], hash: 0 }))
      worker.once("exit", () => {
        workers.delete(worker)
        resolve(report)
      })
    })
    return { worker, ended }
  }

  const next = random(self.seed ^ 0x5bd1e995)
  const first = Array.from({ length: self.consumers }, () => ring.join(0))
  const last = self.diamond ? [ring.join(first.reduce((mask, index) => mask | 1 << index, 0))] : []
  const consumers = [...first, ...last].map((index, id) =>
    spawn({ tag: "consumer", id, index, last: id >= self.consumers }).ended
  )

  const forbidden: Array<string> = []
  /** `up`: at a hang, when nobody waits for anything any more. */
  const given = { up: false, finished: false }
  let ids = 0
  /** One producer to its end; a killed only producer has a successor. */
  const produce = async (killed: boolean): Promise<number> => {
    const id = ids++
    const line = kernel.claim.enter(ring)
    const { ended, worker } = spawn({ tag: "producer", id, line, events: killed ? Infinity : self.events })
    if (killed) {
      const after = next() * 30
      while (Atomics.load(go, 1 + id) < after && !given.up) await sleep(1)
      await sleep(next() * 3)
      await worker.terminate()
    }
    const report = await ended
    if (report) forbidden.push(...report.errors)
    if (!killed) {
      kernel.claim.exit(ring, line)
      return self.events
    }
    while (kernel.claim.repair(ring, line) > 0) await sleep(1)
    if (!self.multi) await produce(false)
    return -1
  }
  const producers = Array.from({ length: self.producers }, (_, p) => produce(p < self.kills))
  Atomics.store(go, 0, 1)
  Atomics.notify(go, 0)

  const all = Promise.all(producers).then(() => {
    ring.close()
    return Promise.all(consumers)
  })
  void all.then(() => void (given.finished = true))
  let stands = ""
  for (let since = performance.now(); !given.finished;) {
    if (self.repairs) {
      for (let i = 0; i < 200; i++) kernel.claim.repair(ring, kernel.ring.MAX_PRODUCERS - 1)
      await sleep(0)
    } else await Promise.race([all, sleep(20)])
    const now = [ring.cursor, ...[...first, ...last].map((index) => ring.sequenceOf(index)), workers.size]
      .join()
    if (now !== stands) {
      stands = now
      since = performance.now()
    } else if (performance.now() - since > patience) {
      forbidden.push(`a hang at ${now}`)
      given.up = true
      await Promise.all([...workers].map((worker) => worker.terminate()))
      return { forbidden, seen: 0, skipped: 0, repaired: 0 }
    }
  }
  const reports = (await all).map((report) =>
    report ?? { errors: ["a consumer ended without a report"], counts: [], hash: 0 }
  )
  for (const [c, report] of reports.entries()) {
    forbidden.push(...report.errors.map((error) => `consumer ${c}: ${error}`))
    for (let id = 0; id < ids; id++) {
      const published = Atomics.load(go, 1 + id)
      const seen = report.counts[id] ?? 0
      // A killed producer may have published a batch that it did not live to count.
      const killed = id < self.kills
      if (killed ? seen < published : seen !== self.events) {
        forbidden.push(
          `consumer ${c} saw ${seen} of ${killed ? `at least ${published}` : self.events} events of ${id}`
        )
      }
    }
    if (report.hash !== reports[0]!.hash) forbidden.push(`consumer ${c} saw another order`)
  }
  const repaired = words[kernel.ring.REPAIRED]!
  if (self.kills === 0 && repaired > 0) forbidden.push(`${repaired} claims of living producers were repaired`)
  return {
    forbidden,
    seen: reports[0]!.counts.reduce((sum, count) => sum + count, 0),
    skipped: words[kernel.ring.SKIPPED]!,
    repaired
  }
}
