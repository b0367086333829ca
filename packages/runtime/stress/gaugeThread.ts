/** A thread of a case of bounded mailboxes: a sender, or a receiver. */
import { parentPort, workerData } from "node:worker_threads"
import { SharedGauge, takeWaiting } from "../src/internal/hot/gauge.ts"
import { type Case, Field, type Memories } from "./gaugeCase.ts"
import * as Mutants from "./gaugeMutants.ts"
import { generator } from "./linkCase.ts"

export interface Task {
  readonly play: Case
  readonly memories: Memories
  readonly me: number
}

/** How long a sender sleeps at most before it looks whether it should, in milliseconds, and how often it looks. */
const PATIENCE = 500
const LOOKS = 4

const { me, memories, play }: Task = workerData
const field = new Field(play, memories, me)
const { reservations, slots, words } = field
const random = generator(play.seed + 31 * me)
const dawdle = (): void => {
  for (let i = play.dawdle === 0 ? 0 : random() % play.dawdle; i > 0; i--) Atomics.load(words, field.done)
}
Mutants.make(play.mutant, dawdle)

/** The slot of each key, claimed in an order of this thread's own. */
const claim = (): ReadonlyArray<number> => {
  // All at once.
  Atomics.add(words, field.here, 1)
  while (Atomics.load(words, field.here) < play.senders + play.receivers);
  const claimed: Array<number> = []
  for (let i = 0; i < play.keys; i++) {
    const key = (i + me) % play.keys
    claimed[key] = slots.claim("Actor", `key ${key}`)
    field.claim(me, key, claimed[key]!)
  }
  return claimed
}

/** Gives a place back, and tells those who wait. */
const free = (slot: number, give: () => void): void => {
  const wake = (): void => {
    const bits = Mutants.takeWaiting(slots.words, slot, play.mutant, dawdle, takeWaiting)
    for (let other = 0; other < play.senders; other++) if ((bits & (1 << other)) !== 0) field.ring(other)
  }
  if (Mutants.freeFirst(play.mutant)) {
    give()
    dawdle()
    wake()
  } else {
    wake()
    dawdle()
    give()
  }
}

/** Takes a place; what forbidden thing happened meanwhile, if any. */
const reserve = (gauge: SharedGauge): string | undefined => {
  for (;;) {
    if (field.over || gauge.reserve(play.capacity)) return undefined
    // The bell is turned first: who rings after the announcement is heard.
    Atomics.store(words, field.bell(me), 0)
    dawdle()
    gauge.announce()
    dawdle()
    if (Mutants.secondLook(play.mutant) && gauge.held < play.capacity) continue
    let looks = 0
    while (Atomics.wait(words, field.bell(me), 0, PATIENCE) === "timed-out") {
      if (field.over) return undefined
      // One who rings may be held up by the machine, but not that often.
      looks = gauge.held < play.capacity ? looks + 1 : 0
      if (looks === LOOKS) return "a sender sleeps though there is room"
    }
  }
}

const send = (claimed: ReadonlyArray<number>): string | undefined => {
  const gauges = claimed.map((slot) => new SharedGauge(slots.words, reservations, slot, 0, me))
  for (let n = 0; n < play.messages && !field.over; n++) {
    const key = random() % play.keys
    const slot = claimed[key]!
    // The table is full: nothing can be sent to it.
    if (slot < 0) continue
    const gauge = gauges[key]!
    const failure = reserve(gauge)
    if (failure !== undefined || field.over) return failure
    const truth = Atomics.add(words, field.truth(key), 1) + 1
    if (truth > play.capacity) return `${truth} places of ${play.capacity} are taken`
    const { high } = gauge
    // Whoever counts has raised the mark before.
    if (high < truth) return `the mark is ${high} where ${truth} places are taken`
    let most = Atomics.load(words, field.most(key))
    while (truth > most) most = Atomics.compareExchange(words, field.most(key), most, truth)
    dawdle()
    if (random() % play.cancel === 0) {
      Atomics.sub(words, field.truth(key), 1)
      free(slot, () => gauge.cancel())
    } else {
      Atomics.add(words, field.flight(key, me), 1)
    }
  }
  return undefined
}

/** Takes messages until all senders are done and nothing is on its way. */
const receive = (claimed: ReadonlyArray<number>): void => {
  const gauges = claimed.map((slot) => new SharedGauge(slots.words, reservations, slot, 0, me))
  for (;;) {
    const done = Atomics.load(words, field.done) === play.senders
    let took = false
    for (let key = 0; key < play.keys; key++) {
      for (let from = 0; from < play.senders; from++) {
        const flight = Atomics.load(words, field.flight(key, from))
        if (flight === 0) continue
        if (Atomics.compareExchange(words, field.flight(key, from), flight, flight - 1) !== flight) continue
        took = true
        Mutants.count(reservations.words, reservations.came(from, claimed[key]!), play.mutant, dawdle)
        Atomics.sub(words, field.truth(key), 1)
        dawdle()
        free(claimed[key]!, () => gauges[key]!.release())
      }
    }
    if (field.over || (done && !took)) return
  }
}

const claimed = claim()
let failure: string | undefined
if (me < play.senders) {
  failure = send(claimed)
  Atomics.add(words, field.done, 1)
} else {
  receive(claimed)
}
parentPort!.postMessage(failure)
