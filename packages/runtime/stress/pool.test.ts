import { assert, describe, it } from "vitest"
import { play } from "./pool.ts"
import { type Mutant, mutants } from "./poolMutants.ts"

/** Chance decides how soon a mistake shows, so it gets some tries; one that shows in none of them is not caught. */
const TRIES = 10

/** How long one waits for what a mistake keeps from coming, in milliseconds. */
const patience = 2000

describe("Pool whose threads are killed", () => {
  it.each([1, 2])("allows nothing forbidden, seed %i", async (seed) => {
    assert.strictEqual(await play({ seed, kills: 5 }), undefined)
  })

  it.each([1, 2])("allows nothing forbidden while the workers change, seed %i", async (seed) => {
    assert.strictEqual(await play({ seed, kills: 0, changes: 8 }), undefined)
  })

  it.each([1, 2, 3])(
    "allows nothing forbidden while the workers change and are killed, seed %i",
    async (seed) => {
      assert.strictEqual(await play({ seed, kills: 8, changes: 4 }), undefined)
    }
  )

  it.each(Object.entries(mutants))("catches %s: %s", async (mutant, { changes, kills, what }) => {
    for (let seed = 1; seed <= TRIES; seed++) {
      if ((await play({ seed, kills, changes, patience, mutant: mutant as Mutant })) !== undefined) return
    }
    assert.fail(`the mutant passed: ${what}`)
  })
})
