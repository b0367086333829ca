import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { toEpochMillis, toInteger } from "../Text.ts"

describe("Text", () => {
  describe("toInteger", () => {
    it("reads integers, and tells blank text from text that is none", () => {
      assert.deepStrictEqual(["14", "-3", "+7", " 8 "].map(toInteger), [14, -3, 7, 8])
      assert.deepStrictEqual(["", "  "].map(toInteger), [undefined, undefined])
      assert.deepStrictEqual(["x", "1.5", "1e3", "0x10", "1 2", "--1"].map(toInteger), [
        NaN,
        NaN,
        NaN,
        NaN,
        NaN,
        NaN
      ])
    })
  })

  describe("toEpochMillis", () => {
    it("reads dates with and without time and zone", () => {
      const texts = [
        "2001-01-10",
        "2001/01/10 18:20",
        "2001/1/10 8:20",
        "2001-01-10 18:20:30",
        "2001-01-10T18:20:30.25",
        "2001-01-10T18:20:30Z",
        "2001-01-10T18:20:30+01:00",
        "2001-01-10T18:20:30-0530"
      ]
      assert.deepStrictEqual(texts.map((text) => new Date(toEpochMillis(text)!).toISOString()), [
        "2001-01-10T00:00:00.000Z",
        "2001-01-10T18:20:00.000Z",
        "2001-01-10T08:20:00.000Z",
        "2001-01-10T18:20:30.000Z",
        "2001-01-10T18:20:30.250Z",
        "2001-01-10T18:20:30.000Z",
        "2001-01-10T17:20:30.000Z",
        "2001-01-10T23:50:30.000Z"
      ])
    })

    it("reads what a date writes", () => {
      fc.assert(
        fc.property(
          fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }),
          (date) => {
            assert.strictEqual(toEpochMillis(date.toISOString()), date.getTime())
            assert.strictEqual(toEpochMillis(String(date.getTime())), date.getTime())
          }
        )
      )
    })

    it("refuses days that do not exist, and other text", () => {
      for (
        const text of [
          "2001-02-30",
          "2001-13-01",
          "2001-00-10",
          "2001-01-10 24:00",
          "2001-01-10 10:60",
          "soon",
          "10:20"
        ]
      ) {
        assert.isNaN(toEpochMillis(text), text)
      }
      assert.isUndefined(toEpochMillis(" "))
    })
  })
})
