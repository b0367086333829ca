/**
 * What the job prints at its end: a table and some lines, or one JSON document.
 */
import type { Skipped } from "./Columns.ts"
import type { Figures, Outcome } from "./Figures.ts"

export interface Report {
  readonly path: string
  readonly outcome: Outcome
  /** The names of airports, by code. */
  readonly names: ReadonlyMap<string, string>
  /** Of the run, from the opened file to the last figure. */
  readonly runMillis: number
  /** Of the whole process, in bytes. */
  readonly peakMemory: number
  /** `undefined` if it was not asked for. */
  readonly check: { readonly millis: number; readonly differences: ReadonlyArray<string> } | undefined
}

/** How many airports the table has. */
const tableLength = 20

/** As in `3,000,000`. */
export const count = (value: number): string => value.toLocaleString("en-US")

/** As in `5.2 M rows/s`. */
export const rate = (amount: number, millis: number, unit: string): string => {
  const perSecond = amount / Math.max(millis, 1) * 1000
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(1)} M ${unit}/s`
  return perSecond >= 1e3
    ? `${(perSecond / 1e3).toFixed(1)} k ${unit}/s`
    : `${perSecond.toFixed(0)} ${unit}/s`
}

/** The airports with the most departures and arrivals first, ties by code. */
export const busiest = (figures: ReadonlyArray<Figures>): ReadonlyArray<Figures> =>
  figures.toSorted((a, b) =>
    b.departures + b.arrivals - a.departures - a.arrivals || (a.code < b.code ? -1 : 1)
  )

/** As in `3 rows skipped: delay is not an integer`. */
export const skippedLine = ({ count: rows, reason }: Skipped): string =>
  `${count(rows)} ${rows === 1 ? "row" : "rows"} skipped: ${reason}`

/** The table of the busiest airports, and what it took. */
export const text = (report: Report): string => {
  const { check, names, outcome, runMillis } = report
  const { figures, flights, messages, resumed, skipped, workers } = outcome
  return [
    ...(figures.length === 0 ? [] : [...table(busiest(figures).slice(0, tableLength), names), ""]),
    `${count(flights)} flights, ${count(figures.length)} airports, ${count(messages.handled)} messages in ` +
    `${seconds(runMillis)}: ${rate(messages.handled, runMillis, "messages")}`,
    ...workers.map(({ handled, name }) => `${name}: ${count(handled)} messages handled`),
    `peak memory: ${(report.peakMemory / 2 ** 20).toFixed(0)} MiB`,
    ...skipped.map(skippedLine),
    ...(check === undefined || check.differences.length > 0
      ? []
      : [`checked: a direct loop gives the same figures (${seconds(check.millis)})`]),
    ...(resumed === undefined
      ? []
      : [`not checked against a direct loop: ${count(resumed.row)} rows were counted by an earlier run`])
  ].join("\n")
}

/** The same, with the figures of all airports, as one document. */
export const json = (report: Report): string => {
  const { check, names, outcome, runMillis } = report
  return JSON.stringify(
    {
      input: report.path,
      flights: outcome.flights,
      skipped: outcome.skipped,
      resumedAtRow: outcome.resumed?.row ?? null,
      messages: outcome.messages,
      messagesPerSecond: Math.round(outcome.messages.handled / Math.max(runMillis, 1) * 1000),
      workers: outcome.workers,
      peakMemoryBytes: report.peakMemory,
      timings: { runMillis, checkMillis: check?.millis ?? null },
      check: check === undefined
        ? null
        : { equal: check.differences.length === 0, differences: check.differences },
      airports: busiest(outcome.figures).map((figures) => ({
        ...figures,
        name: names.get(figures.code) ?? null
      }))
    },
    undefined,
    2
  )
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(2)} s`

const orDash = <A>(value: A | null, show: (value: A) => string): string => value === null ? "-" : show(value)

interface Column {
  readonly title: string
  readonly isLeft?: true
  readonly cell: (figures: Figures, place: number) => string
}

const table = (rows: ReadonlyArray<Figures>, names: ReadonlyMap<string, string>): ReadonlyArray<string> => {
  const columns: ReadonlyArray<Column> = [
    { title: "", cell: (_, place) => String(place) },
    { title: "code", isLeft: true, cell: ({ code }) => code },
    { title: "airport", isLeft: true, cell: ({ code }) => names.get(code) ?? "" },
    { title: "departures", cell: ({ departures }) => count(departures) },
    { title: "arrivals", cell: ({ arrivals }) => count(arrivals) },
    {
      title: "mean delay",
      cell: ({ meanDelay }) => orDash(meanDelay, (minutes) => `${minutes.toFixed(2)} min`)
    },
    { title: "p95 delay", cell: ({ p95Delay }) => orDash(p95Delay, (minutes) => `${minutes} min`) },
    {
      title: "most frequent destination",
      isLeft: true,
      cell: ({ topDestination }) => orDash(topDestination, destination(names))
    }
  ]
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((figures, i) => columns.map(({ cell }) => cell(figures, i + 1)))
  ]
  const widths = columns.map((_, c) => Math.max(...cells.map((row) => row[c]!.length)))
  return cells.map((row) =>
    row.map((cell, c) => columns[c]!.isLeft ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))
      .join("  ").trimEnd()
  )
}

const destination = (names: ReadonlyMap<string, string>) => (code: string): string => {
  const name = names.get(code)
  return name === undefined ? code : `${code}  ${name}`
}
