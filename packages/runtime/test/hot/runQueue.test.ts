import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { RunQueue } from "../../src/internal/hot/runQueue.ts"

describe("RunQueue", () => {
  it("is an array of which the first is taken and to which the last is added", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 4, 16),
        fc.array(
          fc.oneof({ weight: 3, arbitrary: fc.nat() }, { weight: 2, arbitrary: fc.constant("shift") }),
          {
            maxLength: 300,
            size: "max"
          }
        ),
        (capacity, commands) => {
          const queue = new RunQueue<number>(capacity)
          const twin: Array<number> = []
          for (const command of commands) {
            if (typeof command === "number") {
              queue.push(command)
              twin.push(command)
            } else expect(queue.shift()).toBe(twin.shift())
            expect(queue.size).toBe(twin.length)
          }
          while (twin.length > 0) expect(queue.shift()).toBe(twin.shift())
          expect(queue.shift()).toBe(undefined)
          // What was taken is not held on to.
          const { items } = queue as unknown as { items: ReadonlyArray<unknown> }
          expect(items.every((item) => item === undefined)).toBe(true)
        }
      )
    )
  })
})
