import { assert, describe, it } from "vitest"
import { fastest, run } from "./swarmCase.ts"

describe("swarms whose processes are killed", () => {
  it("are as they were after a turn, or refused, and come back from a snapshot (S86, S119)", async () => {
    const { forbidden, kills, open, restoring } = await run({
      seed: 20_263,
      rounds: 6,
      swarms: 4,
      precise: 1,
      home: fastest
    })
    assert.deepStrictEqual(forbidden, [])
    assert.isAtLeast(kills, 24)
    assert.isAtLeast(open, 5)
    assert.isAbove(restoring, 0)
  })
})
