import { assert, describe, it } from "vitest"
import * as Case from "./ringCase.ts"
import * as Kernel from "./ringKernel.ts"

/** A quiet case, from which each mutant's is made. */
const plain: Case.RingCase = {
  seed: 1,
  multi: false,
  producers: 1,
  consumers: 1,
  diamond: false,
  capacity: 4,
  start: -1,
  wait: { _tag: "Park" },
  batch: 1,
  events: 3000,
  lockstep: false,
  kills: 0,
  throws: 0,
  slow: 0,
  repairs: false
}

/** Where each mistake shows. The kernels without it pass the same cases. */
const caught: { readonly [M in keyof typeof Kernel.mutants]: Partial<Case.RingCase> } = {
  publishBeforeWrite: { wait: { _tag: "BusySpin" }, slow: 10, events: 500 },
  noSecondLook: { lockstep: true, wait: { _tag: "Park" }, events: 10_000 },
  claimedIsPublished: { multi: true, producers: 2, slow: 10, events: 500 },
  earlySequence: {
    wait: { _tag: "SpinThenPark", spins: 200, turns: 3 },
    capacity: 2,
    batch: 2,
    events: 20_000
  },
  missingBound: { capacity: 2, events: 20_000 },
  missingBoundShared: { multi: true, producers: 2, capacity: 2, events: 20_000 },
  unwrapped: { start: 2 ** 31 - 300, capacity: 2, events: 20_000 },
  followersIgnored: { consumers: 2, diamond: true, capacity: 64, events: 20_000 },
  repairIgnoresTheLiving: { multi: true, producers: 2, capacity: 64, slow: 10, events: 1000, repairs: true },
  noRepair: { multi: true, producers: 2, kills: 1, slow: 3, events: 1000 },
  repairTakesTheNextLap: {
    multi: true,
    producers: 2,
    consumers: 2,
    capacity: 4,
    events: 10_000,
    repairs: true
  },
  repairTrustsTheFlags: { multi: true, producers: 4, consumers: 2, capacity: 4, batch: 4, kills: 4, slow: 3 }
}

describe("ring between threads", () => {
  const seeds = Case.random(20_260)
  it.each(Array.from({ length: 28 }, () => Math.floor(seeds() * 2 ** 31)))(
    "case %i: nothing forbidden",
    async (seed) => {
      const outcome = await Case.run(Case.fromSeed(seed, 0.3))
      assert.deepStrictEqual(outcome.forbidden, [])
    }
  )

  describe.each(Object.entries(Kernel.mutants))("%s", (name, mutant) => {
    const self = { ...plain, ...caught[name as keyof typeof caught] }

    it("passes without the mutation", async () => {
      assert.deepStrictEqual((await Case.run(self)).forbidden, [])
    })

    it(`is caught: ${mutant.name}`, async () => {
      const directory = Kernel.write(mutant)
      // Chance decides how soon it shows, so it gets some tries; a mistake that shows in none of them is not caught.
      let forbidden: ReadonlyArray<string> = []
      for (let seed = 1; seed <= 20 && forbidden.length === 0; seed++) {
        forbidden = (await Case.run({ ...self, seed }, directory, 1000)).forbidden
      }
      Kernel.remove(directory)
      assert.isNotEmpty(forbidden)
    })
  })
})
