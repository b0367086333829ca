/**
 * A pool whose threads are killed at random, and whose workers become more and fewer, while all flood each other.
 *
 * **Allowed**: a message dies with its sender's thread, or with its own where it never left it; a message in hand is
 * not delivered again. **Forbidden**: a message that comes twice, or before an earlier one of the same sender; one that
 * is neither handled, nor a dead letter, nor counted as lost; a key that does not live again; a change of the
 * workers that does not end; a hang.
 */
import * as ActorSystem from "@troupe/runtime/ActorSystem"
import { WorkerPool } from "@troupe/runtime/WorkerPool"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { Doomed, Ledger, PARTIES } from "../test/fixtures/Doomed.ts"
import { settledUnlessStill, terminate } from "../test/fixtures/doomedPool.ts"
import type { Mutant } from "./poolMutants.ts"

export interface Case {
  readonly seed: number
  /** How often a thread is killed. */
  readonly kills: number
  /** How often the number of workers changes. (Default: never) */
  readonly changes?: number
  readonly mutant?: Mutant | undefined
  /** For how many milliseconds nothing may change while a message is not accounted for, when nobody sends any more. */
  readonly patience?: number
}

/** A small generator of random numbers (mulberry32, public domain). */
const random = (seed: number) => {
  let state = seed | 0
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** Plays a case: what forbidden thing happened, if any. */
export const play = (
  { changes = 0, kills, mutant, patience = 5000, seed }: Case
): Promise<string | undefined> => {
  const pick = random(seed)
  const ledger = Ledger.make()
  const workers = 1 + pick(3)
  const system = Layer.provide(
    ActorSystem.layerWorkers({
      entry: new URL("./poolWorker.ts", import.meta.url),
      hosts: [Doomed],
      workers,
      maxWorkers: changes > 0 ? 4 : workers,
      linkBytes: [256, 1024, 16_384, 262_144][pick(4)]!,
      restarts: { times: 10_000, within: "1 minute" },
      env: mutant === undefined ? undefined : { TROUPE_STRESS_MUTANT: mutant }
    }),
    Layer.succeed(References.MinimumLogLevel, "None")
  )
  const keys = Array.from({ length: PARTIES }, (_, i) => String(i))
  const program = Effect.gen(function*() {
    const doomed = yield* Effect.forEach(keys, Doomed.keyed)
    const tell = (): void => {
      const to = pick(PARTIES)
      const message = { from: 0, n: ledger.next(0, to) }
      if (pick(16) === 0) doomed[to]!.tellUnsafe("TakeSlowly", { ...message, millis: pick(3) })
      else if (pick(64) === 0) {
        doomed[to]!.tellUnsafe("TakeLong", { ...message, bytes: new Uint8Array(pick(3000)) })
      } else doomed[to]!.tellUnsafe("Take", message)
    }
    const pool = yield* WorkerPool
    // One that is killed while it starts fails the change that it is for.
    const resizing = yield* Effect.forkChild(
      Effect.forEach(
        Array.from({ length: changes }, () => 1 + pick(4)),
        (size) => Effect.andThen(Effect.ignore(pool.resize(size)), Effect.sleep(pick(30)))
      )
    )
    const goesOn = (kill: number): boolean => kills === 0 ? resizing.pollUnsafe() === undefined : kill < kills
    for (let kill = 0; goesOn(kill); kill++) {
      const bursts = 1 + pick(6)
      for (let burst = 0; burst < bursts; burst++) {
        for (let i = pick(200); i > 0; i--) tell()
        const sender = 1 + pick(PARTIES - 1)
        doomed[sender]!.tellUnsafe("Flood", { from: sender, count: 1 + pick(30), slowly: pick(2) === 0 })
        yield* Effect.sleep(pick(8))
      }
      if (kills === 0) continue
      if (pick(3) === 0) doomed[pick(PARTIES)]!.tellUnsafe("Die", { how: pick(2) === 0 ? "exits" : "throws" })
      else yield* terminate(1 + pick(changes > 0 ? 4 : workers))
    }
    const changed = yield* Effect.timeoutOption(Fiber.join(resizing), patience * (1 + changes))
    if (changed._tag === "None") return "a change of the workers does not end"
    const end = yield* settledUnlessStill(patience)
    if (end === undefined) return "a message is neither handled, nor a dead letter, nor counted as lost"
    const { deadLettered, handled, lost, sent } = end
    if (ledger.wrong > 0) return `${ledger.wrong} messages came twice or out of order`
    if (deadLettered > 0) return `${deadLettered} messages reached nobody`
    // A thread that ends between two lines has not written the second one down: one of each kind for a kill.
    const unwritten = handled - ledger.calls
    if (unwritten < 0 || unwritten > kills) {
      return `${unwritten} of ${handled} handlers did not write that down`
    }
    const gone = ledger.sent - ledger.received
    const mine = ledger.goneFrom(0)
    if (mine > kills) return `${mine} messages are gone though their sender's thread lives`
    if (gone > lost + kills) return `${gone} messages are gone, and ${lost} counted as lost`
    const { stats } = yield* ActorSystem.ActorSystem
    const threads = yield* stats
    if (threads.some(({ lostFrom }) => lostFrom[0] !== 0)) {
      return "a message died though its sender's thread lives"
    }
    const alive = yield* Effect.timeoutOption(
      Effect.forEach(doomed, (one) => one.ask("Thread"), { concurrency: "unbounded" }),
      patience
    )
    if (alive._tag === "None") return "a key does not answer"
    return sent > 0 ? undefined : "nothing was sent"
  })
  return Effect.runPromise(
    Effect.catchCause(
      Effect.timeoutOrElse(Effect.provide(program, system), {
        // One with a mistake may go on for ever.
        duration: mutant === undefined ? "60 seconds" : "10 seconds",
        orElse: () => Effect.succeed("it hangs")
      }),
      (cause) => Effect.succeed(`it failed: ${String(cause)}`)
    )
  )
}

/** Plays cases until the time is over: the first that fails. */
export const run = async (options: {
  readonly minutes: number
  readonly seed: number
}): Promise<
  { readonly cases: number; readonly failure?: { readonly seed: number; readonly what: string } }
> => {
  const ends = performance.now() + options.minutes * 60_000
  for (let cases = 0;; cases++) {
    const seed = options.seed + cases
    const what = await play({ seed, kills: [12, 12, 12, 0][seed % 4]!, changes: [0, 8, 8, 8][seed % 4]! })
    if (what !== undefined) return { cases, failure: { seed, what } }
    if (performance.now() > ends) return { cases: cases + 1 }
  }
}
