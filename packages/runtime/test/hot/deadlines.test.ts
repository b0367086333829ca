import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Deadline, Deadlines } from "../../src/internal/hot/deadlines.ts"

type Command = { readonly add: number } | { readonly remove: number } | "first"

const commands = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ add: fc.nat(20) }) },
    { weight: 3, arbitrary: fc.record({ remove: fc.nat(40) }) },
    { weight: 2, arbitrary: fc.constant("first" as const) }
  ),
  { maxLength: 200, size: "max" }
)

describe("Deadlines", () => {
  it("are an array sorted by when they are due, and then by when they were added", () => {
    fc.assert(
      fc.property(commands, (commands: ReadonlyArray<Command>) => {
        const heap = new Deadlines<Deadline>()
        const twin: Array<Deadline> = []
        const all: Array<Deadline> = []
        const sorted = () => twin.sort((a, b) => a.due - b.due || a.serial - b.serial)
        for (const command of commands) {
          if (command === "first") {
            const first = sorted().shift()
            expect(heap.first).toBe(first)
            if (first !== undefined) expect(heap.remove(first)).toBe(true)
          } else if ("add" in command) {
            const item: Deadline = { due: command.add, place: -1, serial: 0 }
            all.push(item)
            heap.add(item)
            twin.push(item)
          } else if (all.length > 0) {
            const item = all[command.remove % all.length]!
            const at = twin.indexOf(item)
            expect(heap.remove(item)).toBe(at >= 0)
            if (at >= 0) twin.splice(at, 1)
          }
        }
        for (const item of sorted()) {
          expect(heap.first).toBe(item)
          heap.remove(item)
        }
        expect(heap.first).toBeUndefined()
      }),
      { numRuns: 200 }
    )
  })
})
