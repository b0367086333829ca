import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Generations } from "../../src/internal/hot/generations.ts"

describe("Generations", () => {
  it("gives no pair of place and version twice, whatever is taken and given back", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.array(fc.nat(), { maxLength: 200 }), (first, steps) => {
        const generations = new Generations(first)
        const ever = new Set<string>()
        const held: Array<{ readonly place: number; readonly version: number }> = []
        for (const step of steps) {
          if (step % 3 === 0 && held.length > 0) {
            const [{ place }] = held.splice(step % held.length, 1) as [typeof held[0]]
            generations.give(place)
          } else {
            const place = generations.take()
            const version = generations.version(place)
            assert.isAtLeast(place, first)
            assert.isAtLeast(version, 1)
            assert.isFalse(ever.has(`${place}.${version}`))
            ever.add(`${place}.${version}`)
            held.push({ place, version })
          }
          for (const { place, version } of held) assert.strictEqual(generations.version(place), version)
        }
      })
    )
  })

  it("S60: retires a place with its last version", () => {
    const generations = new Generations()
    for (let version = 1; version <= 255; version++) {
      const place = generations.take()
      assert.deepStrictEqual([place, generations.version(place)], [0, version])
      generations.give(place)
    }
    const place = generations.take()
    assert.deepStrictEqual([place, generations.version(place)], [1, 1])
  })

  it("grows, and keeps the versions of the places that it has", () => {
    const generations = new Generations(10)
    const places = Array.from({ length: 1000 }, () => generations.take())
    assert.deepStrictEqual(places, Array.from({ length: 1000 }, (_, i) => i + 10))
    for (const place of places) generations.give(place)
    const again = Array.from({ length: 1000 }, () => generations.take())
    assert.deepStrictEqual(new Set(again), new Set(places))
    for (const place of again) assert.strictEqual(generations.version(place), 2)
    assert.strictEqual(generations.version(9), 0)
    assert.strictEqual(generations.version(1010), 0)
  })
})
