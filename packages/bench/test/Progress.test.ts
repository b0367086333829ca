import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Progress from "../src/Progress.ts"

/** What is written to a terminal, or to a file, while a scenario runs and fails. */
const written = Effect.fnUntraced(function*(isTTY: boolean) {
  let text = ""
  const progress = Progress.make({ isTTY, write: (more: string) => text += more })
  yield* progress.event("local.ask", 2, 3, { _tag: "WarmingUp" })
  yield* progress.event("local.ask", 2, 3, { _tag: "Sampled", taken: 1, of: 4 })
  yield* progress.ended({ _tag: "Failed", name: "local.ask", reason: "no answer" })
  return text
})

describe("Progress", () => {
  it.effect("is one line that changes on a terminal, and is gone in the end", () =>
    Effect.gen(function*() {
      const text = yield* written(true)
      assert.include(text, "[2/3] local.ask  warming up")
      assert.include(text, "[2/3] local.ask  #---")
      assert.strictEqual(text.split("\r\x1b[K").at(-1), "local.ask  FAILED: no answer\n")
    }))

  it.effect("is a plain line for each scenario elsewhere", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* written(false), "local.ask  FAILED: no answer\n")
    }))
})
