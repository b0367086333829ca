import { assert, describe, it } from "vitest"
import * as fc from "fast-check"
import { Appender, NO_ROOM, TOO_LONG } from "../../src/internal/hot/appender.ts"
import { Scanner } from "../../src/internal/hot/scanner.ts"
import {
  CLOSED,
  CONTINUED,
  END,
  FOUND_CLOSED,
  FOUND_CONTINUED,
  FOUND_END,
  FOUND_RECORD
} from "../../src/internal/hot/segment.ts"

const SIZE = 512
const MAX = 64

interface Wish {
  readonly length: number
  readonly fill: number
  /** It has written this much when it throws. */
  readonly throwsAfter?: number | undefined
}

const encode = (wish: Wish, u8: Uint8Array, offset: number, limit: number): number => {
  const end = offset + wish.length
  u8.fill(wish.fill, offset, Math.min(limit, end, offset + (wish.throwsAfter ?? Infinity)))
  if (wish.throwsAfter !== undefined) throw new Error("encoder")
  return end > limit ? -1 : end
}

const make = () => {
  const buffer = new ArrayBuffer(SIZE)
  new Int32Array(buffer)[0] = END
  const bytes = new Uint8Array(buffer)
  return {
    appender: new Appender({ buffer, bytes, offset: 0, limit: SIZE, maxLength: MAX, salt: 77 }),
    scanner: () => new Scanner({ buffer, bytes, offset: 0, limit: SIZE, maxLength: MAX, salt: 77 })
  }
}

const wish = fc.record({
  length: fc.integer({ min: 0, max: MAX + 8 }),
  fill: fc.integer({ min: 0, max: 255 }),
  throwsAfter: fc.option(fc.integer({ min: 0, max: MAX }), { nil: undefined, freq: 4 })
})

const read = (scanner: Scanner<Uint8Array>): ReadonlyArray<ReadonlyArray<number>> => {
  const records: Array<ReadonlyArray<number>> = []
  while (scanner.look() === FOUND_RECORD) {
    records.push(Array.from(scanner.bytes.subarray(scanner.start, scanner.end)))
    scanner.advance()
  }
  return records
}

const bytesOf = ({ fill, length }: Wish): ReadonlyArray<number> => Array.from({ length }, () => fill)

/** Bytes that a record takes of its file. */
const sizeOf = ({ length }: Wish): number => 8 + Math.ceil(length / 8) * 8

describe("Appender and Scanner", () => {
  it("are an array of records, whatever encoders do", () => {
    const operation = fc.oneof(
      fc.record({ batch: fc.constant(false), wishes: fc.tuple(wish) }),
      fc.record({ batch: fc.constant(true), wishes: fc.array(wish, { maxLength: 5 }) })
    )
    fc.assert(fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
      const { appender, scanner } = make()
      const twin: Array<Wish> = []
      for (const { batch, wishes } of operations) {
        const before = appender.offset
        let result: number | "threw"
        try {
          result = batch ? appender.appendAll(encode, wishes) : appender.append(encode, wishes[0]!)
        } catch {
          result = "threw"
        }
        // What the first of them that cannot be appended would lead to.
        let at = before
        let expected: number | "threw" = before
        for (const each of wishes) {
          const room = SIZE - 8 - at - 8
          if (room < 0) expected = NO_ROOM
          else if (each.throwsAfter !== undefined) expected = "threw"
          else if (each.length > Math.min(room, MAX)) expected = room < MAX ? NO_ROOM : TOO_LONG
          else {
            at += sizeOf(each)
            continue
          }
          at = before
          break
        }
        assert.strictEqual(result, expected)
        assert.strictEqual(appender.offset, at)
        if (result === expected && at !== before) twin.push(...wishes)
        const walked = scanner()
        assert.deepStrictEqual(read(walked), twin.map(bytesOf))
        assert.strictEqual(walked.look(), FOUND_END)
        assert.strictEqual(walked.offset, appender.offset)
      }
    }))
  })

  it.each([[CLOSED, FOUND_CLOSED], [CONTINUED, FOUND_CONTINUED]])(
    "end with a mark for good",
    (mark, found) => {
      const { appender, scanner } = make()
      appender.append(encode, { length: 3, fill: 1 })
      appender.mark(mark)
      assert.strictEqual(appender.append(encode, { length: 3, fill: 2 }), NO_ROOM)
      const walked = scanner()
      assert.deepStrictEqual(read(walked), [[1, 1, 1]])
      assert.strictEqual(walked.look(), found)
    }
  )

  it("find no mark where its check is another's", () => {
    const { appender, scanner } = make()
    appender.mark(CLOSED)
    appender.i32[1]! ^= 1
    assert.isAbove(scanner().look(), FOUND_CONTINUED)
  })
})
