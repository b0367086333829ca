import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { BufferPool, Cell, IDLE, type Message, type Replier } from "../../src/internal/hot/cell.ts"

const replier = (): Replier => ({ succeed: () => {}, fail: () => {}, abandon: () => {} })

type Entry = readonly [Message, unknown, Replier | undefined]

/** The slots of a cell's mailbox, and of every buffer in a pool. */
const slots = (cell: Cell): ReadonlyArray<unknown> => (cell as unknown as { buffer: Array<unknown> }).buffer
const pooled = (pool: BufferPool): ReadonlyArray<unknown> =>
  ["smallest", "larger"].flatMap((part) =>
    (pool as unknown as Record<string, Array<unknown>>)[part]!.flat(Infinity)
  )

const put = (cell: Cell, [message, payload, replier]: Entry, pool: BufferPool): void =>
  cell.put(message, payload, replier, pool)

const take = (cell: Cell): Entry => {
  const { asker, message, payload } = cell
  cell.drop()
  return [message, payload, asker]
}

const entries = fc.tuple(fc.nat(9), fc.nat(), fc.boolean()).map(([index, payload, asked]): Entry => [
  { index },
  { payload },
  asked ? replier() : undefined
])

describe("Cell", () => {
  describe("mailbox", () => {
    it("is an array of which the first is taken, and to which one is added at either end", () => {
      fc.assert(
        fc.property(
          fc.array(
            fc.tuple(
              fc.nat(2),
              fc.oneof(
                { weight: 6, arbitrary: entries },
                { weight: 2, arbitrary: entries.map((entry) => ({ first: entry })) },
                { weight: 3, arbitrary: fc.constant("take" as const) },
                { weight: 1, arbitrary: fc.constantFrom("take all" as const, "fill" as const) }
              )
            ),
            { maxLength: 250, size: "max" }
          ),
          (commands) => {
            const pool = new BufferPool()
            // They share a pool, so that one gets what another gave back.
            const cells = [0, 1, 2].map(() => ({ cell: new Cell(IDLE), twin: [] as Array<Entry> }))
            for (const [which, command] of commands) {
              const { cell, twin } = cells[which]!
              const takeOne = (): void => expect(take(cell)).toEqual(twin.shift())
              if (command === "take") {
                if (twin.length > 0) takeOne()
              } else if (command === "take all") {
                while (twin.length > 0) takeOne()
                cell.release(pool)
                expect(slots(cell)).toHaveLength(0)
              } else if (command === "fill") {
                for (let i = 0; i < 20; i++) {
                  const entry: Entry = [{ index: i }, { i }, undefined]
                  put(cell, entry, pool)
                  twin.push(entry)
                }
              } else if ("first" in command) {
                cell.putFirst(...command.first, pool)
                twin.unshift(command.first)
              } else {
                put(cell, command, pool)
                twin.push(command)
              }
              expect(cell.size).toBe(twin.length)
              // Nothing is held but what waits, by the cell or by the pool.
              const held = slots(cell).filter((slot) => slot !== undefined)
              expect(held.length).toBe(twin.reduce((n, [, , asked]) => n + (asked === undefined ? 2 : 3), 0))
            }
            expect(pooled(pool).every((slot) => slot === undefined)).toBe(true)
            for (const { cell, twin } of cells) {
              while (twin.length > 0) expect(take(cell)).toEqual(twin.shift())
            }
          }
        ),
        { numRuns: 150 }
      )
    })

    it("gives its buffer back to the pool, for the next cell", () => {
      const pool = new BufferPool()
      const [first, second] = [new Cell(IDLE), new Cell(IDLE)]
      put(first, [{ index: 0 }, "a", undefined], pool)
      const buffer = slots(first)
      take(first)
      first.release(pool)
      put(second, [{ index: 1 }, "b", undefined], pool)
      expect(slots(second)).toBe(buffer)
      expect(take(second)).toEqual([{ index: 1 }, "b", undefined])
    })

    it("shares a buffer with no other cell, however often it is released", () => {
      const pool = new BufferPool()
      const cells = Array.from({ length: 4 }, () => new Cell(IDLE))
      put(cells[0]!, [{ index: 0 }, "a", undefined], pool)
      take(cells[0]!)
      cells[0]!.release(pool)
      cells[0]!.release(pool)
      cells.forEach((cell, index) => put(cell, [{ index }, index, undefined], pool))
      expect(new Set(cells.map(slots)).size).toBe(4)
      cells.forEach((cell, index) => expect(take(cell)[1]).toBe(index))
    })

    it("grows to a million messages and back, in order", () => {
      const pool = new BufferPool()
      const cell = new Cell(IDLE)
      const count = 1_000_000
      for (let i = 0; i < count; i++) cell.put({ index: 0 }, i, undefined, pool)
      let ordered = true
      for (let i = 0; i < count; i++) {
        ordered &&= cell.payload === i
        cell.drop()
      }
      expect(ordered).toBe(true)
      cell.release(pool)
      // The pool keeps small ones only.
      expect(pooled(pool).length).toBeLessThan(200_000)
    })
  })
})
