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

  it.each(Object.entries(mutants))("catches %s: %s", async (mutant, what) => {
    for (let seed = 1; seed <= TRIES; seed++) {
      if ((await play({ seed, kills: 6, patience, mutant: mutant as Mutant })) !== undefined) return
    }
    assert.fail(`the mutant passed: ${what}`)
  })
})
