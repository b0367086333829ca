/**
 * What is seen while scenarios run: on a terminal a line that changes, and
 * otherwise a plain line when a scenario ends. On the error stream, so that
 * the table alone is on the other.
 */
import * as Effect from "effect/Effect"
import process from "node:process"
import type { Event } from "./Harness.ts"
import type { Outcome } from "./Runner.ts"
import * as Table from "./Table.ts"

export interface Progress {
  /** `scenario` is the how-manyeth of `of`, from 1. */
  readonly event: (name: string, scenario: number, of: number, event: Event) => Effect.Effect<void>
  readonly ended: (outcome: Outcome) => Effect.Effect<void>
}

/** For the stream `out`, which is a terminal or not. */
export const make = (out: { readonly isTTY?: boolean; write(text: string): unknown }): Progress => {
  const clearLine = out.isTTY === true ? "\r\x1b[K" : ""
  const write = (text: string) => Effect.sync(() => void out.write(text))
  return {
    event: (name, scenario, of, event) =>
      out.isTTY === true ? write(`${clearLine}[${scenario}/${of}] ${name}  ${state(event)}`) : Effect.void,
    ended: (outcome) => write(`${clearLine}${line(outcome)}\n`)
  }
}

export const standardError: Progress = make(process.stderr)

const bar = (taken: number, of: number): string => "#".repeat(taken) + "-".repeat(of - taken)

const state = (event: Event): string =>
  event._tag === "WarmingUp" ? "warming up" : event._tag === "Sampled" ? bar(event.taken, event.of) : ""

const line = (outcome: Outcome): string =>
  outcome._tag === "Measured"
    ? `${outcome.measurement.name}  ${Table.summary(outcome.measurement)}`
    : `${outcome.name}  FAILED: ${outcome.reason}`
