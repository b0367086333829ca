import { assert, describe, it } from "vitest"
import { play } from "./gauge.ts"
import { type Case, caseOf } from "./gaugeCase.ts"
import { type Mutant, mutants } from "./gaugeMutants.ts"

/** A case from which each mutant's is made. */
const plain: Case = {
  seed: 1,
  senders: 3,
  receivers: 1,
  keys: 1,
  table: 8,
  capacity: 1,
  messages: 3000,
  cancel: 1000,
  dawdle: 300,
  mutant: undefined
}

/** Where each mistake shows. Without it the same cases pass. */
const caught: { readonly [M in Mutant]: Partial<Case> } = {
  "place without compare": {},
  "no second look": { senders: 1 },
  "woken before it is free": { senders: 2 },
  "waiters forgotten": {},
  // So many that the mark rises all the time.
  "mark without compare": { capacity: 10_000, dawdle: 60 },
  "claim without compare": { keys: 5, messages: 10 },
  "count without add": { receivers: 2, capacity: 8 }
}

/** Chance decides how soon a mistake shows, so it gets some tries; one that shows in none of them is not caught. */
const TRIES = 20

describe("Places of bounded mailboxes between threads", () => {
  it.each(Array.from({ length: 12 }, (_, i) => i + 1))("allow nothing forbidden, seed %i", async (seed) => {
    assert.strictEqual(await play(caseOf(seed)), undefined)
  })

  describe.each(Object.keys(mutants) as ReadonlyArray<Mutant>)("%s", (mutant) => {
    const own = { ...plain, ...caught[mutant] }

    it("passes without the mistake", async () => {
      assert.strictEqual(await play(own), undefined)
    })

    it(`is caught: ${mutants[mutant]}`, async () => {
      for (let seed = 1; seed <= TRIES; seed++) {
        if ((await play({ ...own, seed, mutant })) !== undefined) return
      }
      assert.fail(`the mutant passed: ${mutants[mutant]}`)
    })
  })
})
