/**
 * The orders in which actors may have their turns: a test looks for one in which a program fails, and gets the simplest.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as FastCheck from "fast-check"
import type { Cell } from "../internal/hot/cell.ts"
import { PermutedQueue } from "../internal/hot/permutedQueue.ts"
import type { LocalRef } from "../internal/localRef.ts"
import { RunOrder } from "../internal/runOrder.ts"

/** The most choices that a schedule has; after them actors have their turns first come, first served. */
const LONGEST = 256
/** The largest choice that is tried: which of those that wait, modulo how many these are. */
const WIDEST = 7

/**
 * Which of the actors that wait has the next turn, each time that there is more than one: 0 is the one that has waited
 * longest, and so is each choice that is not there.
 *
 * @category models
 * @since 0.1.0
 */
export type Schedule = ReadonlyArray<number>

/**
 * A program fails if its actors have their turns in this order.
 *
 * @category errors
 * @since 0.1.0
 */
export class ScheduleFailed extends Schema.TaggedError<ScheduleFailed>()("ScheduleFailed", {
  /** What `check` takes to try the same orders again. */
  seed: Schema.Number,
  /** How many orders were tried until one failed. */
  runs: Schema.Number,
  /** The simplest order that fails, for `replay`. */
  schedule: Schema.Array(Schema.Number),
  /** The turns in which another one than the first was chosen. */
  turns: Schema.Array(Schema.String),
  /** What it fails with. */
  cause: Schema.Unknown
}) {
  override get message(): string {
    return [
      `fails under the schedule ${JSON.stringify(this.schedule)} (seed ${this.seed}, order ${this.runs})`,
      ...this.turns.map((turn) => `  ${turn}`),
      Cause.pretty(this.cause as Cause.Cause<unknown>)
    ].join("\n")
  }
}

/**
 * Runs a program with the actors' turns in the order of a schedule. What makes the system has to be part of the program:
 * its layers are built anew.
 *
 * @category running
 * @since 0.1.0
 */
export const replay: {
  (schedule: Schedule): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, schedule: Schedule): Effect.Effect<A, E, R>
} = dual(2, <A, E, R>(self: Effect.Effect<A, E, R>, schedule: Schedule) => ordered(self, schedule, () => {}))

/**
 * Runs a program in many orders of its actors' turns, each of which could come about, and fails with the simplest one in
 * which it fails.
 *
 * **Details**
 *
 * It is the dispatcher of production that runs, with another queue of who is ready. What one actor sends another still
 * comes in order, and a turn handles what waits when it begins, as ever: only whose turn it is, is chosen. Effects on
 * fibers run as Effect's scheduler has it. For a schedule to mean the same each time the program must do nothing by
 * chance, nor by real time; use a `TestClock`.
 *
 * The package `fast-check` chooses, and finds the simplest one: the fewest choices, the most of them 0.
 *
 * **Example** (Who is first)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ActorSystem } from "@troupe/runtime"
 * import * as Schedules from "@troupe/runtime/testing/Schedules"
 *
 * declare const program: Effect.Effect<void, Error, ActorSystem.ActorSystem>
 *
 * const test = Schedules.check(Effect.provide(program, ActorSystem.layer), { runs: 200 })
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const check = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  options?: {
    /** How many orders are tried. (Default: 100) */
    readonly runs?: number | undefined
    /** Where chance begins. (Default: another one each time) */
    readonly seed?: number | undefined
  }
): Effect.Effect<void, ScheduleFailed, R> =>
  Effect.gen(function*() {
    const context = yield* Effect.context<R>()
    const run = Effect.runPromiseExitWith(context)
    const orders = FastCheck.array(FastCheck.nat({ max: WIDEST }), { maxLength: LONGEST, size: "max" })
    const property = FastCheck.asyncProperty(orders, (order) =>
      run(replay(program, order)).then(Exit.isSuccess))
    const found = yield* Effect.promise(() =>
      FastCheck.check(property, {
        numRuns: options?.runs ?? 100,
        ...(options?.seed === undefined ? {} : { seed: options.seed })
      })
    )
    if (found.counterexample === null) {
      return
    }
    const turns: Array<string> = []
    // As it was understood: what was never asked for is left out.
    const choices: Array<number> = []
    const exit = yield* Effect.exit(ordered(program, found.counterexample[0], (choice, turn) => {
      choices.push(choice)
      if (turn !== undefined) {
        turns.push(turn)
      }
    }))
    const schedule = choices.slice(
      0,
      choices.findLastIndex((choice) =>
        choice > 0
      ) + 1
    )
    const cause = Exit.isFailure(exit)
      ? exit.cause
      : Cause.die(new Error("it did not fail again: something in it is by chance"))
    return yield* new ScheduleFailed({ seed: found.seed, runs: found.numRuns, schedule, turns, cause })
  })

/** Runs a program in an order, and tells what was chosen, and of the turn where that is another one than the first. */
const ordered = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  schedule: Schedule,
  chosen: (choice: number, turn: string | undefined) => void
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let at = 0
    const choose = (among: ReadonlyArray<Cell>): number => {
      const choice = (schedule[at++] ?? 0) % among.length
      const turn = choice === 0
        ? undefined
        : `choice ${at - 1}: ${names(among.slice(choice, choice + 1))} before ${
          names(among.slice(0, choice))
        }`
      chosen(choice, turn)
      return choice
    }
    return program.pipe(
      Effect.provideService(RunOrder, () => new PermutedQueue(choose)),
      // A system that was made before has its order already.
      Effect.provideService(Layer.CurrentMemoMap, Layer.makeMemoMapUnsafe())
    )
  })

const names = (cells: ReadonlyArray<Cell>): string =>
  cells.map((cell) => (cell as LocalRef).toString()).join(", ")
