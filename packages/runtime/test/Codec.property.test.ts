/**
 * Arbitrary values of arbitrary schemas arrive as equal values, by generated
 * code and by the interpreter, which write the same bytes.
 */
import * as Equal from "effect/Equal"
import * as fc from "fast-check"
import { deepStrictEqual } from "node:assert"
import { inspect } from "node:util"
import { describe, expect, it } from "vitest"
import * as Codec from "../src/Codec.ts"
import { samples } from "../stress/codecSchemas.ts"

const equal = (actual: unknown, wanted: unknown): void => {
  try {
    deepStrictEqual(actual, wanted)
  } catch (error) {
    // A HashMap's tree depends on the order in which it grew.
    if (!Equal.equals(actual, wanted)) throw error
  }
}

const pairs = samples.chain((sample) =>
  sample.values.map((value) => ({
    sample,
    value,
    [fc.toStringMethod]: () => `${sample.text} = ${inspect(value, { depth: 6 })}`
  }))
)

describe("Codec", () => {
  it("brings every value of every schema to the other side", () => {
    fc.assert(
      fc.property(pairs, ({ sample, value }) => {
        const generated = Codec.make(sample.schema)
        const walked = Codec.make(sample.schema, { interpreter: true })
        const bytes = Codec.encodeUnsafe(generated, value)
        deepStrictEqual(Codec.encodeUnsafe(walked, value), bytes)
        equal(Codec.decodeUnsafe(generated, bytes), value)
        equal(Codec.decodeUnsafe(walked, bytes), value)
        if (generated.fixedSize !== undefined) expect(bytes.length).toBe(generated.fixedSize)
      }),
      { numRuns: 1500 }
    )
  })

  it("writes nothing at or after the limit, wherever it is, and says that there was no room", () => {
    fc.assert(
      fc.property(pairs, fc.nat(40), ({ sample, value }, offset) => {
        for (const interpreter of [false, true]) {
          const codec = Codec.make(sample.schema, { interpreter })
          const size = Codec.encodeUnsafe(codec, value).length
          for (let room = Math.max(0, size - 20); room <= size + 20; room++) {
            const bytes = new Codec.Bytes(new SharedArrayBuffer(offset + room + 24))
            bytes.u8.fill(0xa5)
            const end = codec.encode(value, bytes, offset, offset + room)
            // A long string's header may take a byte more where there is room for it.
            if (end >= 0) expect(end).toBeLessThanOrEqual(offset + room)
            else expect(room).toBeLessThan(size)
            for (let i = 0; i < offset; i++) expect(bytes.u8[i]).toBe(0xa5)
            for (let i = offset + room; i < bytes.u8.length; i++) expect(bytes.u8[i]).toBe(0xa5)
            if (end >= 0) equal(codec.decode(bytes, offset, end), value)
          }
        }
      }),
      { numRuns: 150 }
    )
  })

  it("gives schemas that are built alike the same fingerprint", () => {
    fc.assert(
      fc.property(samples, (sample) => {
        expect(Codec.make(sample.schema).fingerprint).toBe(
          Codec.make(sample.schema, { interpreter: true }).fingerprint
        )
      }),
      { numRuns: 100 }
    )
  })
})
