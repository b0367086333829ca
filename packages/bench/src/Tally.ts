/**
 * The work of an actor in the `local.*` and `threads.*` scenarios, the same
 * for Troupe and for every baseline: count the messages and add up their
 * numbers, in a new state for each message, so that a scenario can prove
 * afterwards that each message was handled once.
 */
import * as Effect from "effect/Effect"
import * as Scenario from "./Scenario.ts"

export interface Tally {
  readonly received: number
  /** Modulo 2^32, as a signed integer: beyond that V8 would allocate a box for it, and measure the box. */
  readonly sum: number
}

export const zero: Tally = { received: 0, sum: 0 }

export const add = (tally: Tally, n: number): Tally => ({
  received: tally.received + 1,
  sum: (tally.sum + n) | 0
})

/** Fails unless all together received the numbers that `expected` says. */
export const check = (
  tallies: ReadonlyArray<Tally>,
  expected: Tally
): Effect.Effect<void, Scenario.Mismatch> => {
  const received = tallies.reduce((all, tally) => all + tally.received, 0)
  const sum = tallies.reduce((all, tally) => (all + tally.sum) | 0, 0)
  return Effect.andThen(
    Scenario.expect("messages received", received, expected.received),
    Scenario.expect("the sum of their numbers", sum, expected.sum)
  )
}

/** What a ping-pong of `messages` messages leaves: the ball counts down from there to 1. */
export const countdown = (messages: number): Tally => ({
  received: messages,
  sum: Number(BigInt.asIntN(32, BigInt(messages) * BigInt(messages + 1) / 2n))
})

/**
 * What a `*.tell.*` of `messages` messages leaves: bursts with the numbers
 * from 0 on, to each receiver in turn. After a burst the sender lets others run.
 */
export const bursts = (messages: number): Tally => ({
  received: messages,
  sum: Number(BigInt.asIntN(32, BigInt(messages / burst) * BigInt(burst * (burst - 1) / 2)))
})

/** Messages in a burst. */
export const burst = 1024

/** Actors that a burst goes to. */
export const receivers = 4
