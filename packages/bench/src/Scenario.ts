/**
 * What a benchmark is: a unit, the parameters that tell a reader what was done,
 * and a scoped set-up that gives a sampler.
 *
 * A scenario is the default export of one file in `suites/`, and its name is
 * that file's name. It runs in a process of its own. Whatever it did it checks
 * afterwards, outside the time measured: a check that fails is a failed
 * scenario, not a number.
 *
 * - {@link throughput} and {@link duration} time `operations` of a {@link Subject}.
 * - {@link heap} weighs what a {@link Subject} makes.
 * - {@link ratio} times two subjects in turn and reports one over the other.
 * - {@link measured} is for figures that a scenario takes by itself (a latency's p50).
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Heap from "./Heap.ts"

const TypeId = "~@troupe/bench/Scenario"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

export const Unit = Schema.Literals(["ops/s", "ns", "B", "ratio"])
export type Unit = typeof Unit.Type

export const Better = Schema.Literals(["higher", "lower"])
export type Better = typeof Better.Type

/** What was done and how, for the reader of a report: the face of the API used, how many actors, how large a burst. */
export const Params = Schema.Record(
  Schema.String,
  Schema.Union([Schema.String, Schema.Number, Schema.Boolean])
)
export type Params = typeof Params.Type

export interface Scenario {
  readonly [TypeId]: typeof TypeId
  readonly unit: Unit
  readonly better: Better
  /** Shown beside the scenarios of its family (the first two segments of its name), which are compared with it. */
  readonly baseline: boolean
  readonly params: Params
  readonly setup: Effect.Effect<Sampler, unknown, Scope.Scope>
}

/** A scenario that is set up. */
export interface Sampler {
  /** Brings the code measured to the state that it will keep: compiled, its memory touched. */
  readonly warmUp: Effect.Effect<void, unknown>
  /** One figure, in the scenario's unit. */
  readonly sample: Effect.Effect<number, unknown>
  /** Parameters that are known only after the last sample. */
  readonly params: Effect.Effect<Params>
}

/** The thing measured, set up. The scope of `run` is closed after `check`, outside the time measured. */
export interface Subject<A> {
  readonly run: (operations: number) => Effect.Effect<A, unknown, Scope.Scope>
  /** Fails if `run` did not do what it should have done. */
  readonly check: (outcome: A, operations: number) => Effect.Effect<void, unknown>
}

export interface Common {
  /** Default: `false`. */
  readonly baseline?: boolean
  /** Default: none. */
  readonly params?: Params
}

export interface Timed<A> {
  readonly setup: Effect.Effect<Subject<A>, unknown, Scope.Scope>
  /**
   * Operations in a sample. Default: so many that a sample takes about
   * 50 ms, found during the warm-up.
   */
  readonly operations?: number
  /** The number of operations is a multiple of this, a burst for example. Default: `1`. */
  readonly multipleOf?: number
}

/** What a scenario did is not what it should have done. */
export class Mismatch extends Schema.TaggedError<Mismatch>()("Mismatch", {
  what: Schema.String,
  expected: Schema.String,
  actual: Schema.String
}) {
  override get message(): string {
    return `${this.what}: expected ${this.expected}, got ${this.actual}`
  }
}

// -----------------------------------------------------------------------------
// guards
// -----------------------------------------------------------------------------

export const isScenario = (u: unknown): u is Scenario => Predicate.hasProperty(u, TypeId)

/** Fails with {@link Mismatch} unless both are the same. */
export const expect = <A extends number | string | bigint>(
  what: string,
  actual: A,
  expected: A
): Effect.Effect<void, Mismatch> =>
  Object.is(actual, expected)
    ? Effect.void
    : Effect.fail(new Mismatch({ what, expected: String(expected), actual: String(actual) }))

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/** Operations a second. */
export const throughput = <A>(options: Common & Timed<A>): Scenario =>
  timed(options, "ops/s", "higher", (milliseconds, operations) => operations / milliseconds * 1e3)

/** Nanoseconds an operation. */
export const duration = <A>(options: Common & Timed<A>): Scenario =>
  timed(options, "ns", "lower", (milliseconds, operations) => milliseconds * 1e6 / operations)

/**
 * Heap bytes for each thing made: `run(count)` makes them and returns what
 * keeps them alive.
 */
export const heap = <A>(
  options: Common & {
    readonly count: number
    readonly setup: Effect.Effect<Subject<A>, unknown, Scope.Scope>
  }
): Scenario =>
  make(
    options,
    "B",
    "lower",
    Effect.gen(function*() {
      const subject = yield* options.setup
      const sample = Effect.scoped(Effect.gen(function*() {
        const before = Heap.live()
        const outcome = yield* subject.run(options.count)
        const after = Heap.live()
        // Also what keeps the outcome alive until it has been weighed.
        yield* subject.check(outcome, options.count)
        return (after - before) / options.count
      }))
      return {
        // The first one made pays for code, feedback and shapes that all later ones share.
        warmUp: Effect.asVoid(Effect.andThen(sample, sample)),
        sample,
        params: Effect.succeed({ count: options.count })
      }
    })
  )

/**
 * The time of an operation of `of`, in times that of `over`. The two run in
 * turn, and each goes first in every other sample, so that what disturbs the
 * machine disturbs both.
 */
export const ratio = <A, B>(
  options: Common & {
    readonly better: Better
    readonly of: Timed<A>
    readonly over: Timed<B>
  }
): Scenario =>
  make(
    options,
    "ratio",
    options.better,
    Effect.gen(function*() {
      const of = yield* stopwatch(options.of)
      const over = yield* stopwatch(options.over)
      let samples = 0
      return {
        warmUp: Effect.andThen(of.warmUp, over.warmUp),
        sample: Effect.gen(function*() {
          if (samples++ % 2 === 0) {
            const above = yield* of.time
            return above / of.operations() / (yield* over.time) * over.operations()
          }
          const below = yield* over.time
          return (yield* of.time) / of.operations() / below * over.operations()
        }),
        params: Effect.sync(() => ({ operations: of.operations(), operationsOver: over.operations() }))
      }
    })
  )

/** Figures that the scenario takes by itself. */
export const measured = (
  options: Common & {
    readonly unit: Unit
    readonly better: Better
    readonly setup: Effect.Effect<Omit<Sampler, "warmUp">, unknown, Scope.Scope>
  }
): Scenario =>
  make(
    options,
    options.unit,
    options.better,
    Effect.map(options.setup, (sampler) => ({
      ...sampler,
      warmUp: warmUp(sampler.sample)
    }))
  )

// -----------------------------------------------------------------------------
// private
// -----------------------------------------------------------------------------

/** Long enough to be well above a clock's resolution and a tick of the scheduler, short enough to fit between disturbances. */
const sampleMilliseconds = 50

/** By then the optimising compiler has had its turn, in every scenario looked at. */
const warmUpMilliseconds = 700

const make = (options: Common, unit: Unit, better: Better, setup: Scenario["setup"]): Scenario => ({
  [TypeId]: TypeId,
  unit,
  better,
  baseline: options.baseline ?? false,
  params: options.params ?? {},
  setup
})

const timed = <A>(
  options: Common & Timed<A>,
  unit: Unit,
  better: Better,
  figure: (milliseconds: number, operations: number) => number
): Scenario =>
  make(
    options,
    unit,
    better,
    Effect.map(stopwatch(options), (watch) => ({
      warmUp: watch.warmUp,
      sample: Effect.map(watch.time, (milliseconds) => figure(milliseconds, watch.operations())),
      params: Effect.sync(() => ({ operations: watch.operations() }))
    }))
  )

const warmUp = <E>(sample: Effect.Effect<unknown, E>): Effect.Effect<void, E> =>
  Effect.suspend(() => {
    const end = performance.now() + warmUpMilliseconds
    return Effect.asVoid(Effect.repeat(sample, { until: () => performance.now() >= end }))
  })

/** Times runs of a subject, in milliseconds a run. */
const stopwatch = <A>(options: Timed<A>) =>
  Effect.map(options.setup, (subject) => {
    const step = options.multipleOf ?? 1
    let operations = options.operations ?? step
    const time = Effect.scoped(Effect.gen(function*() {
      Heap.collect()
      const count = operations
      // The clock of the machine and not Effect's Clock: a sample is real time, whatever a test does to Clock.
      const start = performance.now()
      const outcome = yield* subject.run(count)
      const milliseconds = performance.now() - start
      yield* subject.check(outcome, count)
      return milliseconds
    }))
    // Runs in cold code are slow, so the number is corrected by every run of the warm-up, and grows at
    // most fivefold at a time; for what takes no time at all it would grow for ever.
    const calibrated = options.operations !== undefined ? time : Effect.map(time, (milliseconds) => {
      const growth = Math.min(5, sampleMilliseconds / Math.max(milliseconds, 0.01))
      operations = Math.max(step, Math.round(Math.min(operations * growth, 1e9) / step) * step)
    })
    return { warmUp: warmUp(calibrated), time, operations: () => operations }
  })
