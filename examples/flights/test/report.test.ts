import { assert, describe, it } from "@effect/vitest"
import type { Figures } from "../Figures.ts"
import * as Report from "../report.ts"

const figures = (code: string, departures: number, arrivals: number): Figures => ({
  code,
  departures,
  arrivals,
  meanDelay: departures === 0 ? null : 1.005,
  p95Delay: departures === 0 ? null : 62,
  topDestination: departures === 0 ? null : "ORD"
})

const report: Report.Report = {
  path: "flights.csv",
  outcome: {
    figures: [figures("XNA", 0, 1), figures("ATL", 124711, 124232), figures("ORD", 1, 0)],
    flights: 124712,
    skipped: [{ reason: "delay is not an integer", count: 3 }, { reason: "origin is missing", count: 1 }],
    messages: { sent: 249424, handled: 249424, deadLetters: 0 },
    workers: [{ name: "worker 1", handled: 249424 }]
  },
  names: new Map([["ATL", "William B Hartsfield-Atlanta Intl"], ["ORD", "Chicago O'Hare International"]]),
  runMillis: 250,
  peakMemory: 100 * 2 ** 20,
  check: { millis: 120, differences: [] }
}

describe("report", () => {
  describe("text", () => {
    it("is a table, and what it took", () => {
      assert.deepStrictEqual(Report.text(report).split("\n"), [
        "   code  airport                            departures  arrivals  mean delay  p95 delay  most frequent destination",
        "1  ATL   William B Hartsfield-Atlanta Intl     124,711   124,232    1.00 min     62 min  ORD  Chicago O'Hare International",
        "2  ORD   Chicago O'Hare International                1         0    1.00 min     62 min  ORD  Chicago O'Hare International",
        "3  XNA                                               0         1           -          -  -",
        "",
        "124,712 flights, 3 airports, 249,424 messages in 0.25 s: 997.7 k messages/s",
        "worker 1: 249,424 messages handled",
        "peak memory: 100 MiB",
        "3 rows skipped: delay is not an integer",
        "1 row skipped: origin is missing",
        "checked: a direct loop gives the same figures (0.12 s)"
      ])
    })

    it("shows twenty airports at most", () => {
      const many = Array.from({ length: 30 }, (_, i) => figures(`A${i}`, i, i))
      const lines = Report.text({ ...report, outcome: { ...report.outcome, figures: many } }).split("\n")
      assert.strictEqual(lines.indexOf(""), 21)
    })

    it("claims no check that was not made or not passed", () => {
      assert.notInclude(Report.text({ ...report, check: undefined }), "checked")
      assert.notInclude(Report.text({ ...report, check: { millis: 1, differences: ["A"] } }), "checked")
    })
  })

  describe("busiest", () => {
    it("orders by departures and arrivals together, ties by code", () => {
      const all = [figures("C", 1, 1), figures("B", 0, 2), figures("A", 0, 1), figures("D", 3, 0)]
      assert.deepStrictEqual(Report.busiest(all).map(({ code }) => code), ["D", "B", "C", "A"])
    })
  })

  describe("json", () => {
    it("is one document with all airports", () => {
      const document = JSON.parse(Report.json(report))
      assert.deepStrictEqual(document, {
        input: "flights.csv",
        flights: 124712,
        skipped: report.outcome.skipped,
        resumedAtRow: null,
        messages: report.outcome.messages,
        messagesPerSecond: 997696,
        workers: report.outcome.workers,
        peakMemoryBytes: 100 * 2 ** 20,
        timings: { runMillis: 250, checkMillis: 120 },
        check: { equal: true, differences: [] },
        airports: [
          { ...figures("ATL", 124711, 124232), name: "William B Hartsfield-Atlanta Intl" },
          { ...figures("ORD", 1, 0), name: "Chicago O'Hare International" },
          { ...figures("XNA", 0, 1), name: null }
        ]
      })
    })
  })
})
