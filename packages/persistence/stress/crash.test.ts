import { assert, describe, it } from "vitest"
import { run } from "./crashCase.ts"

describe("channels whose writers are killed", () => {
  it("have all that was confirmed, whole and in order, under every durability (S93, S94, S96)", async () => {
    const { forbidden, kills, records, takeovers } = await run({ seed: 20_261, rounds: 3, threads: 4 })
    assert.deepStrictEqual(forbidden, [])
    assert.strictEqual(kills, 12)
    assert.isAbove(takeovers, 0)
    assert.isAbove(records, 1000)
  })
})
