/**
 * The places of bounded mailboxes between real threads: senders take them, receivers give them back, and whoever finds
 * none sleeps until it is told of one. A key's messages are taken by all receivers, as while it moves.
 *
 * | outcome | |
 * | --- | --- |
 * | every message is sent once and taken once, and all threads finish | **Allowed** |
 * | a sender waits though there is room, if it is told of it soon | **Allowed** |
 * | more messages are on their way to a key, or wait for it, than its capacity | **Forbidden** |
 * | two keys have one slot, or two threads two slots for one key | **Forbidden** |
 * | a sender sleeps though there is room, and nobody tells it | **Forbidden** |
 * | at the end a place is taken, or the counts of what was sent and what came differ | **Forbidden** |
 * | the high-water mark is above the capacity, or below what a thread has seen | **Forbidden** |
 */
import { Worker } from "node:worker_threads"
import { SharedGauge } from "../src/internal/hot/gauge.ts"
import { type Case, caseOf, Field } from "./gaugeCase.ts"
import type { Task } from "./gaugeThread.ts"

/** How long a case may take, in milliseconds: it is over in two seconds. One with a mistake may hang. */
const hangs = ({ mutant }: Case): number => mutant === undefined ? 20_000 : 4000

/** Plays a case: what forbidden thing happened, if any. */
export const play = async (play: Case): Promise<string | undefined> => {
  const field = Field.make(play)
  const threads = Array.from({ length: play.senders + play.receivers }, (_, me) => {
    const thread = new Worker(new URL("./gaugeThread.ts", import.meta.url), {
      execArgv: ["--conditions=@troupe/source"],
      workerData: { play, memories: field.memories, me } satisfies Task
    })
    return new Promise<string | undefined>((resolve) => {
      thread.once("message", (failure: string | undefined) => {
        // The others need not finish what cannot be finished.
        if (failure !== undefined) field.give()
        resolve(failure)
      })
      thread.once("error", (error) => {
        field.give()
        resolve(String(error))
      })
    })
  })
  let over = false
  const deadline = setTimeout(() => {
    over = true
    field.give()
  }, hangs(play))
  const failures = await Promise.all(threads)
  clearTimeout(deadline)
  if (over) return "it hangs"
  return failures.find((failure) => failure !== undefined) ?? after(play, field)
}

/** What must hold when all is done. */
const after = (play: Case, field: Field): string | undefined => {
  const slots = new Map<number, number>()
  for (let key = 0; key < play.keys; key++) {
    const claimed = new Set(
      Array.from({ length: play.senders + play.receivers }, (_, me) => field.claimed(me, key))
    )
    if (claimed.size > 1) return `key ${key} has the slots ${[...claimed].join(", ")}`
    const [slot] = claimed
    if (slot! < 0) continue
    const other = slots.get(slot!)
    if (other !== undefined) return `the keys ${other} and ${key} have one slot`
    slots.set(slot!, key)
    const gauge = new SharedGauge(field.slots.words, field.reservations, slot!, 0, 0)
    if (gauge.held !== 0) return `${gauge.held} places are taken at the end`
    const most = Atomics.load(field.words, field.most(key))
    if (gauge.high > play.capacity) return `the mark ${gauge.high} is above the capacity ${play.capacity}`
    if (gauge.high < most) return `the mark ${gauge.high} is below ${most}, which was there`
    for (let me = 0; me < play.senders; me++) {
      let lost = 0
      field.reservations.mark(me)
      field.reservations.settle(me, (one) => one === slot, (_, places) => (lost += places))
      if (lost !== 0) return `${lost} more messages of thread ${me} were sent than came`
    }
  }
  return undefined
}

/** Cases from `seed` on, for so many minutes, or until one fails. */
export const run = async (options: {
  readonly minutes: number
  readonly seed: number
}): Promise<
  { readonly cases: number; readonly failure?: { readonly seed: number; readonly what: string } }
> => {
  const ends = performance.now() + options.minutes * 60_000
  for (let cases = 0;; cases++) {
    const seed = options.seed + cases
    const what = await play(caseOf(seed))
    if (what !== undefined) return { cases, failure: { seed, what } }
    if (performance.now() > ends) return { cases: cases + 1 }
  }
}
