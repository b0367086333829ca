/**
 * Rows of columns as objects: one view for many rows, whose fields read and write the columns.
 *
 * **Contract** One thread a cursor. The columns come from internal/swarmPlan.ts, which has checked them.
 * **Invariant** A chunk has one stretch of memory; each column lies in it as one typed array, or as equal pieces for
 * fields that are records, and is never moved. What a handler has overwritten of a row is kept in the cursor until the
 * next row, so that `rollback` gives the row back as it was. Names of a schema are data: generated code gets them as
 * elements of an array and never contains them.
 * **Ordering** None: plain memory. The claim of the chunk publishes it.
 * **Allocation** A cursor, its view and what it keeps once; none to move it, to read or to write, but for bigints,
 * nested views (once a chunk) and values of managed memory.
 * **Evidence** test/hot/columns.test.ts: generated and interpreted rows against each other and against plain objects;
 * `swarm.broadcast`.
 */
import { type Coder, type Heap, NOTHING } from "./heap.ts"
import {
  type AnyView,
  compile as compileView,
  fits,
  mayGenerate,
  misfit,
  pick,
  READ,
  type Record,
  type Scalar,
  type ViewClass,
  Window,
  WRITE
} from "./layout.ts"

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
const arrays = {
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
const elementOf = (field: Field): Scalar | undefined => {
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

/** The typed arrays of a chunk by name, made once. */
const namer = ({ columns }: Shape): (chunk: Chunk) => any => {
  const made = new WeakMap<Chunk, any>()
  return (chunk) => {
    let named = made.get(chunk)
    if (named === undefined) {
      named = Object.create(null)
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

const at = (i: number): readonly ["d0" | "d1", number] => i < 31 ? ["d0", 1 << i] : ["d1", 1 << (i - 31)]

const save = (kept: Uint8Array, from: Uint8Array, at: number): void => {
  for (let i = 0; i < kept.length; i++) kept[i] = from[at + i]!
}

const copyBytes = (from: Uint8Array, at: number, to: Uint8Array, there: number, length: number): void => {
  for (let i = 0; i < length; i++) to[there + i] = from[at + i]!
}

/** The view of a record column of a chunk. */
const viewOf = (chunk: Chunk, column: number, View: ViewClass): any =>
  chunk.views[column] ??= new View(chunk.arrays[column])

/** Copies a managed value into the memory of another chunk; within a chunk it stays where it is. */
const copyManaged = (from: Chunk, handle: number, to: Chunk): number =>
  handle === NOTHING || from === to ? handle : to.heap!.put(from.heap!.bytes(handle))

const define = (value: object, name: string, field: unknown): void => {
  // Defined, not assigned: a field may be called __proto__.
  Object.defineProperty(value, name, { value: field, configurable: true, enumerable: true, writable: true })
}

const views = ({ columns }: Shape): ReadonlyArray<ViewClass | undefined> =>
  columns.map((column) => column.tag === "record" ? compileView(column.record) : undefined)

/** What a field keeps of the row that the cursor stands on. */
const keeper = (column: Column): any => {
  const element = elementOf(column)
  return element === undefined
    ? new Uint8Array((column as { stride: number }).stride)
    : new arrays[element](1)
}

/** Rows by generated code. Only indices and sizes are printed; names, tables and codecs are passed in. */
const generate = (shape: Shape): Rows => {
  const { columns } = shape
  const names = columns.map(({ name }) => name)
  const tables = columns.map((column) => column.tag === "choice" ? column.values : undefined)
  const coders = columns.map((column) => column.tag === "managed" ? column.coder : undefined)
  const kept = (i: number, then: string): string => {
    const [word, bit] = at(i)
    return `if ((t.${word} & ${bit}) === 0) { t.${word} |= ${bit}; ${then} }`
  }
  const parts = columns.map((column, i) => {
    const place = `t.a${i}[t.r]`
    const set = (fit: string, value: string) =>
      `if (${fit}) { ${kept(i, `t.u${i}[0] = ${place};`)} ${place} = ${value}; } else misfit(v, n[${i}]);`
    switch (column.tag) {
      case "scalar":
        return { get: `return ${place}`, set: set(fits[column.type][0], "v") }
      case "boolean":
        return { get: `return ${place} !== 0`, set: set("v === true || v === false", "v ? 1 : 0") }
      case "choice":
        return {
          get: `return pick(c[${i}], ${place}, n[${i}])`,
          set: `const k = c[${i}].indexOf(v); ${set("k >= 0", "k")}`
        }
      case "record": {
        const open =
          `const w = t.a${i}; w.o = t.r * ${column.stride}; const s = viewOf(t.chunk, ${i}, V[${i}]);`
        const keep = kept(i, `save(t.u${i}, w.u8, w.o);`)
        return {
          get: `${open} ${column.nested ? keep : ""} return s[n[${i}]]`,
          set: `${open} ${keep} s[n[${i}]] = v;`
        }
      }
      case "managed":
        return {
          get: `const h = ${place}; return h === ${NOTHING} ? undefined : t.chunk.heap.read(h, m[${i}])`,
          set: `const p = t.chunk.heap, h = ${
            column.optional ? `v === undefined ? ${NOTHING} : ` : ""
          }p.write(v, m[${i}]), b = ${place};
            ${kept(i, `t.u${i}[0] = b; ${place} = h; return;`)} p.free(b); ${place} = h;`
        }
    }
  })
  const bits = (i: number): string => {
    const [word, bit] = at(i)
    return `(t.${word} & ${bit}) !== 0`
  }
  const rollback = columns.map((column, i) => {
    const place = `t.a${i}[t.r]`
    switch (column.tag) {
      case "record":
        return `if (${bits(i)}) copyBytes(t.u${i}, 0, t.a${i}.u8, t.r * ${column.stride}, ${column.stride});`
      case "managed":
        return `if (${bits(i)}) { t.chunk.heap.free(${place}); ${place} = t.u${i}[0]; }`
      default:
        return `if (${bits(i)}) ${place} = t.u${i}[0];`
    }
  })
  const commit = columns.map((column, i) =>
    column.tag === "managed" ? `if (${bits(i)}) t.chunk.heap.free(t.u${i}[0]);` : ""
  )
  const read = columns.map((column, i) => {
    if (column.tag === "record") {
      return `const w${i} = t.a${i}; w${i}.o = t.r * ${column.stride};` +
        ` const s${i} = viewOf(t.chunk, ${i}, V[${i}])[READ](); if (n[${i}] in s${i}) define(x, n[${i}], s${i}[n[${i}]]);`
    }
    const get = parts[i]!.get.replace("return ", "")
    if (column.tag === "managed") {
      const value = `{ const h = t.a${i}[t.r]; ${
        column.optional ? `if (h !== ${NOTHING}) ` : ""
      }define(x, n[${i}], t.chunk.heap.read(h, m[${i}])); }`
      return value
    }
    return `define(x, n[${i}], ${get});`
  })
  const write = columns.map((column, i) =>
    column.tag === "record"
      ? `{ const w = t.a${i}; w.o = t.r * ${column.stride}; ${
        kept(i, `save(t.u${i}, w.u8, w.o);`)
      } viewOf(t.chunk, ${i}, V[${i}])[WRITE](value); }`
      : column.tag === "managed"
      ? `t.view[n[${i}]] = value[n[${i}]];`
      : `{ const v = value[n[${i}]]; ${parts[i]!.set} }`
  )
  const copy = columns.map((column, i) =>
    column.tag === "record"
      ? `copyBytes(f.arrays[${i}].u8, a * ${column.stride}, g.arrays[${i}].u8, b * ${column.stride}, ${column.stride});`
      : column.tag === "managed"
      ? `g.arrays[${i}][b] = copyManaged(f, f.arrays[${i}][a], g);`
      : `g.arrays[${i}][b] = f.arrays[${i}][a];`
  )
  const each = (line: (i: number) => string): string => columns.map((_, i) => line(i)).join("\n")
  const code = `"use strict";
class Cursor {
constructor(chunk) {
this.r = 0; this.d0 = 0; this.d1 = 0; this.chunk = chunk; const a = chunk.arrays;
${each((i) => `this.a${i} = a[${i}]; this.u${i} = keeper(k[${i}]);`)}
this.view = new View(this);
}
enter(chunk) { this.chunk = chunk; const a = chunk.arrays; ${each((i) => `this.a${i} = a[${i}];`)} }
rollback() { const t = this; ${rollback.join("\n")} t.d0 = 0; t.d1 = 0; }
commit() { const t = this; ${commit.join("")} }
read() { const t = this, x = {}; ${read.join("\n")} return x }
write(value) { const t = this; ${write.join("\n")} }
}
class View {
#t
constructor(t) { this.#t = t }
${
    each((i) =>
      `get [n[${i}]]() { const t = this.#t; ${parts[i]!.get} }\n` +
      `set [n[${i}]](v) { const t = this.#t; ${parts[i]!.set} }`
    )
  }
}
return { Cursor, copy(f, a, g, b) { ${copy.join("\n")} } }`
  const helpers = {
    misfit,
    pick,
    viewOf,
    save,
    copyBytes,
    copyManaged,
    define,
    keeper,
    READ,
    WRITE,
    n: names,
    c: tables,
    m: coders,
    k: columns,
    V: views(shape)
  }
  const { copy: copyRow, Cursor } = new Function(...Object.keys(helpers), code)(...Object.values(helpers))
  return {
    shape,
    cursor: (chunk) => new Cursor(chunk),
    copy: copyRow,
    named: namer(shape),
    // A function of its own for each handler: its calls, and the view's accessors in them, have feedback of their own.
    loop: () =>
      new Function(`return function(t, view, from, to, handler, payload, context) { ${loopCode(shape)} }`)(),
    fold: () => new Function(`return function(t, view, from, to, map, combine, initial) { ${foldCode} }`)()
  }
}

const foldCode = `
let all = initial;
for (let r = from; r < to; r++) {
  t.r = r;
  all = combine(all, map(view));
}
return all`

const loopCode = (shape: Shape): string => `
for (let r = from; r < to; r++) {
  t.r = r;${shape.managed ? " t.d0 = 0; t.d1 = 0;" : ""}
  const result = handler(view, payload, context);
  if (result !== undefined) context.settle(result);
  ${shape.managed ? "else t.commit();" : ""}
}`

/** Rows by closures: for places that forbid code from strings. */
const interpret = (shape: Shape): Rows => {
  const { columns } = shape
  const Views = views(shape)
  class Cursor {
    r = 0
    d0 = 0
    d1 = 0
    chunk: Chunk
    a: ReadonlyArray<any>
    readonly u: ReadonlyArray<any> = columns.map(keeper)
    readonly view: any
    constructor(chunk: Chunk) {
      this.chunk = chunk
      this.a = chunk.arrays
      this.view = new View(this)
    }
    enter(chunk: Chunk): void {
      this.chunk = chunk
      this.a = chunk.arrays
    }
    /** Whether the field is overwritten for the first time. */
    first(i: number): boolean {
      const [word, bit] = at(i)
      if ((this[word] & bit) !== 0) return false
      this[word] |= bit
      return true
    }
    has(i: number): boolean {
      const [word, bit] = at(i)
      return (this[word] & bit) !== 0
    }
    stand(i: number, stride: number): any {
      const window = this.a[i]
      window.o = this.r * stride
      return viewOf(this.chunk, i, Views[i]!)
    }
    keep(i: number): void {
      if (!this.first(i)) return
      const column = columns[i]!
      if (column.tag === "record") save(this.u[i], this.a[i].u8, this.r * column.stride)
      else this.u[i][0] = this.a[i][this.r]
    }
    get(i: number): any {
      const column = columns[i]!
      switch (column.tag) {
        case "scalar":
          return this.a[i][this.r]
        case "boolean":
          return this.a[i][this.r] !== 0
        case "choice":
          return pick(column.values, this.a[i][this.r], column.name)
        case "record": {
          const view = this.stand(i, column.stride)
          if (column.nested) this.keep(i)
          return view[column.name]
        }
        case "managed": {
          const handle = this.a[i][this.r]
          return handle === NOTHING ? undefined : this.chunk.heap!.read(handle, column.coder)
        }
      }
    }
    set(i: number, v: any): void {
      const column = columns[i]!
      switch (column.tag) {
        case "scalar":
          if (!fits[column.type][1](v)) return misfit(v, column.name)
          this.keep(i)
          this.a[i][this.r] = v
          return
        case "boolean":
          if (v !== true && v !== false) return misfit(v, column.name)
          this.keep(i)
          this.a[i][this.r] = v ? 1 : 0
          return
        case "choice": {
          const index = column.values.indexOf(v)
          if (index < 0) return misfit(v, column.name)
          this.keep(i)
          this.a[i][this.r] = index
          return
        }
        case "record": {
          const view = this.stand(i, column.stride)
          this.keep(i)
          view[column.name] = v
          return
        }
        case "managed": {
          const heap = this.chunk.heap!
          const handle = column.optional && v === undefined ? NOTHING : heap.write(v, column.coder)
          const before = this.a[i][this.r]
          if (this.first(i)) this.u[i][0] = before
          else heap.free(before)
          this.a[i][this.r] = handle
        }
      }
    }
    rollback(): void {
      columns.forEach((column, i) => {
        if (!this.has(i)) return
        if (column.tag === "record") {
          copyBytes(this.u[i], 0, this.a[i].u8, this.r * column.stride, column.stride)
          return
        }
        if (column.tag === "managed") this.chunk.heap!.free(this.a[i][this.r])
        this.a[i][this.r] = this.u[i][0]
      })
      this.d0 = 0
      this.d1 = 0
    }
    commit(): void {
      columns.forEach((column, i) => {
        if (column.tag === "managed" && this.has(i)) this.chunk.heap!.free(this.u[i][0])
      })
    }
    read(): any {
      const value = {}
      columns.forEach((column, i) => {
        const { name } = column
        if (column.tag === "record") {
          const record = this.stand(i, column.stride)[READ]()
          if (name in record) define(value, name, record[name])
        } else if (column.tag !== "managed" || !column.optional || this.a[i][this.r] !== NOTHING) {
          define(value, name, this.get(i))
        }
      })
      return value
    }
    write(value: any): void {
      columns.forEach((column, i) => {
        if (column.tag === "record") {
          const view = this.stand(i, column.stride)
          this.keep(i)
          view[WRITE](value)
        } else this.set(i, value[column.name])
      })
    }
  }
  class View {
    readonly #cursor: Cursor
    constructor(cursor: Cursor) {
      this.#cursor = cursor
    }
    static {
      columns.forEach(({ name }, i) =>
        Object.defineProperty(this.prototype, name, {
          configurable: true,
          enumerable: true,
          get(this: View) {
            return this.#cursor.get(i)
          },
          set(this: View, v: any) {
            this.#cursor.set(i, v)
          }
        })
      )
    }
  }
  return {
    shape,
    cursor: (chunk) => new Cursor(chunk),
    copy(from, row, to, there) {
      columns.forEach((column, i) => {
        if (column.tag === "record") {
          const { stride } = column
          copyBytes(from.arrays[i].u8, row * stride, to.arrays[i].u8, there * stride, stride)
        } else {
          const value = from.arrays[i][row]
          to.arrays[i][there] = column.tag === "managed" ? copyManaged(from, value, to) : value
        }
      })
    },
    named: namer(shape),
    loop: () => (cursor, view, from, to, handler, payload, context) => {
      for (let row = from; row < to; row++) {
        cursor.r = row
        if (shape.managed) {
          cursor.d0 = 0
          cursor.d1 = 0
        }
        const result = handler(view, payload, context)
        if (result !== undefined) context.settle(result)
        else if (shape.managed) cursor.commit()
      }
    },
    fold: () => (cursor, view, from, to, map, combine, initial) => {
      let all = initial
      for (let row = from; row < to; row++) {
        cursor.r = row
        all = combine(all, map(view))
      }
      return all
    }
  }
}

/** Compiles rows; `by` forces one of two ways that differ in nothing but speed. */
export const compile = (
  shape: Shape,
  by: "code" | "closures" = mayGenerate ? "code" : "closures"
): Rows => by === "code" ? generate(shape) : interpret(shape)
