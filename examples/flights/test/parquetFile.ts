/**
 * The smallest writer of Parquet that the tests need: one page for each column and row group, optional
 * values, plain encoding, no compression. The format is at https://github.com/apache/parquet-format.
 */

export interface Column {
  readonly name: string
  readonly type: "INT32" | "INT64" | "DOUBLE" | "BYTE_ARRAY"
  readonly converted?: "UTF8" | "TIMESTAMP_MILLIS" | "DATE" | "UINT_64"
  readonly values: ReadonlyArray<number | bigint | string | null>
}

const types = { INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6 }
const converted = { UTF8: 0, DATE: 6, TIMESTAMP_MILLIS: 9, UINT_64: 14 }

/** A file with the given columns, cut into row groups of so many rows. */
export const parquetFile = (columns: ReadonlyArray<Column>, groupRows = 1000): Uint8Array => {
  const rows = columns[0]!.values.length
  const out: Array<number> = [..."PAR1"].map((c) => c.charCodeAt(0))
  const groups: Array<Array<number>> = []
  for (let start = 0; start < rows; start += groupRows) {
    const groupEnd = Math.min(rows, start + groupRows)
    const chunks = columns.map((column) => {
      const offset = out.length
      out.push(...page(column, column.values.slice(start, groupEnd)))
      const metadata = struct([
        [1, i32, types[column.type]],
        [2, list(i32), [0]],
        [3, list(binary), [column.name]],
        [4, i32, 0],
        [5, i64, groupEnd - start],
        [6, i64, out.length - offset],
        [7, i64, out.length - offset],
        [9, i64, offset]
      ])
      return struct([[2, i64, offset], [3, raw, metadata]])
    })
    groups.push(struct([[1, list(raw), chunks], [2, i64, 0], [3, i64, groupEnd - start]]))
  }
  const schema = [
    struct([[4, binary, "root"], [5, i32, columns.length]]),
    ...columns.map((column) =>
      struct([
        [1, i32, types[column.type]],
        [3, i32, 1],
        [4, binary, column.name],
        ...(column.converted === undefined ? [] : [[6, i32, converted[column.converted]] as Field])
      ])
    )
  ]
  const footer = struct([[1, i32, 1], [2, list(raw), schema], [3, i64, rows], [4, list(raw), groups]])
  out.push(
    ...footer,
    ...bytes(4, (view) => view.setUint32(0, footer.length, true)),
    ..."PAR1".split("").map((c) => c.charCodeAt(0))
  )
  return Uint8Array.from(out)
}

const page = (column: Column, values: Column["values"]): Array<number> => {
  const levels = new Uint8Array(Math.ceil(values.length / 8))
  values.forEach((value, i) => {
    if (value !== null) levels[i >> 3]! |= 1 << (i & 7)
  })
  const run = [...varint((levels.length << 1) | 1), ...levels]
  const body = [
    ...bytes(4, (view) => view.setUint32(0, run.length, true)),
    ...run,
    ...values.flatMap((value) => value === null ? [] : plain(column.type, value))
  ]
  const header = struct([
    [1, i32, 0],
    [2, i32, body.length],
    [3, i32, body.length],
    [5, raw, struct([[1, i32, values.length], [2, i32, 0], [3, i32, 3], [4, i32, 3]])]
  ])
  return [...header, ...body]
}

const plain = (type: Column["type"], value: number | bigint | string): Array<number> => {
  switch (type) {
    case "INT32":
      return bytes(4, (view) => view.setInt32(0, Number(value), true))
    case "INT64":
      return bytes(8, (view) => view.setBigInt64(0, BigInt(value), true))
    case "DOUBLE":
      return bytes(8, (view) => view.setFloat64(0, Number(value), true))
    case "BYTE_ARRAY": {
      const text = new TextEncoder().encode(String(value))
      return [...bytes(4, (view) => view.setUint32(0, text.length, true)), ...text]
    }
  }
}

// Thrift's compact protocol: a type is its number and how a value is written.
interface Type<A> {
  readonly id: number
  readonly write: (value: A) => Array<number>
}

// oxlint-disable-next-line typescript/no-explicit-any -- a field's value fits its own type, which varies.
type Field = readonly [id: number, type: Type<any>, value: unknown]

const zigzag = (value: number): Array<number> => varint(value < 0 ? -value * 2 - 1 : value * 2)
const i32: Type<number> = { id: 5, write: zigzag }
const i64: Type<number> = { id: 6, write: zigzag }
const binary: Type<string> = {
  id: 8,
  write: (text) => {
    const encoded = new TextEncoder().encode(text)
    return [...varint(encoded.length), ...encoded]
  }
}
/** A struct that is written already. */
const raw: Type<Array<number>> = { id: 12, write: (bytes) => bytes }
const list = <A>(element: Type<A>): Type<ReadonlyArray<A>> => ({
  id: 9,
  write: (values) => [
    ...(values.length < 15
      ? [values.length << 4 | element.id]
      : [0xF0 | element.id, ...varint(values.length)]),
    ...values.flatMap((value) => element.write(value))
  ]
})

const struct = (fields: ReadonlyArray<Field>): Array<number> => {
  let last = 0
  const out: Array<number> = []
  for (const [id, type, value] of fields) {
    out.push((id - last) << 4 | type.id, ...type.write(value))
    last = id
  }
  return [...out, 0]
}

const varint = (value: number): Array<number> => {
  const out: Array<number> = []
  for (let rest = value;; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest]
    out.push(rest % 128 | 128)
  }
}

const bytes = (length: number, write: (view: DataView) => void): Array<number> => {
  const buffer = new ArrayBuffer(length)
  write(new DataView(buffer))
  return [...new Uint8Array(buffer)]
}
