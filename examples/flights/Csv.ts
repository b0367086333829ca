/**
 * Flights from CSV (RFC 4180: quoted fields, CRLF or LF, a byte order mark; the header in any order).
 *
 * A first pass over the bytes finds where records end, which needs only quotes and line ends, and cuts the
 * file into groups at such places. Each group can then be parsed on its own, by whoever wants it, with
 * Effect's CSV parser.
 */
import * as Effect from "effect/Effect"
import * as CsvCodec from "effect/encoding/Csv"
import * as Stream from "effect/Stream"
import * as Columns from "./Columns.ts"
import { type ColumnName, columnNames } from "./Flight.ts"
import type { InputError, InputFile } from "./InputFile.ts"
import type { Group } from "./Source.ts"
import { toEpochMillis, toInteger } from "./Text.ts"

/** The size from which a group is closed at the next end of a record, in bytes. */
const groupBytes = 8 << 20

/** How much is read at once while looking for records, and the most that a header may take, in bytes. */
const scanBytes = 1 << 20

/** How much text is parsed at once, in UTF-16 code units: so little that its records die young. */
const parseLength = 1 << 16

const LF = 0x0A
const CR = 0x0D
const QUOTE = 0x22

export const inspect = Effect.fnUntraced(function*(
  file: InputFile
): Effect.fn.Return<
  { readonly header: ReadonlyArray<string>; readonly groups: ReadonlyArray<Group> },
  InputError
> {
  const scan = new Scan()
  const first = yield* file.read(0, scanBytes)
  scan.feed(first)
  if (file.size <= scanBytes) scan.end()
  const header = scan.headerEnd === undefined || !isText(first)
    ? []
    : yield* parseHeader(first.subarray(0, scan.headerEnd))
  const missing = columnNames.filter((name) => !header.includes(name))
  if (missing.length === columnNames.length) {
    return yield* file.fail(
      `is neither Parquet nor CSV with the columns ${columnNames.join(", ")} named in its first line`
    )
  }
  if (missing.length > 0) return yield* file.fail(`has no column ${missing.join(", ")}`)
  const twice = columnNames.find((name) => header.indexOf(name) !== header.lastIndexOf(name))
  if (twice !== undefined) return yield* file.fail(`has the column ${twice} more than once`)
  for (let start = scanBytes; start < file.size; start += scanBytes) {
    scan.feed(yield* file.read(start, start + scanBytes))
    if (start + scanBytes >= file.size) scan.end()
  }
  return { header, groups: scan.groups }
})

export const open = (
  file: InputFile,
  header: ReadonlyArray<string>
): Effect.Effect<(group: Group) => Effect.Effect<Columns.Columns, InputError>> =>
  Effect.sync(() => {
    const codes = new Columns.Codes()
    const at = Object.fromEntries(columnNames.map((name) => [name, header.indexOf(name)])) as Record<
      ColumnName,
      number
    >
    return Effect.fnUntraced(function*(group: Group) {
      const date: Array<unknown> = []
      const delay: Array<unknown> = []
      const distance: Array<unknown> = []
      const origin: Array<unknown> = []
      const destination: Array<unknown> = []
      const broken = new Map<number, string>()
      // Flights come in the order of their dates, many to a minute: the last date is worth keeping.
      let lastText = ""
      let lastMillis: number | undefined
      let row = 0
      const push = (cells: ReadonlyArray<string>) => {
        if (row === group.rows) return
        if (cells.length !== header.length) {
          broken.set(row, `${cells.length} fields instead of ${header.length}`)
        }
        const text = cells[at.date] ?? ""
        if (text !== lastText) {
          lastMillis = toEpochMillis(text)
          lastText = text
        }
        date.push(lastMillis)
        delay.push(toInteger(cells[at.delay] ?? ""))
        distance.push(toInteger(cells[at.distance] ?? ""))
        origin.push(codes.indexOf(cells[at.origin] ?? ""))
        destination.push(codes.indexOf(cells[at.destination] ?? ""))
        row++
      }
      yield* parse(yield* file.read(group.start, group.end)).pipe(
        Stream.runForEachArray((records) => Effect.sync(() => records.forEach(push))),
        Effect.mapError((error) =>
          file.fail(`is not well-formed CSV near row ${group.firstRow + row + 1}: ${error.message}`)
        )
      )
      return Columns.decode(
        {
          rows: row,
          date: [date],
          delay: [delay],
          distance: [distance],
          origin: [origin],
          destination: [destination],
          broken: broken.size === 0 ? undefined : broken
        },
        group.firstRow,
        codes.all
      )
    })
  })

const parse = (bytes: Uint8Array): Stream.Stream<CsvCodec.Row, CsvCodec.CsvError> => {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
  const parts = Array.from(
    { length: Math.ceil(text.length / parseLength) },
    (_, i) => text.slice(i * parseLength, (i + 1) * parseLength)
  )
  return Stream.fromIterable(parts, { chunkSize: 1 }).pipe(
    Stream.pipeThroughChannel(CsvCodec.decodeString<never, unknown>({ ignoreEmptyLines: true }))
  )
}

/** The names in the header; none if it cannot be parsed. */
const parseHeader = (bytes: Uint8Array): Effect.Effect<ReadonlyArray<string>> =>
  parse(bytes).pipe(
    Stream.runCollect,
    Effect.map((rows) => (rows[0] ?? []).map((name) => name.trim())),
    Effect.catch(() => Effect.succeed([]))
  )

/** Text has no NUL and is UTF-8; `bytes` may end within a character. */
const isText = (bytes: Uint8Array): boolean => {
  if (bytes.includes(0)) return false
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true })
    return true
  } catch {
    return false
  }
}

/**
 * Finds the ends of records in bytes that come piece by piece. A quote switches between inside and outside
 * of a quoted field (a doubled one switches twice), and a line end outside ends the record. The line feed of
 * a CRLF then ends an empty record; empty records are not counted, here or by the parser.
 */
class Scan {
  readonly groups: Array<Group> = []
  /** Where the first record ends; `undefined` until it is found. */
  headerEnd: number | undefined
  #offset = 0
  #quoted = false
  #recordStart = 0
  #groupStart = 0
  #groupRow = 0
  #rows = 0

  feed(bytes: Uint8Array): void {
    const base = this.#offset
    let quoted = this.#quoted
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!
      if (byte === QUOTE) quoted = !quoted
      else if (!quoted && (byte === LF || byte === CR)) this.#endRecord(base + i, base + i + 1)
    }
    this.#quoted = quoted
    this.#offset = base + bytes.length
  }

  /** The file is at its end, which may lack a line end. */
  end(): void {
    this.#endRecord(this.#offset, this.#offset)
    this.#endGroup(this.#offset)
  }

  #endRecord(end: number, next: number): void {
    const isEmpty = end === this.#recordStart
    this.#recordStart = next
    if (isEmpty) return
    if (this.headerEnd === undefined) {
      this.headerEnd = next
      this.#groupStart = next
    } else {
      this.#rows++
      if (next - this.#groupStart >= groupBytes) this.#endGroup(next)
    }
  }

  #endGroup(end: number): void {
    const rows = this.#rows - this.#groupRow
    if (rows > 0) this.groups.push({ firstRow: this.#groupRow, rows, start: this.#groupStart, end })
    this.#groupStart = end
    this.#groupRow = this.#rows
  }
}
