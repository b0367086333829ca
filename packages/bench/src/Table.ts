/** Renders outcomes for a terminal: what was measured and, under it, the baselines to compare it with. */
import type { Measurement } from "./Measurement.ts"
import type { Unit } from "./Scenario.ts"
import * as Statistics from "./Statistics.ts"

export interface Row {
  readonly measurement: Measurement
  readonly baseline: boolean
}

/** `local.tell.queue-fiber.take-all` is of the family `local.tell`: scenarios that do the same thing in different ways. */
const family = (name: string): string => name.split(".").slice(0, 2).join(".")

const prefixes: ReadonlyArray<readonly [number, string]> = [[1e9, " G"], [1e6, " M"], [1e3, " k"]]

/** Three or more digits that matter: `12.3 M` operations a second, but `56312` nanoseconds, `0.025`. */
export const figure = (value: number, unit: Unit): string => {
  const [divisor, prefix] = (unit === "ops/s" && prefixes.find(([from]) => Math.abs(value) >= from)) ||
    [1, ""]
  const scaled = value / divisor
  const magnitude = Math.abs(scaled)
  const digits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3
  return scaled.toFixed(digits) + prefix
}

/** `36.1 M ops/s (33.0 M .. 37.9 M)`. */
export const summary = ({ samples, unit, value }: Measurement): string =>
  `${figure(value, unit)} ${unit} (${figure(Statistics.min(samples), unit)} .. ${
    figure(Statistics.max(samples), unit)
  })`

/**
 * One line a scenario, families together in the order of their names, in each
 * family the baselines last and marked. `of baseline` is the value in times
 * the baseline's: for nanoseconds and bytes less is better, for operations a
 * second more.
 */
export const render = (rows: ReadonlyArray<Row>): string => {
  const ordered = rows.toSorted((a, b) =>
    compare(family(a.measurement.name), family(b.measurement.name)) ||
    Number(a.baseline) - Number(b.baseline) ||
    compare(a.measurement.name, b.measurement.name)
  )
  const lines = ordered.map((row) => [
    row.baseline ? `  ${row.measurement.name}` : row.measurement.name,
    row.measurement.unit,
    figure(row.measurement.value, row.measurement.unit),
    figure(Statistics.min(row.measurement.samples), row.measurement.unit),
    figure(Statistics.max(row.measurement.samples), row.measurement.unit),
    row.baseline
      ? ""
      : ordered.filter((other) => isBaselineOf(other, row)).map((other) => against(row, other)).join(", "),
    Object.entries(row.measurement.params).map(([key, value]) => `${key}=${plain(value)}`).join(" ")
  ])
  return align([["scenario", "unit", "median", "min", "max", "of baseline", "params"], ...lines])
}

const isBaselineOf = (other: Row, row: Row): boolean =>
  other.baseline && other.measurement.unit === row.measurement.unit &&
  family(other.measurement.name) === family(row.measurement.name)

/** `1.7x floor`. */
const against = (row: Row, baseline: Row): string => {
  const { name, value } = baseline.measurement
  return `${figure(row.measurement.value / value, "ratio")}x ${name.slice(family(name).length + 1)}`
}

const plain = (value: string | number | boolean): string =>
  typeof value === "number" ? String(+value.toFixed(3)) : String(value)

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

/** Pads every column but the last; the figures' columns to the right. */
const align = (lines: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const isFigure = (column: number) => column >= 2 && column <= 4
  return lines.map((line) =>
    line.map((cell, column) =>
      isFigure(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
    )
      .join("  ").trimEnd()
  ).join("\n")
}
