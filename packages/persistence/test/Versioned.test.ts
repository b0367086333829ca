import { assert, describe, it } from "@effect/vitest"
import * as Versioned from "@troupe/persistence/Versioned"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"

const First = Schema.Struct({ amount: Schema.Number })
const Second = Schema.Struct({ amount: Schema.Number, currency: Schema.String })
const Third = Schema.Struct({ cents: Schema.Number, currency: Schema.String })

const first = Versioned.make(First)
const second = first.pipe(Versioned.next(Second, ({ amount }) => ({ amount, currency: "EUR" })))
const third = Versioned.next(second, Third, ({ amount, currency }) => ({ cents: amount * 100, currency }))

describe("Versioned", () => {
  it("reads what it wrote", () => {
    fc.assert(fc.property(fc.double(), fc.string({ unit: "binary" }), (amount, currency) => {
      assert.deepStrictEqual(second.decodeUnsafe(second.encodeUnsafe({ amount, currency })), {
        amount,
        currency
      })
    }))
  })

  it("brings what an older program wrote to the last version, through every one between (S115)", () => {
    assert.deepStrictEqual(third.decodeUnsafe(first.encodeUnsafe({ amount: 5 })), {
      cents: 500,
      currency: "EUR"
    })
    assert.deepStrictEqual(third.decodeUnsafe(second.encodeUnsafe({ amount: 5, currency: "CHF" })), {
      cents: 500,
      currency: "CHF"
    })
    assert.strictEqual(third.version, 3)
  })

  it("refuses what a newer program wrote (S115)", () => {
    assert.throws(
      () => first.decodeUnsafe(third.encodeUnsafe({ cents: 1, currency: "EUR" })),
      /version 3.*knows 1 to 1/
    )
  })

  it("refuses what another schema wrote under the same version (S115)", () => {
    assert.throws(
      () => first.decodeUnsafe(Versioned.make(Second).encodeUnsafe({ amount: 1, currency: "" })),
      /another schema/
    )
  })

  it("refuses bytes that no program wrote", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => {
      try {
        third.decodeUnsafe(bytes)
      } catch (error) {
        assert.include(["VersionError", "CodecError"], (error as { readonly _tag: string })._tag)
        return
      }
      assert.fail("it read them")
    }))
  })
})
