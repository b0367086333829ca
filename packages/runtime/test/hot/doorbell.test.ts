import { describe, expect, it } from "vitest"
import { Doorbell } from "../../src/internal/hot/doorbell.ts"

const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(128))

/** What rings it, and how often a message went over its bell. */
const withBell = (
  word: Int32Array,
  index: number
): { readonly ringer: Doorbell; readonly rung: () => number } => {
  let count = 0
  const bell = { postMessage: () => void count++ }
  return { ringer: new Doorbell(word, index, bell), rung: () => count }
}

/** Sleeps until it is woken. */
const sleep = (doorbell: Doorbell): Promise<void> => new Promise((resolve) => doorbell.sleep(resolve))

describe("Doorbell", () => {
  it("tells an owner that announced that it sleeps, once (S20)", () => {
    const word = words()
    const owner = new Doorbell(word, 3)
    const { ringer, rung } = withBell(word, 3)
    ringer.ring()
    expect(rung()).toBe(0)
    owner.announce()
    ringer.ring()
    ringer.ring()
    expect(rung()).toBe(1)
    owner.announce()
    ringer.ring()
    expect(rung()).toBe(2)
  })

  it("is rung by one of several", () => {
    const word = words()
    const owner = new Doorbell(word, 0)
    const ringers = Array.from({ length: 4 }, () => withBell(word, 0))
    owner.announce()
    ringers.forEach(({ ringer }) => ringer.ring())
    expect(ringers.map(({ rung }) => rung())).toEqual([1, 0, 0, 0])
  })

  it("does not tell an owner that found work after all", () => {
    const word = words()
    const owner = new Doorbell(word, 0)
    const { ringer, rung } = withBell(word, 0)
    owner.announce()
    owner.stay()
    ringer.ring()
    expect(rung()).toBe(0)
  })

  it("touches no word but its own", () => {
    const word = words()
    const owner = new Doorbell(word, 5)
    owner.announce()
    expect(Array.from(word).map((value, index) => [index, value]).filter(([, value]) => value !== 0)).toEqual(
      [
        [5, 1]
      ]
    )
    withBell(word, 4).ringer.ring()
    expect(word[5]).toBe(1)
  })

  describe("sleep", () => {
    it("wakes when somebody rings (S20)", async () => {
      const word = words()
      const owner = new Doorbell(word, 0)
      owner.announce()
      const woken = sleep(owner)
      new Doorbell(word, 0).ring()
      await woken
      expect(word[0]).toBe(0)
    })

    it("wakes at once when somebody rang before it slept", async () => {
      const word = words()
      const owner = new Doorbell(word, 0)
      owner.announce()
      new Doorbell(word, 0).ring()
      await sleep(owner)
    })

    it("sleeps and wakes again and again", async () => {
      const word = words()
      const owner = new Doorbell(word, 0)
      const ringer = new Doorbell(word, 0)
      for (let i = 0; i < 100; i++) {
        owner.announce()
        const woken = sleep(owner)
        ringer.ring()
        await woken
      }
      expect(word[0]).toBe(0)
    })

    it("wakes once, though it was told to sleep twice", async () => {
      const word = words()
      const owner = new Doorbell(word, 0)
      owner.announce()
      let wakes = 0
      const first = new Promise<void>((resolve) =>
        owner.sleep(() => {
          wakes++
          resolve()
        })
      )
      owner.sleep(() => void wakes++)
      new Doorbell(word, 0).ring()
      await first
      expect(wakes).toBe(1)
    })
  })
})
