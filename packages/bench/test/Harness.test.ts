import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Harness from "../src/Harness.ts"
import * as Scenario from "../src/Scenario.ts"

/** What a run of `scenario` tells. */
const events = Effect.fnUntraced(function*(scenario: Scenario.Scenario, samples = 5) {
  const told: Array<Harness.Event> = []
  yield* Harness.run(Effect.succeed(scenario), samples, (event) => told.push(event))
  return told
})

const last = (scenario: Scenario.Scenario) => Effect.map(events(scenario), (told) => told.at(-1)!)

const figures = (...sample: ReadonlyArray<number>): Scenario.Scenario => {
  let taken = 0
  return Scenario.measured({
    unit: "ns",
    better: "lower",
    params: { face: "none", taken: 0 },
    setup: Effect.succeed({
      sample: Effect.sync(() => sample[taken++ % sample.length]!),
      params: Effect.sync(() => ({ taken }))
    })
  })
}

const counted = (options: {
  readonly run?: (operations: number) => void
  readonly counts?: number
}): Scenario.Timed<number> => ({
  operations: 10,
  setup: Effect.succeed({
    run: (operations: number) =>
      Effect.sync(() => {
        options.run?.(operations)
        return options.counts ?? operations
      }),
    check: (count: number, operations: number) => Scenario.expect("operations", count, operations)
  })
})

describe("Harness", () => {
  it.effect("tells of the warm-up, of each sample, and of what was measured", () =>
    Effect.gen(function*() {
      const told = yield* events(figures(7), 6)
      assert.deepStrictEqual(told.map((event) => event._tag), [
        "WarmingUp",
        ...Array.from({ length: 6 }, () => "Sampled"),
        "Measured"
      ])
      const measured = told.at(-1)!
      assert(measured._tag === "Measured")
      assert.deepStrictEqual(measured.samples, [7, 7, 7, 7, 7, 7])
      assert.isFalse(measured.baseline)
    }))

  it.effect("adds the parameters known afterwards to those known before", () =>
    Effect.gen(function*() {
      const measured = yield* last(figures(1))
      assert(measured._tag === "Measured")
      assert.strictEqual(measured.params["face"], "none")
      assert.isAbove(Number(measured.params["taken"]), 5)
    }))

  it.effect(
    "gives throughput in operations a second and duration in nanoseconds an operation",
    () =>
      Effect.gen(function*() {
        const busy = counted({
          run: () => {
            const end = performance.now() + 2
            while (performance.now() < end) { /* two milliseconds for ten operations */ }
          }
        })
        const throughput = yield* last(Scenario.throughput(busy))
        const duration = yield* last(Scenario.duration(busy))
        assert(throughput._tag === "Measured" && duration._tag === "Measured")
        assert.deepStrictEqual([throughput.unit, throughput.better], ["ops/s", "higher"])
        assert.deepStrictEqual([duration.unit, duration.better], ["ns", "lower"])
        // Two milliseconds are the least that a sample can have taken.
        assert.isAtMost(Math.max(...throughput.samples), 5_000)
        assert.isAtLeast(Math.min(...duration.samples), 200_000)
        assert.strictEqual(throughput.params["operations"], 10)
      }),
    10_000
  )

  it.effect("finds a number of operations, a multiple of the burst", () =>
    Effect.gen(function*() {
      const { operations: _, ...timed } = counted({})
      const measured = yield* last(Scenario.throughput({ ...timed, multipleOf: 1024 }))
      assert(measured._tag === "Measured")
      const operations = Number(measured.params["operations"])
      assert.isAbove(operations, 1024)
      assert.strictEqual(operations % 1024, 0)
    }))

  it.effect(
    "interleaves the two sides of a ratio, and lets each go first in turn",
    () =>
      Effect.gen(function*() {
        const order: Array<string> = []
        const side = (name: string) => counted({ run: () => order.push(name) })
        const measured = yield* last(Scenario.ratio({ better: "lower", of: side("a"), over: side("b") }))
        assert(measured._tag === "Measured")
        assert.strictEqual(measured.samples.length, 5)
        assert.deepStrictEqual(order.slice(-10), ["a", "b", "b", "a", "a", "b", "b", "a", "a", "b"])
      }),
    10_000
  )

  it.effect("weighs what is made, and not what is thrown away", () =>
    Effect.gen(function*() {
      const measured = yield* last(Scenario.heap({
        count: 10_000,
        setup: Effect.succeed({
          run: (count: number) =>
            Effect.sync(() => Array.from({ length: count }, (_, index) => ({ index, and: {} }))),
          check: (made: ReadonlyArray<unknown>, count: number) => Scenario.expect("made", made.length, count)
        })
      }))
      assert(measured._tag === "Measured")
      assert.strictEqual(measured.unit, "B")
      assert.strictEqual(measured.params["count"], 10_000)
    }))

  describe("failures", () => {
    const cases: ReadonlyArray<readonly [string, Scenario.Scenario, string]> = [
      [
        "a check that does not hold",
        Scenario.throughput(counted({ counts: 9 })),
        "operations: expected 10, got 9"
      ],
      ["a sample that is not a number", figures(1, Number.NaN), "a sample is not a number: NaN"],
      [
        "a set-up that fails",
        Scenario.throughput({ setup: Effect.fail(new Error("no port\nat line 1")) }),
        "no port"
      ],
      [
        "a run that throws",
        Scenario.throughput(counted({
          run: () => {
            throw new TypeError("not a function")
          }
        })),
        "defect: not a function"
      ]
    ]
    for (const [what, scenario, reason] of cases) {
      it.effect(`tells of ${what}, in one line and last`, () =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* last(scenario), { _tag: "Failed", reason })
        }))
    }

    it.effect("closes the scope of a scenario that failed", () =>
      Effect.gen(function*() {
        let closed = 0
        const setup = Effect.andThen(
          Effect.addFinalizer(() => Effect.sync(() => closed++)),
          Effect.fail("no")
        )
        yield* events(Scenario.throughput({ setup }))
        assert.strictEqual(closed, 1)
      }))
  })
})
