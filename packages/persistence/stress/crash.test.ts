import * as Journal from "@troupe/persistence/Journal"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { bodyOf, channels } from "./channelCase.ts"
import { inspect, journals } from "./journalCase.ts"
import { notes, run } from "./kills.ts"
import { COUNTED, layer } from "./ledger.ts"

describe.concurrent("what is written by processes that are killed", () => {
  it("channels have all that was confirmed, whole and in order, under every durability (S93, S94, S96)", async () => {
    const { forbidden, kills, records, takeovers } = await run(channels, {
      seed: 20_261,
      kills: 4,
      writers: 4
    })
    assert.deepStrictEqual(forbidden, [])
    assert.strictEqual(kills, 4)
    assert.isAbove(takeovers, 0)
    assert.isAtLeast(records, 4)
  })

  it("journals, states and what is on its way to others, too (S110, S112, S116, S118)", async () => {
    const { forbidden, kills, records } = await run(journals, { seed: 20_262, kills: 4, writers: 4 })
    assert.deepStrictEqual(forbidden, [])
    assert.strictEqual(kills, 4)
    assert.isAtLeast(records, 4)
  })

  it("nothing goes unseen that should not be", async () => {
    const directory = mkdtempSync(join(tmpdir(), "troupe-crash-"))
    const job = { index: 0, path: join(directory, "written"), durability: "none", directory } as const
    const spoil = Effect.gen(function*() {
      const noted = yield* notes(job)
      noted[COUNTED] = 5
      yield* Effect.provide(Journal.append("raw", 0, [bodyOf(1), bodyOf(3)]), layer(job))
    })
    await Effect.runPromise(Effect.scoped(spoil))
    const { forbidden } = await Effect.runPromise(inspect(job))
    assert.deepStrictEqual(forbidden, [
      "an event: 2 is not whole",
      "the count: found 0, confirmed were 5"
    ])
    rmSync(directory, { recursive: true })
  })
})
