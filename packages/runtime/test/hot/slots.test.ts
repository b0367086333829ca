import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { PlainGauge, SharedGauge, takeWaiting } from "../../src/internal/hot/gauge.ts"
import { Reservations, reservationsBytes } from "../../src/internal/hot/reservations.ts"
import { Slots, slotsBytes } from "../../src/internal/hot/slots.ts"
import { Mailbox, Waiter } from "../../src/internal/mailbox.ts"
import type { Target } from "../../src/internal/ref.ts"

const threads = 3

const table = (count: number) => {
  const memory = new SharedArrayBuffer(slotsBytes(count, threads))
  return Array.from({ length: threads }, (_, thread) => new Slots(memory, count, 7, thread))
}

/** That of a table of two slots for keys. */
const ledger = () => {
  const slots = 2 * (threads + 1)
  return new Reservations(new SharedArrayBuffer(reservationsBytes(slots, threads)), 0, slots, threads)
}

describe("Slots", () => {
  it("every thread finds the same slot for a key, and no two keys have one", () => {
    const slots = table(1024)
    const found = new Set<number>()
    for (let n = 0; n < 700; n++) {
      const slot = slots[n % threads]!.claim("Actor", `key-${n}`)
      expect(slot).toBeGreaterThanOrEqual(0)
      found.add(slot)
      for (const other of slots) expect(other.claim("Actor", `key-${n}`)).toBe(slot)
    }
    expect(found.size).toBe(700)
  })

  it("tells actors' names and keys apart, however they are divided", () => {
    const [slots] = table(64)
    const claimed = [
      slots!.claim("a", "bc"),
      slots!.claim("ab", "c"),
      slots!.claim("abc", ""),
      slots!.claim("", "abc")
    ]
    expect(new Set(claimed).size).toBe(4)
  })

  it("a full table gives no slot, and still finds those that have one", () => {
    const [slots, other] = table(8)
    const claimed = Array.from({ length: 8 }, (_, n) => slots!.claim("Actor", String(n)))
    expect(new Set(claimed).size).toBe(8)
    expect(other!.claim("Actor", "one more")).toBe(-1)
    expect(claimed).toEqual(claimed.map((_, n) => other!.claim("Actor", String(n))))
  })

  it("the places of spawned actors are each thread's own, and used again", () => {
    const slots = table(2)
    const all = new Set<number>()
    slots.forEach((own, thread) => {
      const places = [own.open(), own.open()]
      expect(own.open()).toBe(-1)
      for (const place of places) all.add(own.spawned(thread, place))
      own.close(places[0]!)
      expect(own.open()).toBe(places[0])
    })
    expect(all.size).toBe(2 * threads)
    // None of them is a key's.
    expect(Math.min(...all)).toBe(2)
  })

  it("a gauge of an earlier generation is closed", () => {
    const [own, other] = table(2)
    const place = own!.open()
    const slot = own!.spawned(0, place)
    own!.assign(place, -1)
    const gauge = new SharedGauge(other!.words, ledger(), slot, -1, 1)
    expect(gauge.closed).toBe(false)
    own!.close(place)
    expect(gauge.closed).toBe(true)
    own!.assign(own!.open(), -2)
    expect(gauge.closed).toBe(true)
    expect(new SharedGauge(other!.words, ledger(), slot, -2, 1).closed).toBe(false)
  })
})

describe("Gauge", () => {
  it("both kinds count as a naive one does", () => {
    const commands = fc.array(fc.oneof(fc.constant("release"), fc.integer({ min: 1, max: 5 })), {
      maxLength: 100
    })
    fc.assert(fc.property(commands, (all) => {
      const [slots] = table(2)
      const gauges = [new PlainGauge(), new SharedGauge(slots!.words, ledger(), 1, 0, 0)]
      let held = 0
      let high = 0
      for (const command of all) {
        if (command === "release") {
          if (held === 0) continue
          held--
          for (const gauge of gauges) gauge.release()
        } else {
          const fits = held < (command as number)
          if (fits) held++
          high = Math.max(high, held)
          for (const gauge of gauges) expect(gauge.reserve(command as number)).toBe(fits)
        }
        for (const gauge of gauges) expect([gauge.held, gauge.high]).toEqual([held, high])
      }
    }))
  })

  it("what a thread sent and what of that came are counted with the places", () => {
    const [slots] = table(2)
    const counted = ledger()
    const gauge = new SharedGauge(slots!.words, counted, 1, 0, 1)
    /** The places of thread 1 that nobody would give back if it had ended. */
    const open = (): number => {
      let all = 0
      counted.mark(1)
      counted.settle(1, (slot) => slot !== 1, (_, places) => (all += places))
      expect(all).toBe(0)
      const { words } = counted
      return words[counted.sent(1, 1)]! - words[counted.came(1, 1)]!
    }
    const before = new PlainGauge()
    for (let n = 0; n < 3; n++) before.reserve(5)
    gauge.adopt(before)
    expect([gauge.held, open()]).toEqual([3, 3])
    expect(gauge.reserve(3)).toBe(false)
    expect(gauge.reserve(4)).toBe(true)
    expect([gauge.held, open()]).toEqual([4, 4])
    gauge.cancel()
    expect([gauge.held, open()]).toEqual([3, 3])
    gauge.returned()
    expect([gauge.held, open()]).toEqual([2, 2])
    gauge.passed(true)
    expect([gauge.held, open()]).toEqual([2, 2])
    gauge.passed(false)
    expect([gauge.held, open()]).toEqual([2, 3])
    gauge.release()
    expect([gauge.held, open()]).toEqual([1, 3])
  })

  it("who waits is told once", () => {
    const [slots] = table(2)
    const gauges = [0, 1, 2].map((thread) => new SharedGauge(slots!.words, ledger(), 1, 0, thread))
    expect(gauges[0]!.awaited).toBe(false)
    gauges[0]!.announce()
    gauges[2]!.announce()
    gauges[2]!.announce()
    expect(gauges[1]!.awaited).toBe(true)
    expect(takeWaiting(slots!.words, 1)).toBe(0b101)
    expect(takeWaiting(slots!.words, 1)).toBe(0)
  })

  it("a place that is given back before the one who waits is announced is not overlooked", () => {
    const [slots] = table(2)
    const gauge = new SharedGauge(slots!.words, ledger(), 1, 0, 0)
    const { announce } = gauge
    // Another thread, at the worst moment: it has given its place back, and sees nobody who waits.
    let early = true
    gauge.announce = () => {
      if (early) {
        early = false
        gauge.release()
        expect(gauge.awaited).toBe(false)
      }
      announce.call(gauge)
    }
    const rooms = { wait: () => {}, leave: () => {}, wake: () => {} }
    const mailbox = new Mailbox({ capacity: 1, overflow: "suspend" }, { gauge, slot: 1, rooms })
    expect(mailbox.reserve()).toBeUndefined()
    expect(mailbox.reserve()).toBe(mailbox)
    const target = { deliver: () => mailbox.reserve(), system: { soon: (resume: () => void) => resume() } }
    let resumed = false
    mailbox.wait(new Waiter(target as unknown as Target, "tag", undefined, undefined, () => (resumed = true)))
    expect(resumed).toBe(true)
    expect(mailbox.depth).toEqual({ now: 1, high: 1 })
  })
})
