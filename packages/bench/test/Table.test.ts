import { assert, describe, it } from "@effect/vitest"
import type { Measurement } from "../src/Measurement.ts"
import * as Table from "../src/Table.ts"

const row = (name: string, unit: Measurement["unit"], value: number, baseline = false): Table.Row => ({
  baseline,
  measurement: {
    name,
    unit,
    better: "lower",
    value,
    samples: [value * 2, value, value / 2],
    params: { face: "tell", p99: 1.23456 },
    machine: { cpu: "", cores: 2, memory: 1, platform: "", node: "", v8: "", load: [] }
  }
})

describe("Table", () => {
  it("writes figures with the digits that matter, and only operations a second with a prefix", () => {
    const cases: ReadonlyArray<readonly [number, Measurement["unit"], string]> = [
      [12_345_678, "ops/s", "12.3 M"],
      [999_400, "ops/s", "999 k"],
      [1.5e9, "ops/s", "1.50 G"],
      [56_312.4, "ns", "56312"],
      [24.94, "ns", "24.9"],
      [1.049, "ratio", "1.05"],
      [0.0251, "ratio", "0.025"],
      [120, "B", "120"],
      [0, "ops/s", "0.000"]
    ]
    for (const [value, unit, text] of cases) {
      assert.strictEqual(Table.figure(value, unit), text)
    }
  })

  it("puts the baselines under what they are for, and says how they compare", () => {
    const lines = Table.render([
      row("local.tell.floor", "ops/s", 40e6, true),
      row("local.ping-pong.queue-fiber", "ns", 1000, true),
      row("local.tell.plain", "ops/s", 10e6),
      row("local.ping-pong.plain", "ns", 50),
      row("local.ping-pong.floor", "ns", 25, true)
    ]).split("\n")
    assert.deepStrictEqual(lines.map((line) => line.trim().split(/ {2,}/)[0]), [
      "scenario",
      "local.ping-pong.plain",
      "local.ping-pong.floor",
      "local.ping-pong.queue-fiber",
      "local.tell.plain",
      "local.tell.floor"
    ])
    assert.include(lines[1], "2.00x floor, 0.050x queue-fiber")
    assert.include(lines[4], "0.250x floor")
    assert.match(lines[1]!, /ns +50\.0 +25\.0 +100 .* face=tell p99=1\.235$/)
  })

  it("does not compare what has another unit", () => {
    const [, line] = Table.render([
      row("local.tell.plain", "ops/s", 1),
      row("local.tell.floor", "ns", 1, true)
    ]).split("\n")
    assert.notInclude(line, "floor")
  })
})
