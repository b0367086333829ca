import { afterAll, assert, describe, it } from "vitest"
import { Pair, terminate } from "./link.ts"
import { type Case, caseOf } from "./linkCase.ts"
import { type Mutant, mutants } from "./linkMutants.ts"

const pair = new Pair()
afterAll(() => pair.close())

/** A case from which each mutant's is made. */
const plain: Case = {
  seed: 1,
  capacity: 256,
  start: 0,
  records: [3000, 3000],
  usual: 16,
  longest: 16,
  window: Infinity,
  patient: true,
  looks: 0,
  poll: 256,
  dawdle: 3000,
  mutant: undefined
}

/** Where each mistake shows. The link without it passes the same cases. */
const caught: { readonly [M in Mutant]: Partial<Case> } = {
  "publish before write": { capacity: 4096 },
  "no second look": { window: 1 },
  "ring before publish": { window: 1 },
  "flag without a look": { records: [3000, 0], longest: 400 },
  "freed before read": { records: [6000, 0], poll: 8, patient: false },
  "no bound": { records: [3000, 0] },
  "stale position": {}
}

/** Chance decides how soon a mistake shows, so it gets some tries; one that shows in none of them is not caught. */
const TRIES = 20

describe("Link between threads", () => {
  it.each(Array.from({ length: 48 }, (_, i) => i + 1))("allows nothing forbidden, seed %i", async (seed) => {
    assert.strictEqual(await pair.play(caseOf(seed)), undefined)
  })

  it.each<readonly [string, Partial<Case>]>([
    ["the smallest rings, which flood each other", { records: [8000, 8000], patient: false, dawdle: 0 }],
    ["records longer than their rings, both ways", { records: [800, 800], longest: 2000, patient: false }],
    ["positions that pass 2^31", { start: 0x7fffffff - 1023 }],
    ["positions that pass 2^32", { start: -1024 }]
  ])("finishes: %s", async (_what, special) => {
    assert.strictEqual(await pair.play({ ...plain, ...special }), undefined)
  })

  it.each(Array.from({ length: 8 }, (_, i) => i + 1))(
    "has a prefix of whole records from a writer that is terminated, seed %i",
    async (seed) => {
      assert.strictEqual(await terminate(seed), undefined)
    }
  )

  describe.each(Object.keys(mutants) as ReadonlyArray<Mutant>)("%s", (mutant) => {
    const play = { ...plain, ...caught[mutant] }

    it("passes without the mistake", async () => {
      assert.strictEqual(await pair.play(play), undefined)
    })

    it(`is caught: ${mutants[mutant]}`, async () => {
      for (let seed = 1; seed <= TRIES; seed++) {
        if ((await pair.play({ ...play, seed, mutant })) !== undefined) return
      }
      assert.fail(`the mutant passed: ${mutants[mutant]}`)
    })
  })
})
