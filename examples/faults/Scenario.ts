/** What the command runs: a system that is hurt, and what must hold all the while. */
import type { Faults } from "@troupe/supervision"
import { Effect, Schema } from "effect"

/** What can happen to messages and mailboxes, where nothing is said against it. */
export const messageKinds: ReadonlyArray<string> = [
  "throw",
  "die",
  "fail",
  "hang",
  "kill",
  "stop",
  "drop",
  "duplicate",
  "delay",
  "reorder"
]

/** Something that must hold does not. */
export class Violation extends Schema.TaggedError<Violation>()("Violation", { what: Schema.String }) {
  override get message(): string {
    return this.what
  }
}

export interface Options {
  readonly seed: number
  /** How long it runs: of virtual time on one thread, of real time on several. */
  readonly seconds: number
  /** Whether it is to come to its end early; it is asked again and again. (Default: it is not) */
  readonly stopped?: (() => boolean) | undefined
  /** Is told of each thing that is done to the system, as a line. (Default: nobody) */
  readonly decided?: ((line: string) => void) | undefined
  /** Instead of the scenario's own shares: of messages, by kind; of reads and writes, for `storage`. */
  readonly rates?: (Faults.Options["rates"] & { readonly storage?: number | undefined }) | undefined
  /** One of the scenario's mistakes, which must be found. */
  readonly mistake?: string | undefined
}

/** What came of a run, in lines. */
export type Summary = ReadonlyArray<readonly [label: string, value: string | number]>

export interface Scenario {
  readonly description: string
  /** The kinds of faults that it has rates for. */
  readonly kinds: ReadonlyArray<string>
  /** What may be wrong with the system on purpose, so that what must hold does not. */
  readonly mistakes: Readonly<Record<string, string>>
  readonly run: (options: Options) => Effect.Effect<Summary, Violation>
}

export const check = (holds: boolean, what: string): Effect.Effect<void, Violation> =>
  holds ? Effect.void : Effect.fail(new Violation({ what }))

/** What was done to it. */
export const hits = (faults: Faults.Faults): Effect.Effect<string> =>
  Effect.map(
    faults.counts,
    (counts) =>
      Object.entries(counts).filter(([, times]) => times > 0).map(([kind, times]) => `${kind} ${times}`).join(
        ", "
      )
  )

/** The choices of a run, none of them left open. */
export const settings = (options: Options) => ({
  stopped: options.stopped ?? (() => false),
  decided: options.decided ?? (() => {}),
  mistaken: (mistake: string): boolean => options.mistake === mistake
})

/** Stands for all that was added to it: two runs with one digest were the same. */
export class Digest {
  private hash = 0x811c9dc5

  add(value: unknown): void {
    for (const character of JSON.stringify(value)) {
      this.hash = Math.imul(this.hash ^ character.charCodeAt(0), 0x01000193)
    }
  }

  get text(): string {
    return (this.hash >>> 0).toString(16).padStart(8, "0")
  }
}

/** Integers from a seed. */
export const numbers = (seed: number): (below: number) => number => {
  let state = seed | 0
  return (below) => {
    state = (state + 0x9e3779b9) | 0
    let n = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    n = Math.imul(n ^ (n >>> 13), 0xc2b2ae35)
    return ((n ^ (n >>> 16)) >>> 0) % below
  }
}

/** Lets fibers that are ready run. */
export const settle = Effect.repeat(Effect.yieldNow, { times: 50 })
