/**
 * Flights from Parquet: its row groups are the source's groups, and `hyparquet` decodes them by column.
 *
 * Two things make it fast. Airports are turned into indices while their dictionary page is decoded, once
 * for each entry and not for each row. And 64-bit integers are declared to be decimals of scale zero, which
 * they are: hyparquet makes numbers of those where it would make a bigint for each row.
 */
import * as Effect from "effect/Effect"
import type { AsyncBuffer, FileMetaData, ParquetParsers, SchemaElement } from "hyparquet"
import { parquetMetadataAsync, parquetRead } from "hyparquet"
import * as Zlib from "node:zlib"
import * as Columns from "./Columns.ts"
import { type ColumnName, columnNames } from "./Flight.ts"
import type { InputError, InputFile } from "./InputFile.ts"
import type { Group } from "./Source.ts"
import { toEpochMillis } from "./Text.ts"

/** What hyparquet does not decompress by itself (it does Snappy). The output cannot exceed what the page declares. */
const compressors = {
  ZSTD: (page: Uint8Array, size: number) => Zlib.zstdDecompressSync(page, { maxOutputLength: size }),
  GZIP: (page: Uint8Array, size: number) => Zlib.gunzipSync(page, { maxOutputLength: size }),
  BROTLI: (page: Uint8Array, size: number) => Zlib.brotliDecompressSync(page, { maxOutputLength: size })
}

export const inspect = Effect.fnUntraced(function*(
  file: InputFile
): Effect.fn.Return<
  { readonly header: ReadonlyArray<string>; readonly groups: ReadonlyArray<Group> },
  InputError
> {
  const metadata = yield* readMetadata(file)
  const header = topLevel(metadata).map(({ name }) => name)
  const missing = columnNames.filter((name) => !header.includes(name))
  if (missing.length > 0) return yield* file.fail(`has no column ${missing.join(", ")}`)
  for (const element of topLevel(metadata)) {
    const wanted = expected(element)
    if (wanted !== undefined) {
      return yield* file.fail(`column ${element.name} is ${typeName(element)}, not ${wanted}`)
    }
  }
  const groups: Array<Group> = []
  let firstRow = 0
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows)
    const chunks = group.columns.flatMap((column) => column.meta_data ?? [])
    const starts = chunks.map((chunk) => Number(chunk.dictionary_page_offset ?? chunk.data_page_offset))
    const ends = chunks.map((chunk, i) => starts[i]! + Number(chunk.total_compressed_size))
    if (rows > 0) groups.push({ firstRow, rows, start: Math.min(...starts), end: Math.max(...ends) })
    firstRow += rows
  }
  return { header, groups }
})

export const open = Effect.fnUntraced(function*(
  file: InputFile
): Effect.fn.Return<(group: Group) => Effect.Effect<Columns.Columns, InputError>, InputError> {
  const original = yield* readMetadata(file)
  const metadata: FileMetaData = { ...original, schema: original.schema.map(withNumbers) }
  const codes = new Columns.Codes()
  const decoder = new TextDecoder()
  const dates: Partial<ParquetParsers> = {
    timestampFromMilliseconds: Number,
    timestampFromMicroseconds: (micros) => Math.floor(Number(micros) / 1000),
    timestampFromNanoseconds: (nanos) => Number(nanos / 1_000_000n),
    dateFromDays: (days) => days * 86_400_000,
    stringFromBytes: (bytes) => toEpochMillis(decoder.decode(bytes))
  }
  const airports: Partial<ParquetParsers> = {
    stringFromBytes: (bytes) => codes.indexOf(decoder.decode(bytes))
  }
  return (group) =>
    Effect.tryPromise({
      try: () => {
        const raw: Record<ColumnName, Array<ArrayLike<unknown>>> = {
          date: [],
          delay: [],
          distance: [],
          origin: [],
          destination: []
        }
        const read = (columns: Array<ColumnName>, parsers: Partial<ParquetParsers>) =>
          parquetRead({
            file: buffer(file),
            metadata,
            columns,
            rowStart: group.firstRow,
            rowEnd: group.firstRow + group.rows,
            compressors,
            parsers,
            onChunk: (chunk) => raw[chunk.columnName as ColumnName].push(chunk.columnData)
          })
        // Parsers hold for a whole read, and text means one thing for dates and another for airports.
        return Promise.all([
          read(["date"], dates),
          read(["delay", "distance"], {}),
          read(["origin", "destination"], airports)
        ]).then(() =>
          Columns.decode({ ...raw, rows: Math.min(group.rows, length(raw.delay)) }, group.firstRow, codes.all)
        )
      },
      catch: unreadable(file)
    })
})

const length = (pages: Columns.Pages): number => pages.reduce((rows, page) => rows + page.length, 0)

const buffer = (file: InputFile): AsyncBuffer => ({
  byteLength: file.size,
  slice: (start, end = file.size) => file.readPromise(start, end).then((bytes) => bytes.buffer)
})

const readMetadata = (file: InputFile) =>
  Effect.tryPromise({ try: () => parquetMetadataAsync(buffer(file)), catch: unreadable(file) })

const unreadable = (file: InputFile) => (error: unknown) =>
  file.fail(
    `is a damaged or unsupported Parquet file (${error instanceof Error ? error.message : String(error)})`
  )

/** The elements of the columns that are not parts of others, without the root. */
const topLevel = (metadata: FileMetaData): ReadonlyArray<SchemaElement> => {
  const columns: Array<SchemaElement> = []
  let inside = 0
  for (const element of metadata.schema.slice(1)) {
    if (inside === 0) columns.push(element)
    else inside--
    inside += element.num_children ?? 0
  }
  return columns
}

/** What a column should have been, if it is not. */
const expected = (element: SchemaElement): string | undefined => {
  const flat = element.num_children === undefined && element.repetition_type !== "REPEATED"
  const { type } = element
  const isText = flat && type === "BYTE_ARRAY"
  const isTime = element.logical_type?.type === "TIMESTAMP" || element.logical_type?.type === "DATE" ||
    /^(DATE|TIMESTAMP_MILLIS|TIMESTAMP_MICROS)$/.test(element.converted_type ?? "") || type === "INT96"
  switch (element.name) {
    case "date":
      return isText || flat && isTime ? undefined : "a date"
    case "delay":
    case "distance":
      return flat && !isTime && /^(INT32|INT64|FLOAT|DOUBLE)$/.test(type ?? "") ? undefined : "a number"
    case "origin":
    case "destination":
      return isText ? undefined : "text"
    default:
      return undefined
  }
}

const typeName = (element: SchemaElement): string =>
  element.logical_type?.type ?? element.converted_type ?? element.type ?? "a group"

const withNumbers = (element: SchemaElement): SchemaElement =>
  element.type === "INT64" && (element.name === "delay" || element.name === "distance") &&
    element.converted_type === undefined && element.logical_type === undefined
    ? { ...element, converted_type: "DECIMAL", scale: 0 }
    : element
