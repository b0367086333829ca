import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type * as Bytes from "../../src/internal/hot/bytes.ts"
import * as Columns from "../../src/internal/hot/columns.ts"
import { Heap, NOTHING } from "../../src/internal/hot/heap.ts"
import * as Rows from "../../src/internal/hot/rows.ts"
import { type Stretch, SwarmStore, type Use } from "../../src/internal/hot/swarmStore.ts"

/** Text as it is: what the heap needs of a codec. */
const text = {
  encode(value: string, { u8 }: Bytes.Bytes, offset: number, limit: number) {
    const bytes = new TextEncoder().encode(value)
    if (offset + bytes.length > limit) return -1
    u8.set(bytes, offset)
    return offset + bytes.length
  },
  decode: ({ u8 }: Bytes.Bytes, offset: number, end: number) =>
    new TextDecoder().decode(u8.slice(offset, end))
}

const fields: ReadonlyArray<Columns.Field> = [
  { tag: "scalar", name: "speed", type: "f64" },
  { tag: "scalar", name: "__proto__", type: "i32" },
  { tag: "boolean", name: "on" },
  { tag: "choice", name: "side", type: "u8", values: ["left", "right"] },
  {
    tag: "record",
    name: "at",
    stride: 16,
    nested: true,
    record: {
      tag: "record",
      tuple: false,
      fields: [{
        name: "at",
        node: {
          tag: "record",
          tuple: false,
          fields: [
            { name: "x", node: { tag: "scalar", type: "f64", at: 0 } },
            { name: "y", node: { tag: "scalar", type: "i32", at: 8 } }
          ]
        }
      }]
    }
  },
  { tag: "managed", name: "plate", coder: text, optional: false },
  { tag: "managed", name: "note", coder: text, optional: true }
]

const state = fc.record({
  speed: fc.double({ noNaN: true }),
  proto: fc.integer({ min: -5, max: 5 }),
  on: fc.boolean(),
  side: fc.constantFrom("left", "right"),
  at: fc.record({ x: fc.double({ noNaN: true }), y: fc.integer() }),
  plate: fc.string({ maxLength: 200 }),
  note: fc.option(fc.string({ maxLength: 3000 }), { nil: undefined })
}).map(({ note, proto, ...rest }) => {
  const value: any = note === undefined ? { ...rest } : { ...rest, note }
  Object.defineProperty(value, "__proto__", {
    value: proto,
    enumerable: true,
    configurable: true,
    writable: true
  })
  return value
})

const birth = { fingerprint: [1, 2, 3, 4], seed: 7, type: 1, heapBytes: 512 }

/** A store, and what was allocated for it. */
const make = (by: "code" | "closures") => {
  const parts: Array<readonly [Use, Stretch]> = []
  const grow = (use: Use, byteLength: number): Stretch => {
    const stretch = { buffer: new SharedArrayBuffer(byteLength), byteOffset: 0, byteLength }
    parts.push([use, stretch])
    return stretch
  }
  const rows = Rows.compile(Columns.shape(fields, 64), by)
  const store = new SwarmStore(rows, grow({ kind: "header" }, 128), birth, grow)
  return { store, rows, parts, grow }
}

const write = (store: SwarmStore, cursor: Columns.Cursor, row: number, value: unknown) => {
  cursor.enter(store.chunks[row >> 6]!)
  cursor.r = row & 63
  cursor.d0 = 0
  cursor.d1 = 0
  cursor.write(value)
  cursor.commit()
  store.settle(row >> 6, row & 63)
}

const read = (store: SwarmStore, cursor: Columns.Cursor, row: number) => {
  cursor.enter(store.chunks[row >> 6]!)
  cursor.r = row & 63
  return cursor.read()
}

type Command =
  | { readonly do: "add"; readonly state: any }
  | { readonly do: "remove"; readonly which: number }
  | { readonly do: "write"; readonly which: number; readonly state: any }
  | { readonly do: "many"; readonly state: any; readonly count: number }

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ do: fc.constant("add" as const), state }),
  fc.record({ do: fc.constant("many" as const), state, count: fc.integer({ min: 1, max: 90 }) }),
  fc.record({ do: fc.constant("remove" as const), which: fc.nat() }),
  fc.record({ do: fc.constant("write" as const), which: fc.nat(), state })
)

describe("swarmStore", () => {
  it("says that it is torn while a row moves, goes or is replaced, and not afterwards", () => {
    const { rows, store } = make("code")
    const seen: Array<string> = []
    const watched = (what: string) => seen.push(`${what} ${store.torn}`)
    const { copy } = rows
    rows.copy = (...args) => {
      watched("copy")
      copy.apply(rows, args)
    }
    store.reserve(1)
    const cursor = rows.cursor(store.chunks[0]!)
    const [value] = fc.sample(state, { numRuns: 1, seed: 1 })
    for (let n = 0; n < 3; n++) {
      store.add()
      write(store, cursor, n, value)
    }
    store.remove(0)
    watched("removed")
    store.replace(0, store.chunks[0]!, 1)
    watched("replaced")
    expect(seen).toEqual(["copy true", "removed false", "copy true", "replaced false"])
  })

  it.each(["code", "closures"] as const)("is a Map of objects, in columns, by %s", (by) => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const { parts, rows, store } = make(by)
        store.reserve(1)
        const cursor = rows.cursor(store.chunks[0]!)
        const alive = new Map<string, { readonly slot: number; readonly version: number; state: any }>()
        const dead: Array<{ readonly slot: number; readonly version: number }> = []
        const add = (state: any) => {
          const slot = store.add()
          write(store, cursor, store.count - 1, state)
          const version = store.slots.version(slot)
          expect(alive.has(`${slot}.${version}`)).toBe(false)
          alive.set(`${slot}.${version}`, { slot, version, state })
        }
        const choose = (which: number) => Array.from(alive.values())[which % alive.size]
        for (const command of commands) {
          if (command.do === "add") add(command.state)
          else if (command.do === "many") { for (let n = 0; n < command.count; n++) add(command.state) }
          else {
            const one = choose(command.which)
            if (one === undefined) continue
            const row = store.row(one.slot, one.version)
            if (command.do === "remove") {
              store.remove(row)
              alive.delete(`${one.slot}.${one.version}`)
              dead.push(one)
            } else {
              write(store, cursor, row, command.state)
              one.state = command.state
            }
          }
        }
        const check = (store: SwarmStore) => {
          expect(store.count).toBe(alive.size)
          const seen = new Set<number>()
          for (const { slot, state, version } of alive.values()) {
            const row = store.row(slot, version)
            expect(row).toBeGreaterThanOrEqual(0)
            expect(row).toBeLessThan(alive.size)
            seen.add(row)
            expect(read(store, cursor, row)).toEqual(state)
          }
          expect(seen.size).toBe(alive.size)
          for (const { slot, version } of dead) expect(store.row(slot, version)).toBe(-1)
        }
        check(store)
        // All of it is in the memory: another store over the same bytes is the same.
        const again = new SwarmStore(rows, parts[0]![1], birth, () => {
          throw new Error("nothing is allocated")
        })
        for (const [use, stretch] of parts) again.attach(use, stretch)
        check(again)
      }),
      { numRuns: 60 }
    )
  })

  it("retires a slot whose last version was used, so that no identity means a stranger", () => {
    const { store } = make("code")
    const seen = new Set<string>()
    for (let n = 0; n < 1000; n++) {
      const slot = store.add()
      const identity = `${slot}.${store.slots.version(slot)}`
      expect(seen.has(identity)).toBe(false)
      seen.add(identity)
      store.remove(0)
    }
    expect(store.retired).toBe(3)
    expect(store.born).toBe(1000)
    expect(store.ended).toBe(1000)
  })

  it("ten million that come and go take no more than the slots whose versions are used up", () => {
    const { parts, store } = make("code")
    const bytes = () => parts.reduce((sum, [, { byteLength }]) => sum + byteLength, 0)
    for (let n = 0; n < 1000; n++) store.add()
    const before = bytes()
    for (let n = 0; n < 10_000_000; n++) {
      if (n % 2000 < 1000) store.add()
      else store.remove((n * 7919) % store.count)
    }
    expect(store.count).toBe(1000)
    expect(store.born + store.ended).toBe(10_001_000)
    // A slot is good for 255.
    expect(store.retired).toBeLessThan(10_000_000 / 2 / 255 + 2000)
    expect(bytes() - before).toBeLessThan(250_000)
  })

  it("takes no more memory for instances that come and go", () => {
    const { parts, rows, store } = make("code")
    store.reserve(64)
    const cursor = rows.cursor(store.chunks[0]!)
    const cycle = (n: number) => {
      for (let i = 0; i < 100; i++) {
        store.add()
        write(store, cursor, store.count - 1, {
          speed: n,
          ["__proto__"]: 1,
          on: true,
          side: "left",
          at: { x: 1, y: 2 },
          plate: "x".repeat((n * 31 + i * 7) % 100),
          note: "y".repeat(i)
        })
      }
      while (store.count > 10) store.remove((n * 7) % store.count)
    }
    for (let n = 0; n < 50; n++) cycle(n)
    const before = parts.length
    for (let n = 0; n < 300; n++) cycle(n)
    expect(parts.length - before).toBeLessThanOrEqual(1)
  })
})

describe("columns", () => {
  it.each(["code", "closures"] as const)("give a row back as it was, by %s", (by) => {
    fc.assert(
      fc.property(state, state, fc.nat(), (before, after, mask) => {
        const { rows, store } = make(by)
        store.add()
        const cursor = rows.cursor(store.chunks[0]!)
        write(store, cursor, 0, before)
        const bytes = () => store.chunks[0]!.bytes.slice(rows.shape.columns[0]!.at)
        const old = bytes()
        cursor.d0 = 0
        cursor.d1 = 0
        const { view } = cursor
        fields.forEach(({ name }, i) => {
          if ((mask >> i & 1) === 0) return
          // Twice: the first value is what counts.
          view[name] = after[name]
          view[name] = after[name]
          if (name === "at") view.at.x = 17
        })
        cursor.rollback()
        expect(cursor.read()).toEqual(before)
        expect(bytes()).toEqual(old)
      }),
      { numRuns: 200 }
    )
  })

  it.each(["code", "closures"] as const)(
    "refuse what a field cannot hold, and keep what it had, by %s",
    (by) => {
      const { rows, store } = make(by)
      store.add()
      const cursor = rows.cursor(store.chunks[0]!)
      cursor.enter(store.chunks[0]!)
      const { view } = cursor
      view.side = "right"
      expect(() => {
        view.side = "up"
      }).toThrow(RangeError)
      expect(() => {
        view.on = 1
      }).toThrow(RangeError)
      expect(() => {
        view.__proto__ = 2 ** 40
      }).toThrow(RangeError)
      expect([view.side, view.on, view.__proto__]).toEqual(["right", false, 0])
    }
  )
})

describe("heap", () => {
  it("is a Map of texts, in blocks that are used again", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 9 }), fc.option(fc.string({ maxLength: 700 }), { nil: undefined }))),
        (commands) => {
          const stretch = (byteLength: number) => ({
            buffer: new ArrayBuffer(byteLength),
            byteOffset: 0,
            byteLength
          })
          const heap = new Heap(256, stretch(256))
          const kept = new Map<number, { handle: number; text: string }>()
          for (const [place, value] of commands) {
            const old = kept.get(place)
            if (old !== undefined) {
              heap.free(old.handle)
              kept.delete(place)
            }
            if (value === undefined) continue
            let handle = heap.write(value, text)
            expect(heap.read(handle, text)).toBe(value)
            while (Heap.waits(handle)) {
              const settled = heap.settle(handle)
              if (settled === NOTHING) heap.grow(stretch(heap.nextBytes))
              else handle = settled
            }
            kept.set(place, { handle, text: value })
          }
          for (const { handle, text: value } of kept.values()) expect(heap.read(handle, text)).toBe(value)
        }
      )
    )
  })
})
