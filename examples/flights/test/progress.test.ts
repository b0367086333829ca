import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Progress from "../progress.ts"

const recorder = (isTTY: boolean, columns?: number) => {
  const written: Array<string> = []
  return { written, output: { isTTY, columns, write: (text: string) => written.push(text) } }
}

describe("progress", () => {
  it.effect("writes a line now and then where there is no terminal, and one at the end", () =>
    Effect.gen(function*() {
      const { output, written } = recorder(false)
      yield* Effect.scoped(Effect.gen(function*() {
        const progress = yield* Progress.make("flights", 3000)
        yield* TestClock.adjust(250)
        progress.add(500)
        yield* TestClock.adjust(250)
        progress.add(500)
        progress.add(500)
        progress.add(1500)
      })).pipe(Effect.provideService(Progress.Output, output))
      assert.deepStrictEqual(written, [
        "flights: 0 of 3,000 rows, 0%\n",
        "flights: 1,000 of 3,000 rows, 33%, 2.0 k rows/s\n",
        "flights: 3,000 of 3,000 rows, 100%, 6.0 k rows/s\n"
      ])
    }))

  it.effect("redraws a bar on a terminal, and takes it away", () =>
    Effect.gen(function*() {
      const { output, written } = recorder(true, 60)
      yield* Effect.scoped(Effect.gen(function*() {
        const progress = yield* Progress.make("flights", 4)
        yield* TestClock.adjust(1000)
        progress.add(2)
      })).pipe(Effect.provideService(Progress.Output, output))
      assert.deepStrictEqual(written, [
        "\r\u001B[K[------------------------] flights: 0 of 4 rows, 0%",
        "\r\u001B[K[############------------] flights: 2 of 4 rows, 50%, 2 row",
        "\r\u001B[K"
      ])
    }))

  it("has no division by nothing", () => {
    assert.strictEqual(
      Progress.line({ label: "check", rows: 0, total: 0, millis: 0 }),
      "check: 0 of 0 rows, 100%"
    )
  })
})
