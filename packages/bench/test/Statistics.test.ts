import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Statistics from "../src/Statistics.ts"

const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 60 })

const ascending = (numbers: ReadonlyArray<number>) => numbers.toSorted((a, b) => a - b)

describe("Statistics", () => {
  describe("median", () => {
    it("is the middle value, or the mean of the two in the middle", () => {
      assert.strictEqual(Statistics.median([3]), 3)
      assert.strictEqual(Statistics.median([9, 1, 5]), 5)
      assert.strictEqual(Statistics.median([10, 1, 5, 2]), 3.5)
    })

    it("is one of two that are too far apart to be subtracted", () => {
      assert.strictEqual(Statistics.median([-Number.MAX_VALUE, Number.MAX_VALUE]), Number.MAX_VALUE)
    })

    it("compares numbers as numbers", () => {
      assert.strictEqual(Statistics.median([10, 9, 100]), 10)
    })

    it("has as many values at or below it as at or above it", () => {
      fc.assert(fc.property(values, (numbers) => {
        const median = Statistics.median(numbers)
        assert.isAtLeast(numbers.filter((value) => value <= median).length, numbers.length / 2)
        assert.isAtLeast(numbers.filter((value) => value >= median).length, numbers.length / 2)
      }))
    })
  })

  describe("percentile", () => {
    it("is the nearest rank, as in the textbook", () => {
      const numbers = [15, 20, 35, 40, 50]
      const ranks: ReadonlyArray<readonly [number, number]> = [[0.05, 15], [0.3, 20], [0.4, 20], [0.5, 35], [
        1,
        50
      ]]
      for (const [fraction, value] of ranks) {
        assert.strictEqual(Statistics.percentile(numbers, fraction), value)
      }
    })

    it("is the smallest value that this share of the values does not exceed", () => {
      fc.assert(fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (numbers, fraction) => {
        const wanted = ascending(numbers).find((candidate) =>
          numbers.filter((value) => value <= candidate).length >= fraction * numbers.length
        )
        assert.strictEqual(Statistics.percentile(numbers, fraction), wanted)
      }))
    })

    it("goes up with the fraction", () => {
      const fraction = fc.double({ min: 0, max: 1, noNaN: true })
      fc.assert(fc.property(values, fraction, fraction, (numbers, one, other) => {
        assert.isAtMost(
          Statistics.percentile(numbers, Math.min(one, other)),
          Statistics.percentile(numbers, Math.max(one, other))
        )
      }))
    })
  })

  describe("min, max", () => {
    it("are the first and the last in order, around the median", () => {
      fc.assert(fc.property(values, (numbers) => {
        const inOrder = ascending(numbers)
        assert.strictEqual(Statistics.min(numbers), inOrder[0])
        assert.strictEqual(Statistics.max(numbers), inOrder.at(-1))
        assert.isAtMost(Statistics.min(numbers), Statistics.median(numbers))
        assert.isAtMost(Statistics.median(numbers), Statistics.max(numbers))
      }))
    })
  })

  it("leaves its argument as it was", () => {
    const numbers = [3, 1, 2]
    Statistics.median(numbers)
    Statistics.percentile(numbers, 0.5)
    assert.deepStrictEqual(numbers, [3, 1, 2])
  })

  it("has no figure for no values", () => {
    for (const  of of[Statistics.median, Statistics.min, Statistics.max]) {
      assert.throws(() => of([]), RangeError)
    }
  })
})
