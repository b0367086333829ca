/**
 * The columns of a swarm's chunks, and what stands on their rows.
 *
 * **Contract** One thread at a time has a chunk. The fields come from internal/swarmPlan.ts, which has checked them.
 * **Invariant** A chunk has one stretch of memory; each column lies in it as one typed array, or as equal pieces for
 * fields that are records, and is never moved.
 * **Ordering** None: plain memory. The claim of the chunk publishes it.
 * **Allocation** An object for each chunk and its arrays.
 * **Evidence** test/hot/swarmStore.test.ts.
 */
import type { Coder, Heap } from "./heap.ts"
import { type AnyView, type Record, type Scalar, Window } from "./layout.ts"

/** A field of the state. */
export type Field =
  | { readonly tag: "scalar"; readonly name: string; readonly type: Scalar }
  | { readonly tag: "boolean"; readonly name: string }
  | {
    readonly tag: "choice"
    readonly name: string
    readonly type: "u8" | "u16"
    readonly values: ReadonlyArray<unknown>
  }
  /** A record of one field of this name: whatever else has a fixed size. `nested`: reading it gives a view. */
  | {
    readonly tag: "record"
    readonly name: string
    readonly record: Record
    readonly stride: number
    readonly nested: boolean
  }
  /** A value in managed memory; the column has its handle. */
  | {
    readonly tag: "managed"
    readonly name: string
    readonly coder: Coder
    /** The field may be left out. */
    readonly optional: boolean
  }

/** A field with its place in a chunk, in bytes. */
export type Column = Field & { readonly at: number }

const widths = { i8: 1, u8: 1, i16: 2, u16: 2, i32: 4, u32: 4, f32: 4, f64: 8, i64: 8, u64: 8 } as const
export const arrays = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
  i64: BigInt64Array,
  u64: BigUint64Array
} as const

/** The element type of a field's column; undefined for records. */
export const elementOf = (field: Field): Scalar | undefined => {
  switch (field.tag) {
    case "scalar":
    case "choice":
      return field.type
    case "boolean":
      return "u8"
    case "managed":
      return "u32"
    case "record":
      return undefined
  }
}

/** What a chunk of a swarm looks like. */
export interface Shape {
  /** Rows of a chunk, a power of two. */
  readonly rows: number
  readonly columns: ReadonlyArray<Column>
  /** Bytes of a chunk. */
  readonly byteLength: number
  /** Whether there are fields in managed memory. */
  readonly managed: boolean
}

/** Bytes before a chunk's slots: its own words. */
const HEAD_BYTES = 64
const align = (at: number): number => Math.ceil(at / 64) * 64

/** Places the columns of a chunk: its words, the slots of its rows, their marks, then a column for each field. */
export const shape = (fields: ReadonlyArray<Field>, rows: number): Shape => {
  let at = align(HEAD_BYTES + rows * 5)
  const columns = fields.map((field) => {
    const element = elementOf(field)
    const column = { ...field, at }
    at = align(at + rows * (element === undefined ? (field as { stride: number }).stride : widths[element]))
    return column
  })
  return { rows, columns, byteLength: at, managed: fields.some(({ tag }) => tag === "managed") }
}

/** In a row's mark: its instance has ended, and is removed when the turn is over. */
export const ENDED = 1
/** An effect of its handler is in flight. */
export const BUSY = 2
/** Its handler has failed: only essential messages are handled. */
export const FAILED = 4

/** A chunk's words: rows that have a mark. */
const MARKED = 0

/** A chunk's memory, as one thread sees it. */
export class Chunk {
  private readonly head: Int32Array
  /** The slot of each row. */
  readonly slots: Uint32Array
  /** What is special about a row: 0, or some of `ENDED`, `BUSY`, `FAILED`. */
  readonly marks: Uint8Array
  /** A typed array, or a window, for each column. */
  readonly arrays: ReadonlyArray<any>
  /** For each column of records a view of the window. */
  readonly views: Array<AnyView | undefined>
  readonly bytes: Uint8Array
  /** The managed values; grows when there is no turn. */
  heap: Heap | undefined

  constructor(
    { byteLength, columns, rows }: Shape,
    buffer: ArrayBufferLike,
    byteOffset: number,
    heap: Heap | undefined
  ) {
    this.head = new Int32Array(buffer, byteOffset, HEAD_BYTES >> 2)
    this.slots = new Uint32Array(buffer, byteOffset + HEAD_BYTES, rows)
    this.marks = new Uint8Array(buffer, byteOffset + HEAD_BYTES + rows * 4, rows)
    this.bytes = new Uint8Array(buffer, byteOffset, byteLength)
    this.arrays = columns.map((column) => {
      const element = elementOf(column)
      const from = byteOffset + column.at
      return element === undefined
        ? new Window(buffer, from, rows * (column as { stride: number }).stride)
        : new arrays[element](buffer as ArrayBuffer, from, rows)
    })
    this.views = columns.map(() => undefined)
    this.heap = heap
  }

  /** Rows that have a mark. */
  get marked(): number {
    return this.head[MARKED]!
  }

  mark(row: number, mark: number): void {
    const before = this.marks[row]!
    if (before === 0) this.head[MARKED]!++
    this.marks[row] = before | mark
  }

  unmark(row: number, mark: number): void {
    const before = this.marks[row]!
    this.marks[row] = before & ~mark
    if (before !== 0 && this.marks[row] === 0) this.head[MARKED]!--
  }
}

/**
 * An object that inherits nothing, since a field may have any name. What `Object.create(null)` makes is a table, in
 * which each reading looks its name up: that took a predicate 4.4 ns a row.
 */
const Named = function() {} as unknown as { new(): any; prototype: unknown }
Named.prototype = Object.create(null)

/** The typed arrays of a chunk by name, made once. */
export const namer = ({ columns }: Shape): (chunk: Chunk) => any => {
  const made = new WeakMap<Chunk, any>()
  return (chunk) => {
    let named = made.get(chunk)
    if (named === undefined) {
      named = new Named()
      columns.forEach(({ name, tag }, i) => {
        if (tag !== "record" && tag !== "managed") named[name] = chunk.arrays[i]
      })
      made.set(chunk, named)
    }
    return named
  }
}

/** Stands on a row of a chunk. What its view reads and writes, it reads and writes there. */
export interface Cursor {
  /** The row. */
  r: number
  /** Bits of the fields that were overwritten since the row was entered, 31 to a word. Set both when `r` is set. */
  d0: number
  d1: number
  readonly chunk: Chunk
  /** The state as an object: the schema's fields. */
  readonly view: any
  enter(chunk: Chunk): void
  /** The row as it was when it was entered. */
  rollback(): void
  /** What was overwritten is forgotten. Only where there is managed memory. */
  commit(): void
  /** The row as a plain value. */
  read(): any
  /** Sets every field. */
  write(value: any): void
}

/** Rows of one shape: made of generated code, or of closures. */
export interface Rows {
  readonly shape: Shape
  cursor(chunk: Chunk): Cursor
  /**
   * Copies the fields of one row to another. Of managed values it copies the handles within a chunk, and the values
   * from chunk to chunk: there they may wait for room.
   */
  copy(from: Chunk, row: number, to: Chunk, at: number): void
  /** The columns of a chunk by their fields' names: numbers, and booleans and literals as numbers. */
  named(chunk: Chunk): any
  /** A loop over rows for one handler: compiled for it alone where code may be generated, so that it is inlined. */
  loop(): Loop
  /** A loop that combines what a function makes of each row, the same way. */
  fold(): Fold
}

/** Combines the values of the rows `from` until before `to`, in their order. */
export type Fold = (
  cursor: Cursor,
  view: unknown,
  from: number,
  to: number,
  map: (view: any) => unknown,
  combine: (self: unknown, that: unknown) => unknown,
  initial: unknown
) => unknown

/**
 * Runs a handler on the rows from `from` until before `to`, or until it throws; the cursor stands on the row then.
 * `settle` gets every result that is not undefined. Only with managed memory does it enter each row anew: elsewhere a
 * copy of the whole chunk is cheaper than what each row would keep (1.4 ns a row of 20 bytes, against 2.6), and whoever
 * makes it sets all bits of `d0` and `d1` before.
 */
export type Loop = (
  cursor: Cursor,
  view: unknown,
  from: number,
  to: number,
  handler: (view: any, payload: any, context: any) => unknown,
  payload: unknown,
  context: { settle(result: unknown): void }
) => void

/** Most fields that a state can have. */
export const MOST_FIELDS = 62
