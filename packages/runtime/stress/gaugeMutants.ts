/**
 * Mistakes in the places of bounded mailboxes, each of which the stress must catch, or it proves nothing. They are made
 * in each thread of a case, before it does anything else.
 */
import { SharedGauge, SLOT_WORDS } from "../src/internal/hot/gauge.ts"
import { Slots } from "../src/internal/hot/slots.ts"

export const mutants = {
  "place without compare": "two senders take the last place",
  "no second look": "a sender says that it waits, and sleeps without looking once more",
  "woken before it is free": "those who wait are told of a place before it is given back",
  "waiters forgotten": "who begins to wait while others are told is forgotten",
  "mark without compare": "a lower mark replaces a higher one",
  "claim without compare": "two keys get one slot",
  "count without add": "two places of a key count what came, and one of the counts is lost"
} as const
export type Mutant = keyof typeof mutants

const HELD = 2
const HIGH = 3
const WAITING = 4

/** What a thread does in the stress that is not a method of a class, and so is told which mistake to make. */
export const secondLook = (mutant: Mutant | undefined): boolean => mutant !== "no second look"
export const freeFirst = (mutant: Mutant | undefined): boolean => mutant !== "woken before it is free"

/** Takes the threads that wait for room in a slot, or forgets those that come meanwhile. */
export const takeWaiting = (
  words: Int32Array,
  slot: number,
  mutant: Mutant | undefined,
  dawdle: () => void,
  right: (words: Int32Array, slot: number) => number
): number => {
  if (mutant !== "waiters forgotten") return right(words, slot)
  const at = slot * SLOT_WORDS + WAITING
  const bits = Atomics.load(words, at)
  dawdle()
  Atomics.store(words, at, 0)
  return bits
}

/** Counts what has come, as a link's reader does, or without the other home of a key. */
export const count = (
  words: Int32Array,
  at: number,
  mutant: Mutant | undefined,
  dawdle: () => void
): void => {
  if (mutant !== "count without add") {
    Atomics.add(words, at, 1)
    return
  }
  const came = words[at]!
  dawdle()
  words[at] = came + 1
}

interface Gauge {
  words: Int32Array
  at: number
  ledger: Int32Array
  sent: number
  raise(held: number): void
}

/** Makes a mistake. */
export const make = (mutant: Mutant | undefined, dawdle: () => void): void => {
  const gauge = SharedGauge.prototype as unknown as Gauge
  switch (mutant) {
    case "place without compare":
      SharedGauge.prototype.reserve = function(limit) {
        const { at, ledger, sent, words } = this as unknown as Gauge
        const held = Atomics.load(words, at + HELD)
        if (held >= limit) return false
        dawdle()
        Atomics.add(words, at + HELD, 1)
        ledger[sent]!++
        gauge.raise.call(this as unknown as Gauge, held + 1)
        return true
      }
      break
    case "mark without compare":
      gauge.raise = function(held) {
        if (held <= Atomics.load(this.words, this.at + HIGH)) return
        dawdle()
        Atomics.store(this.words, this.at + HIGH, held)
      }
      break
    case "claim without compare": {
      const { claim } = Slots.prototype
      Slots.prototype.claim = function(actor, key) {
        const compareExchange = Atomics.compareExchange
        Atomics.compareExchange = ((array: BigInt64Array, index: number, expected: bigint, value: bigint) => {
          const there = Atomics.load(array, index)
          if (there !== expected) return there
          for (let i = 0; i < 2000; i++) dawdle()
          Atomics.store(array, index, value)
          return there
        }) as never
        try {
          return claim.call(this, actor, key)
        } finally {
          Atomics.compareExchange = compareExchange
        }
      }
      break
    }
    default:
  }
}
