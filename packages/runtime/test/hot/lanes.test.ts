import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Message } from "../../src/internal/hot/cell.ts"
import { Lanes, type Rank, type Ranked } from "../../src/internal/hot/lanes.ts"

const ranks: ReadonlyArray<Rank> = [
  { priority: 5, interleave: false },
  { priority: 0, interleave: true },
  { priority: 0, interleave: false },
  { priority: -1, interleave: true }
]

/** A message of each lane, and one of each with keys: payloads of the same remainder by 3 have the same. */
const messages: ReadonlyArray<Ranked> = ranks.flatMap((_, lane) => [
  { index: 2 * lane, lane, key: undefined },
  { index: 2 * lane + 1, lane, key: (payload: unknown) => (payload as number) % 3 }
])

const pill: Message = { index: messages.length }

type Command =
  | { readonly put: number; readonly first: boolean }
  | "bar"
  | "take"
  | "take lowest"
  | "take interleaving"

interface Waiting {
  readonly message: Message
  payload: number
  readonly order: number
}

/** The twin: an array, sorted anew whenever one is taken. */
class Twin {
  waiting: Array<Waiting> = []
  private newest = 0
  private oldest = 0

  find(message: Ranked, payload: number): Waiting | undefined {
    return message.key === undefined
      ? undefined
      : this.waiting.find((one) =>
        one.message === message && message.key!(one.payload) === message.key!(payload)
      )
  }

  add(message: Message, payload: number, first: boolean): void {
    this.waiting.push({ message, payload, order: first ? --this.oldest : ++this.newest })
  }

  private rank({ message }: Waiting): Rank {
    return ranks[(message as Ranked).lane]!
  }

  get first(): Waiting | undefined {
    const bar = this.waiting.find(({ message }) => message === pill)
    const before = this.waiting.filter((one) => one !== bar && one.order < (bar?.order ?? Infinity))
    return before.toSorted((a, b) => this.rank(b).priority - this.rank(a).priority || a.order - b.order)[0] ??
      bar
  }

  get lowest(): Waiting | undefined {
    const others = this.waiting.filter(({ message }) => message !== pill)
    return others.toSorted((a, b) => this.rank(a).priority - this.rank(b).priority || a.order - b.order)[0] ??
      this.waiting[0]
  }

  get interleaving(): Waiting | undefined {
    return this.waiting.filter((one) => one.message !== pill && this.rank(one).interleave)
      .toSorted((a, b) => this.rank(b).priority - this.rank(a).priority || a.order - b.order)[0]
  }

  remove(one: Waiting): void {
    this.waiting = this.waiting.filter((other) => other !== one)
  }
}

const commands: fc.Arbitrary<ReadonlyArray<Command>> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ put: fc.nat(messages.length - 1), first: fc.boolean() })
    },
    { weight: 1, arbitrary: fc.constantFrom<Command>("bar", "take lowest", "take interleaving") },
    { weight: 2, arbitrary: fc.constant<Command>("take") }
  ),
  { maxLength: 120, size: "max" }
)

describe("Lanes", () => {
  it("are an array, sorted by priority, and then as its messages came", () => {
    fc.assert(
      fc.property(commands, (commands) => {
        const lanes = new Lanes(ranks)
        const twin = new Twin()
        const taken = (name: "first" | "lowest" | "interleaving"): void => {
          const expected = twin[name]
          if (expected === undefined) return
          const entry = lanes[name]
          expect([entry.message, entry.payload]).toEqual([expected.message, expected.payload])
          lanes.remove(entry)
          twin.remove(expected)
        }
        commands.forEach((command, payload) => {
          if (command === "bar") {
            if (!lanes.barred) twin.add(pill, payload, false)
            lanes.bar(pill, payload, undefined)
          } else if (command === "take") taken("first")
          else if (command === "take lowest") taken("lowest")
          else if (command === "take interleaving") taken("interleaving")
          else {
            const message = messages[command.put]!
            const [found, same] = [lanes.find(message, payload), twin.find(message, payload)]
            expect(found?.payload).toBe(same?.payload)
            if (found !== undefined) found.payload = same!.payload = payload
            else {
              if (command.first) lanes.addFirst(message, payload, undefined)
              else lanes.add(message, payload, undefined)
              twin.add(message, payload, command.first)
            }
          }
          const interleaved = twin.waiting.filter(({ message }) =>
            message !== pill && ranks[(message as Ranked).lane]!.interleave
          )
          expect(lanes.interleaved).toBe(interleaved.length)
        })
        while (twin.waiting.length > 0) taken("first")
      }),
      { numRuns: 300 }
    )
  })

  it("takes one whose key cannot be computed for one of its own", () => {
    const message: Ranked = {
      index: 0,
      lane: 0,
      key: () => {
        throw new Error("no key")
      }
    }
    const lanes = new Lanes([{ priority: 0, interleave: false }])
    lanes.add(message, 1, undefined)
    expect(lanes.find(message, 2)).toBeUndefined()
    lanes.add(message, 2, undefined)
    for (const payload of [1, 2]) {
      expect(lanes.first.payload).toBe(payload)
      lanes.remove(lanes.first)
    }
  })
})
