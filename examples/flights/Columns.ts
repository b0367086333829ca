/**
 * Flights by column: what reading a part of a file gives. No object is made for a row, so that decoding
 * costs nanoseconds a row and the arrays can be walked, or handed to another thread, as they are.
 */
import * as Schema from "effect/Schema"
import * as Flight from "./Flight.ts"

/** How many rows were not flights, for one reason. */
export const Skipped = Schema.Struct({ reason: Schema.String, count: Schema.Int })

export interface Skipped extends Schema.Schema.Type<typeof Skipped> {}

export interface Columns {
  /** How many flights there are: the length of every array below. */
  readonly length: number
  /** Milliseconds since the epoch. */
  readonly date: Float64Array
  /** Minutes. */
  readonly delay: Int32Array
  /** Miles. */
  readonly distance: Int32Array
  /** Indices into `codes`. */
  readonly origin: Int32Array
  /** Indices into `codes`. */
  readonly destination: Int32Array
  /**
   * The airports met so far by this reader. It only grows while the reader is used, so whoever keeps
   * something for each airport can keep it under the same index from one group to the next.
   */
  readonly codes: ReadonlyArray<string>
  readonly skipped: ReadonlyArray<Skipped>
  /** The first row that was not a flight, counted from 1 in the file. */
  readonly firstSkipped: { readonly row: number; readonly reason: string } | undefined
}

/**
 * One column as it comes from a format's reader: values in pages, one after another. Numbers are numbers
 * (or bigints), `NaN` where there is text that is not a number; airports are indices into `codes`; what is
 * missing is `null` or `undefined`.
 */
export type Pages = ReadonlyArray<ArrayLike<unknown>>

export interface Raw extends Readonly<Record<Flight.ColumnName, Pages>> {
  readonly rows: number
  /** Rows already known to be no flights, by their position, with the reason. */
  readonly broken?: ReadonlyMap<number, string> | undefined
}

/** The codes of airports, each with a small integer of its own. */
export class Codes {
  readonly all: Array<string> = []
  readonly #index = new Map<string, number>()

  /** The index of a code; `undefined` for a blank one. */
  indexOf(code: string): number | undefined {
    const known = this.#index.get(code)
    if (known !== undefined) return known
    if (code.trim() === "") return undefined
    const index = this.all.push(code) - 1
    this.#index.set(code, index)
    return index
  }
}

/**
 * Raw columns to flights. `firstRow` is the position in the file of the first of them, counted from 0.
 */
export const decode = (raw: Raw, firstRow: number, codes: ReadonlyArray<string>): Columns => {
  const { rows } = raw
  const bad = new Bad(rows, raw.broken)
  const date = new Float64Array(rows)
  const delay = new Int32Array(rows)
  const distance = new Int32Array(rows)
  const origin = new Int32Array(rows)
  const destination = new Int32Array(rows)
  fillDates(raw.date, date, bad)
  fillIntegers(raw.delay, delay, -Infinity, bad)
  fillIntegers(raw.distance, distance, 0, bad)
  fillIntegers(raw.origin, origin, 0, bad)
  fillIntegers(raw.destination, destination, 0, bad)
  const columns = { date, delay, distance, origin, destination, codes }
  if (bad.marks === undefined) return { ...columns, length: rows, skipped: [], firstSkipped: undefined }

  const counts = new Map<string, number>()
  let firstSkipped: Columns["firstSkipped"]
  let length = 0
  for (let row = 0; row < rows; row++) {
    if (bad.marks[row] === 0) {
      date[length] = date[row]!
      delay[length] = delay[row]!
      distance[length] = distance[row]!
      origin[length] = origin[row]!
      destination[length] = destination[row]!
      length++
      continue
    }
    const reason = raw.broken?.get(row) ?? Flight.reason({
      date: numberAt(raw.date, row),
      delay: numberAt(raw.delay, row),
      distance: numberAt(raw.distance, row),
      origin: codes[numberAt(raw.origin, row) ?? -1],
      destination: codes[numberAt(raw.destination, row) ?? -1]
    }) ?? "not a flight"
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
    firstSkipped ??= { row: firstRow + row + 1, reason }
  }
  return {
    length,
    date: date.subarray(0, length),
    delay: delay.subarray(0, length),
    distance: distance.subarray(0, length),
    origin: origin.subarray(0, length),
    destination: destination.subarray(0, length),
    codes,
    skipped: toSkipped(counts),
    firstSkipped
  }
}

/** Adds up what was skipped in several parts: the most frequent reason first, ties by reason. */
export const mergeSkipped = (parts: Iterable<ReadonlyArray<Skipped>>): ReadonlyArray<Skipped> => {
  const counts = new Map<string, number>()
  for (const part of parts) {
    for (const { count, reason } of part) counts.set(reason, (counts.get(reason) ?? 0) + count)
  }
  return toSkipped(counts)
}

const toSkipped = (counts: ReadonlyMap<string, number>): ReadonlyArray<Skipped> =>
  Array.from(counts, ([reason, count]) => ({ reason, count }))
    .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1))

/** Marks of the rows that are no flights; nothing is allocated while all of them are. */
class Bad {
  readonly rows: number
  marks: Uint8Array | undefined

  constructor(rows: number, broken: ReadonlyMap<number, string> | undefined) {
    this.rows = rows
    if (broken !== undefined) { for (const row of broken.keys()) this.mark(row) }
  }

  mark(row: number): void {
    this.marks ??= new Uint8Array(this.rows)
    this.marks[row] = 1
  }
}

/** Integers from `minimum` on that fit 32 bits; `value | 0` is the value itself for no other. */
const fillIntegers = (pages: Pages, into: Int32Array, minimum: number, bad: Bad): void => {
  let row = 0
  for (const page of pages) {
    for (let i = 0; i < page.length && row < into.length; i++, row++) {
      const value = toNumber(page[i])
      if (typeof value === "number" && (value | 0) === value && value >= minimum) into[row] = value
      else bad.mark(row)
    }
  }
  while (row < into.length) bad.mark(row++)
}

const fillDates = (pages: Pages, into: Float64Array, bad: Bad): void => {
  let row = 0
  for (const page of pages) {
    for (let i = 0; i < page.length && row < into.length; i++, row++) {
      const value = toNumber(page[i])
      if (Number.isSafeInteger(value) && Math.abs(value as number) <= Flight.maxEpochMillis) {
        into[row] = value as number
      } else {
        bad.mark(row)
      }
    }
  }
  while (row < into.length) bad.mark(row++)
}

const toNumber = (value: unknown): unknown => typeof value === "bigint" ? Number(value) : value

const numberAt = (pages: Pages, row: number): number | undefined => {
  let at = row
  for (const page of pages) {
    if (at < page.length) {
      const value = toNumber(page[at])
      return typeof value === "number" ? value : undefined
    }
    at -= page.length
  }
  return undefined
}
