import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import type { Figures, Outcome } from "../Figures.ts"
import * as Source from "../Source.ts"
import * as Verify from "../verify.ts"
import { file } from "./files.ts"

type Flight = readonly [origin: string, destination: string, delay: number]

const direct = (flights: ReadonlyArray<Flight>) =>
  Effect.scoped(Effect.gen(function*() {
    const lines = flights.map(([origin, destination, delay]) =>
      `2001-01-01,${delay},1,${origin},${destination}`
    )
    const plan = yield* Source.inspect(
      yield* file(["date,delay,distance,origin,destination", ...lines].join("\n"))
    )
    let rows = 0
    const figures = yield* Verify.direct(plan, (more) => rows += more)
    assert.strictEqual(rows, flights.length)
    return figures
  }))

/** The definitions, word for word, with no regard for time. */
const naive = (flights: ReadonlyArray<Flight>): ReadonlyArray<Figures> =>
  [...new Set(flights.flatMap(([origin, destination]) => [origin, destination]))].sort().map((code) => {
    const departed = flights.filter(([origin]) => origin === code)
    const delays = departed.map(([, , delay]) => delay)
    const n = delays.length
    const frequency = (to: string) => departed.filter(([, destination]) => destination === to).length
    const destinations = departed.map(([, destination]) => destination)
    const most = Math.max(...destinations.map(frequency))
    // The smallest delay that at least 95 of 100 are not greater than.
    const reaches = (delay: number) => 100 * delays.filter((other) => other <= delay).length >= 95 * n
    return {
      code,
      departures: n,
      arrivals: flights.filter(([, destination]) => destination === code).length,
      meanDelay: n === 0 ? null : delays.reduce((a, b) => a + b, 0) / n,
      p95Delay: n === 0 ? null : Math.min(...delays.filter(reaches)),
      topDestination: destinations.filter((to) => frequency(to) === most).sort()[0] ?? null
    }
  })

describe("verify", () => {
  describe("direct", () => {
    it.effect("gives the figures of each airport", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(
          yield* direct([["A", "B", 10], ["A", "C", -5], ["B", "A", 0], ["A", "C", 4]]),
          [
            { code: "A", departures: 3, arrivals: 1, meanDelay: 3, p95Delay: 10, topDestination: "C" },
            { code: "B", departures: 1, arrivals: 1, meanDelay: 0, p95Delay: 0, topDestination: "A" },
            { code: "C", departures: 0, arrivals: 2, meanDelay: null, p95Delay: null, topDestination: null }
          ]
        )
      }))

    it.effect("takes the smaller code of destinations that are equally frequent", () =>
      Effect.gen(function*() {
        const [a] = yield* direct([["A", "Z", 1], ["A", "M", 1], ["A", "Z", 1], ["A", "M", 1], ["A", "B", 1]])
        assert.strictEqual(a?.topDestination, "M")
      }))

    it.effect("takes the 95th percentile by nearest rank", () =>
      Effect.gen(function*() {
        for (
          const [n, place] of [[1, 1], [19, 19], [20, 19], [21, 20], [40, 38], [100, 95], [101, 96]] as const
        ) {
          const flights = Array.from({ length: n }, (_, i): Flight => ["A", "B", n - i])
          assert.strictEqual((yield* direct(flights))[0]?.p95Delay, place, `of ${n}`)
        }
      }))

    it.effect("gives what the definitions say", () => {
      const code = fc.constantFrom("A", "B", "C", "a", "É")
      const flights = fc.array(fc.tuple(code, code, fc.integer({ min: -30, max: 30 })), { maxLength: 150 })
      return Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(flights, (flights) =>
            Effect.runPromise(Effect.map(direct(flights), (figures) =>
              assert.deepStrictEqual(figures, naive(flights))))),
          { numRuns: 100 }
        )
      )
    })
  })

  const a: Figures = {
    code: "A",
    departures: 3,
    arrivals: 1,
    meanDelay: 3,
    p95Delay: 10,
    topDestination: "C"
  }
  const c: Figures = {
    code: "C",
    departures: 0,
    arrivals: 2,
    meanDelay: null,
    p95Delay: null,
    topDestination: null
  }

  describe("differences", () => {
    it("finds none between equal figures in any order", () => {
      assert.deepStrictEqual(Verify.differences([a, c], [c, a]), [])
    })

    it("names the airport and the figure", () => {
      const changes: ReadonlyArray<readonly [Partial<Figures>, string]> = [
        [{ departures: 4 }, "A differs in departures: 4 by the actors, 3 by the direct loop"],
        [{ arrivals: 0 }, "A differs in arrivals: 0 by the actors, 1 by the direct loop"],
        [
          { meanDelay: 3.0000000000000004 },
          "A differs in meanDelay: 3.0000000000000004 by the actors, 3 by the direct loop"
        ],
        [{ p95Delay: null }, "A differs in p95Delay: null by the actors, 10 by the direct loop"],
        [{ topDestination: "B" }, "A differs in topDestination: B by the actors, C by the direct loop"]
      ]
      for (const [change, message] of changes) {
        assert.deepStrictEqual(Verify.differences([{ ...a, ...change }, c], [a, c]), [message])
      }
    })

    it("names airports that only one side knows, or that come twice", () => {
      assert.deepStrictEqual(Verify.differences([a], [c]), [
        "A is known only to the actors",
        "C is known only to the direct loop"
      ])
      assert.deepStrictEqual(Verify.differences([a, a], [a]), [
        "the actors gave 2 airports, of which only 1 are different ones"
      ])
    })
  })

  describe("imbalances", () => {
    const outcome: Outcome = {
      figures: [],
      flights: 5,
      skipped: [],
      messages: { sent: 12, handled: 12, deadLetters: 0 },
      workers: [{ name: "worker 1", handled: 7 }, { name: "worker 2", handled: 5 }]
    }

    it("finds none where all that was sent was handled by somebody", () => {
      assert.deepStrictEqual(Verify.imbalances(outcome), [])
    })

    it("says what does not add up", () => {
      assert.deepStrictEqual(
        Verify.imbalances({ ...outcome, messages: { sent: 13, handled: 12, deadLetters: 0 } }),
        [
          "13 messages were sent, but 12 handled and 0 dead letters"
        ]
      )
      assert.deepStrictEqual(
        Verify.imbalances({ ...outcome, messages: { sent: 13, handled: 12, deadLetters: 1 } }),
        [
          "1 messages became dead letters"
        ]
      )
      assert.deepStrictEqual(Verify.imbalances({ ...outcome, flights: 7 }), [
        "7 flights are 14 messages, but 12 were handled"
      ])
      assert.deepStrictEqual(Verify.imbalances({ ...outcome, workers: outcome.workers.slice(1) }), [
        "12 messages were handled, but the workers handled 5"
      ])
      const idle = { name: "worker 3", handled: 0 }
      assert.deepStrictEqual(Verify.imbalances({ ...outcome, workers: [...outcome.workers, idle] }), [
        "worker 3 handled no message"
      ])
    })
  })
})
