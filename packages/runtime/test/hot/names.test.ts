import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { makeTable, Names } from "../../src/internal/hot/names.ts"

describe("Names", () => {
  it("gives the same number for the same name, from 1, whoever asks first", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.string()), { maxLength: 60 }), (asked) => {
        const table = makeTable()
        const threads = [new Names(table), new Names(table), new Names(table)]
        const numbers = new Map<string, number>()
        for (const [thread, name] of asked) {
          const number = threads[thread]!.number(name)
          assert.strictEqual(number, numbers.get(name) ?? numbers.size + 1)
          numbers.set(name, number)
        }
      })
    )
  })

  it("gives numbers of its own where nothing is shared", () => {
    const names = new Names()
    assert.deepStrictEqual(["b", "a", "b", "c"].map((name) => names.number(name)), [1, 2, 1, 3])
  })

  it("tells names that resemble each other apart", () => {
    const names = new Names(makeTable())
    const alike = Array.from({ length: 64 }, (_, i) => `${"a".repeat(i)}b${"a".repeat(63 - i)}`)
    assert.strictEqual(new Set(alike.map((name) => names.number(name))).size, 64)
  })

  it("says when there is no room", () => {
    const names = new Names(makeTable())
    for (let i = 0; i < 4096; i++) assert.strictEqual(names.number(`name ${i}`), i + 1)
    assert.throws(() => names.number("one more"), RangeError)
    assert.strictEqual(names.number("name 7"), 8)
  })
})
