/**
 * The fuzz in a fixed budget, and proof that it would notice: decoders with a
 * bound or a test taken out of their code.
 */
import { describe, expect, it } from "vitest"
import { compilePlan } from "../src/internal/codecCompile.ts"
import { run } from "../src/internal/codecFaces.ts"
import { generate } from "../src/internal/codecGenerate.ts"
import { fuzz, type Subject } from "../stress/codecFuzz.ts"

/** A decoder whose generated code is broken, and how often it was. */
const mutant = (pattern: RegExp): { readonly subject: Subject; readonly places: () => number } => {
  let places = 0
  return {
    places: () => places,
    subject: (sample) => {
      const plan = compilePlan(sample.schema.ast, "")
      const code = generate(plan, (source) =>
        source.replaceAll(pattern, () => {
          places++
          return ""
        }))
      return run(code!, plan, "")
    }
  }
}

describe("Codec", () => {
  describe("hostile bytes", () => {
    it("are refused with a CodecError, or give a value that comes back", () => {
      const deadline = performance.now() + 4000
      const report = fuzz({
        seed: 20_260_101,
        isOver: (round) => round >= 40 && performance.now() > deadline
      })
      expect(report.failure).toBeUndefined()
      expect(report.records).toBeGreaterThan(5000)
      expect(report.accepted).toBeGreaterThan(100)
    }, 60_000)

    const mutants = {
      "the bound of a run of fields": /if \(p \+ \d+ > end\) throw k\d+/g,
      "the bound of a count": /if \(x\d+ \* \d+ > end - p\) throw k\d+/g,
      "the test of a boolean's byte": /if \(x\d+ > 1\) throw k\d+/g,
      "the test of a place in a list": /if \(x\d+ >= \d+\) throw k\d+/g,
      "the test of the unused bits of a bitmap": /if \(x\d+ >> \d+ !== 0\) throw k\d+/g
    }
    for (const [what, pattern] of Object.entries(mutants)) {
      it(`would not pass a decoder without ${what}`, () => {
        const { places, subject } = mutant(pattern)
        const report = fuzz({ seed: 1, subject, isOver: (round) => round >= 400 })
        expect(places()).toBeGreaterThan(0)
        expect(report.failure).toBeDefined()
      }, 60_000)
    }
  })
})
