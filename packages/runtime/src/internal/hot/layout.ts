/**
 * Records of fixed size, read and written in place through views.
 *
 * **Contract** One thread a view. The plan comes from internal/layoutPlan.ts, which has checked it.
 * **Invariant** Every scalar lies at a multiple of its size within a record, and records lie at multiples of 8 from
 * the window's start, so a typed array reaches each with one index. Names of a schema are data: generated code gets
 * them as elements of an array and never contains them.
 * **Ordering** None: plain memory. The ring publishes it.
 * **Allocation** A view and its nested views once; none to move it, to read or to write a field, but for
 * bigints, which JavaScript allocates. {@link READ} makes a plain value.
 * **Evidence** test/Layout.test.ts: generated and interpreted views against each other and against plain values.
 */

/** The typed arrays of one stretch of memory, and where in it the current record begins. */
export class Window {
  /** Byte offset of the current record. */
  o = 0
  readonly i8: Int8Array
  readonly u8: Uint8Array
  readonly i16: Int16Array
  readonly u16: Uint16Array
  readonly i32: Int32Array
  readonly u32: Uint32Array
  readonly f32: Float32Array
  readonly f64: Float64Array
  readonly i64: BigInt64Array
  readonly u64: BigUint64Array

  /** `byteOffset` is a multiple of 8. Fixed views: one that tracks a growable buffer is 25 times slower. */
  constructor(buffer: ArrayBufferLike, byteOffset: number, byteLength: number) {
    this.i8 = new Int8Array(buffer, byteOffset, byteLength)
    this.u8 = new Uint8Array(buffer, byteOffset, byteLength)
    this.i16 = new Int16Array(buffer, byteOffset, byteLength >>> 1)
    this.u16 = new Uint16Array(buffer, byteOffset, byteLength >>> 1)
    this.i32 = new Int32Array(buffer, byteOffset, byteLength >>> 2)
    this.u32 = new Uint32Array(buffer, byteOffset, byteLength >>> 2)
    this.f32 = new Float32Array(buffer, byteOffset, byteLength >>> 2)
    this.f64 = new Float64Array(buffer, byteOffset, byteLength >>> 3)
    this.i64 = new BigInt64Array(buffer, byteOffset, byteLength >>> 3)
    this.u64 = new BigUint64Array(buffer, byteOffset, byteLength >>> 3)
  }
}

export type Scalar = Exclude<keyof Window, "o">

/** Stands for "the key is not there" among the ways in which a value can be missing. */
export const ABSENT: unique symbol = Symbol("absent")

/** Where and how a value lies in its record; `at` is in bytes from the record's start. */
export type Node =
  | { readonly tag: "scalar"; readonly type: Scalar; readonly at: number }
  | { readonly tag: "boolean"; readonly at: number }
  /** The index of one of `values`; no bytes when there is only one. */
  | {
    readonly tag: "choice"
    readonly type: "u8" | "u16"
    readonly at: number
    readonly values: ReadonlyArray<unknown>
  }
  /** A byte: the index of the way in which it is missing, or their number, when `inner` is there. */
  | {
    readonly tag: "maybe"
    readonly at: number
    readonly missing: ReadonlyArray<unknown>
    readonly inner: Node
  }
  | Record
  /** A byte: the index of the case whose `key` has that one of `tags`. The cases share their bytes. */
  | {
    readonly tag: "union"
    readonly at: number
    readonly key: string
    readonly tags: ReadonlyArray<unknown>
    readonly cases: ReadonlyArray<Record>
  }
  /** A value of another type, made from and put into `inner`. */
  | {
    readonly tag: "via"
    readonly inner: Record
    readonly get: (view: any) => any
    readonly set: (view: any, value: any) => void
  }

export interface Record {
  readonly tag: "record"
  readonly tuple: boolean
  readonly fields: ReadonlyArray<{ readonly name: string; readonly node: Node }>
}

/** A view's window, its nested views, and its two ways to whole values: symbols, which no schema name can be. */
export const WINDOW: unique symbol = Symbol("window")
const NESTED: unique symbol = Symbol("nested")
export const READ: unique symbol = Symbol("read")
export const WRITE: unique symbol = Symbol("write")

export interface AnyView {
  [WINDOW]: Window
  /** A plain value, equal to the record. */
  [READ](): any
  /** Sets every field from a plain value or another view. */
  [WRITE](value: any): void
}

export type ViewClass = new(window: Window) => AnyView

export const sizes = { i8: 0, u8: 0, i16: 1, u16: 1, i32: 2, u32: 2, f32: 2, f64: 3, i64: 3, u64: 3 } as const

/** The slots of a ring as one producer or consumer sees them: one view, moved from slot to slot. */
export class Slots {
  readonly #window: Window
  readonly #view: AnyView
  readonly #mask: number
  readonly #stride: number

  constructor(View: ViewClass, window: Window, capacity: number, stride: number) {
    this.#window = window
    this.#view = new View(window)
    this.#mask = capacity - 1
    this.#stride = stride
  }

  at(sequence: number): any {
    this.#window.o = (sequence & this.#mask) * this.#stride
    return this.#view
  }
}

/** Called when a value is not one the field can hold, or bytes are not a value of the field. */
export const misfit = (value: unknown, name: string): never => {
  throw new RangeError(
    `${typeof value === "bigint" ? `${value}n` : String(value)} does not fit the field "${name}".`
  )
}

/** Whether a value of `type` can hold `value` exactly: as an expression, and as a function. */
export const fits: { readonly [T in Scalar]: readonly [string, (v: any) => boolean] } = {
  i8: ["(v << 24 >> 24) === v", (v) => (v << 24 >> 24) === v],
  u8: ["(v & 255) === v", (v) => (v & 255) === v],
  i16: ["(v << 16 >> 16) === v", (v) => (v << 16 >> 16) === v],
  u16: ["(v & 65535) === v", (v) => (v & 65535) === v],
  i32: ["(v | 0) === v", (v) => (v | 0) === v],
  u32: ["(v >>> 0) === v", (v) => (v >>> 0) === v],
  f32: ["typeof v === 'number'", (v) => typeof v === "number"],
  f64: ["typeof v === 'number'", (v) => typeof v === "number"],
  i64: [
    "typeof v === 'bigint' && BigInt.asIntN(64, v) === v",
    (v) => typeof v === "bigint" && BigInt.asIntN(64, v) === v
  ],
  u64: [
    "typeof v === 'bigint' && BigInt.asUintN(64, v) === v",
    (v) => typeof v === "bigint" && BigInt.asUintN(64, v) === v
  ]
}

/** The byte says more cases than there are: the memory does not hold what the layout says. */
export const pick = (values: ReadonlyArray<unknown>, index: number, name: string): any =>
  index < values.length ? values[index] : misfit(index, name)

const missing = (values: ReadonlyArray<unknown>, index: number, name: string): any => {
  const value = pick(values, index, name)
  return value === ABSENT ? undefined : value
}

/** The index of the way in which `value`, null or undefined, is missing; `has` tells undefined from absent. */
const missingIndex = (values: ReadonlyArray<unknown>, value: unknown, has: boolean, name: string): number => {
  let index = value === undefined && !has ? values.indexOf(ABSENT) : -1
  if (index < 0) index = values.indexOf(value)
  if (index < 0 && value === undefined) index = values.indexOf(ABSENT)
  return index < 0 ? misfit(value, name) : index
}

const isAbsent = (values: ReadonlyArray<unknown>, index: number): boolean => values[index] === ABSENT

/** What a field is reached by, given its window, nested views and name. Built by closures, or printed as code. */
interface Access {
  readonly get: (w: Window, views: ReadonlyArray<any>) => any
  readonly set: (w: Window, views: ReadonlyArray<any>, v: any, has: boolean) => void
  /** A plain value. */
  readonly read: (w: Window, views: ReadonlyArray<any>) => any
}

/** Collects the nested view classes of a record; a field finds its instance by the index. */
type Nest = (node: Record) => number

const access = (node: Node, name: string, nest: Nest): Access => {
  switch (node.tag) {
    case "scalar": {
      const { at, type } = node
      const shift = sizes[type]
      const fit = fits[type][1]
      const get = (w: Window) => w[type][(w.o + at) >>> shift]
      return {
        get,
        read: get,
        set: (w, _, v) => void (fit(v) ? (w[type][(w.o + at) >>> shift] = v) : misfit(v, name))
      }
    }
    case "boolean": {
      const { at } = node
      const get = (w: Window) => w.u8[w.o + at] !== 0
      return {
        get,
        read: get,
        set: (w, _, v) => void (w.u8[w.o + at] = v === true ? 1 : v === false ? 0 : misfit(v, name))
      }
    }
    case "choice": {
      const { at, type, values } = node
      const shift = sizes[type]
      if (values.length === 1) {
        const get = () => values[0]
        return { get, read: get, set: (_, __, v) => void (v === values[0] || misfit(v, name)) }
      }
      const get = (w: Window) => pick(values, w[type][(w.o + at) >>> shift]!, name)
      const set = (w: Window, _: unknown, v: unknown) => {
        const index = values.indexOf(v)
        w[type][(w.o + at) >>> shift] = index < 0 ? misfit(v, name) : index
      }
      return { get, read: get, set }
    }
    case "maybe": {
      const { at, missing: ways } = node
      const inner = access(node.inner, name, nest)
      return {
        get: (w, views) =>
          w.u8[w.o + at] === ways.length ? inner.get(w, views) : missing(ways, w.u8[w.o + at]!, name),
        read: (w, views) =>
          w.u8[w.o + at] === ways.length ? inner.read(w, views) : missing(ways, w.u8[w.o + at]!, name),
        set: (w, views, v, has) => {
          if (v === undefined || v === null) w.u8[w.o + at] = missingIndex(ways, v, has, name)
          else {
            inner.set(w, views, v, true)
            w.u8[w.o + at] = ways.length
          }
        }
      }
    }
    case "record": {
      const nested = nest(node)
      return {
        get: (_, views) => views[nested],
        read: (_, views) => views[nested][READ](),
        set: (_, views, v) => views[nested][WRITE](v)
      }
    }
    case "union": {
      const { at, cases, key, tags } = node
      const first = cases.map(nest)[0]!
      const get = (w: Window, views: ReadonlyArray<any>) => {
        const index = w.u8[w.o + at]!
        return index < tags.length ? views[first + index] : misfit(index, name)
      }
      return {
        get,
        read: (w, views) => get(w, views)[READ](),
        set: (w, views, v) => {
          const index = tags.indexOf(v?.[key])
          if (index < 0) misfit(v?.[key], name)
          // The case first: `v` may be a view of these same bytes, and its fields are read while they are written.
          views[first + index][WRITE](v)
          w.u8[w.o + at] = index
        }
      }
    }
    case "via": {
      const nested = nest(node.inner)
      const get = (_: unknown, views: ReadonlyArray<any>) => node.get(views[nested])
      return { get, read: get, set: (_, views, v) => node.set(views[nested], v) }
    }
  }
}

/** The same as {@link access}, printed: expressions over `w`, `s` (nested views), `v`, `h` and the tables `c`, `n`. */
interface Code {
  readonly get: string
  readonly set: string
  readonly read: string
}

const print = (node: Node, name: string, nest: Nest, constant: (value: unknown) => string): Code => {
  const index = (at: number, shift: number) => shift === 0 ? `w.o + ${at}` : `(w.o + ${at}) >>> ${shift}`
  switch (node.tag) {
    case "scalar": {
      const place = `w.${node.type}[${index(node.at, sizes[node.type])}]`
      return {
        get: place,
        read: place,
        set: `if (${fits[node.type][0]}) ${place} = v; else misfit(v, ${name});`
      }
    }
    case "boolean": {
      const place = `w.u8[${index(node.at, 0)}]`
      const get = `(${place} !== 0)`
      return { get, read: get, set: `${place} = v === true ? 1 : v === false ? 0 : misfit(v, ${name});` }
    }
    case "choice": {
      const values = constant(node.values)
      const place = `w.${node.type}[${index(node.at, sizes[node.type])}]`
      if (node.values.length === 1) {
        return {
          get: `${values}[0]`,
          read: `${values}[0]`,
          set: `if (v !== ${values}[0]) misfit(v, ${name});`
        }
      }
      const get = `pick(${values}, ${place}, ${name})`
      return {
        get,
        read: get,
        set: `{ const i = ${values}.indexOf(v); ${place} = i < 0 ? misfit(v, ${name}) : i; }`
      }
    }
    case "maybe": {
      const ways = constant(node.missing)
      const place = `w.u8[${index(node.at, 0)}]`
      const inner = print(node.inner, name, nest, constant)
      const there = node.missing.length
      return {
        get: `(${place} === ${there} ? ${inner.get} : missing(${ways}, ${place}, ${name}))`,
        read: `(${place} === ${there} ? ${inner.read} : missing(${ways}, ${place}, ${name}))`,
        set: `if (v === undefined || v === null) ${place} = missingIndex(${ways}, v, h, ${name});` +
          ` else { ${inner.set} ${place} = ${there}; }`
      }
    }
    case "record": {
      const view = `s[${nest(node)}]`
      return { get: view, read: `${view}[READ]()`, set: `${view}[WRITE](v);` }
    }
    case "union": {
      const first = node.cases.map(nest)[0]!
      const tags = constant(node.tags)
      const place = `w.u8[${index(node.at, 0)}]`
      const get = `(${place} < ${node.tags.length} ? s[${first} + ${place}] : misfit(${place}, ${name}))`
      return {
        get,
        read: `${get}[READ]()`,
        set:
          `{ const t = v?.[${constant(node.key)}], i = ${tags}.indexOf(t); if (i < 0) misfit(t, ${name});` +
          ` s[${first} + i][WRITE](v); ${place} = i; }`
      }
    }
    case "via": {
      const view = `s[${nest(node.inner)}]`
      const get = `${constant(node.get)}(${view})`
      return { get, read: get, set: `${constant(node.set)}(${view}, v);` }
    }
  }
}

/** Fields that may be absent from a plain value: those whose first way to be missing is {@link ABSENT}. */
const absentAt = (
  node: Node
): { readonly at: number; readonly missing: ReadonlyArray<unknown> } | undefined =>
  node.tag === "maybe" && node.missing.includes(ABSENT) ? node : undefined

abstract class View implements AnyView {
  [WINDOW]: Window;
  [NESTED]: ReadonlyArray<AnyView>
  constructor(window: Window, nested: ReadonlyArray<ViewClass>) {
    this[WINDOW] = window
    this[NESTED] = nested.map((Nested) => new Nested(window))
  }
  abstract [READ](): any
  abstract [WRITE](value: any): void
}

/** Tuples are read as arrays are: by index, by length, by iteration. */
const asTuple = (prototype: any, length: number): void => {
  Object.defineProperty(prototype, "length", { value: length })
  Object.defineProperty(prototype, Symbol.iterator, {
    *value(this: any) {
      for (let i = 0; i < length; i++) yield this[i]
    }
  })
}

/** A view class by closures: for places that forbid code from strings. */
const interpret = (record: Record): ViewClass => {
  const nested: Array<ViewClass> = []
  const nest: Nest = (node) => nested.push(interpret(node)) - 1
  const fields = record.fields.map(({ name, node }) => ({
    name,
    absent: absentAt(node),
    ...access(node, name, nest)
  }))
  class Interpreted extends View {
    constructor(window: Window) {
      super(window, nested)
    }
    [READ]() {
      const w = this[WINDOW]
      const value: any = record.tuple ? [] : {}
      for (const { absent, name, read } of fields) {
        if (absent && isAbsent(absent.missing, w.u8[w.o + absent.at]!)) continue
        // Defined, not assigned: a field may be called __proto__.
        Object.defineProperty(value, name, {
          value: read(w, this[NESTED]),
          configurable: true,
          enumerable: true,
          writable: true
        })
      }
      return value
    }
    [WRITE](value: any) {
      for (const { absent, name, set } of fields) {
        set(this[WINDOW], this[NESTED], value[name], absent === undefined || name in value)
      }
    }
  }
  for (const { get, name, set } of fields) {
    Object.defineProperty(Interpreted.prototype, name, {
      configurable: true,
      enumerable: true,
      get(this: View) {
        return get(this[WINDOW], this[NESTED])
      },
      set(this: View, v: any) {
        set(this[WINDOW], this[NESTED], v, true)
      }
    })
  }
  if (record.tuple) asTuple(Interpreted.prototype, record.fields.length)
  return Interpreted
}

/** A view class by generated code. Only offsets, sizes and indices are printed; names and tables are passed in. */
const generate = (record: Record): ViewClass => {
  const nested: Array<ViewClass> = []
  const nest: Nest = (node) => nested.push(generate(node)) - 1
  const constants: Array<unknown> = []
  const constant = (value: unknown) => `c[${constants.push(value) - 1}]`
  const names = record.fields.map((field) => field.name)
  const fields = record.fields.map(({ node }, i) => ({
    absent: absentAt(node),
    ...print(node, `n[${i}]`, nest, constant)
  }))
  const open = "const w = this[WINDOW], s = this[NESTED];"
  const accessors = fields.map((field, i) =>
    `get [n[${i}]]() { ${open} return ${field.get} }\n` +
    `set [n[${i}]](v) { ${open} const h = true; ${field.set} }`
  )
  const value = record.tuple
    ? `[${fields.map((field) => field.read).join(", ")}]`
    : `{ ${
      fields.map((field, i) =>
        field.absent === undefined
          ? `[n[${i}]]: ${field.read}`
          : `...(isAbsent(${
            constant(field.absent.missing)
          }, w.u8[w.o + ${field.absent.at}]) ? none : { [n[${i}]]: ${field.read} })`
      ).join(", ")
    } }`
  const writes = fields.map((field, i) =>
    `{ const v = value[n[${i}]], h = ${
      field.absent === undefined ? "true" : `n[${i}] in value`
    }; ${field.set} }`
  )
  const code = `"use strict"; return class extends View {
constructor(window) { super(window, nested) }
${accessors.join("\n")}
[READ]() { ${open} return ${value} }
[WRITE](value) { ${open} ${writes.join("\n")} }
}`
  const Generated: ViewClass = new Function(
    "View",
    "WINDOW",
    "NESTED",
    "READ",
    "WRITE",
    "nested",
    "misfit",
    "pick",
    "missing",
    "missingIndex",
    "isAbsent",
    "none",
    "n",
    "c",
    code
  )(
    View,
    WINDOW,
    NESTED,
    READ,
    WRITE,
    nested,
    misfit,
    pick,
    missing,
    missingIndex,
    isAbsent,
    {},
    names,
    constants
  )
  if (record.tuple) asTuple(Generated.prototype, record.fields.length)
  return Generated
}

/** Whether code may be made from strings here. A Content-Security-Policy or a flag of Node can forbid it. */
export const mayGenerate = (() => {
  try {
    return new Function("return true")() === true
  } catch {
    return false
  }
})()

/** Compiles a view class; `by` forces one of two ways that differ in nothing but speed. */
export const compile = (
  record: Record,
  by: "code" | "closures" = mayGenerate ? "code" : "closures"
): ViewClass => by === "code" ? generate(record) : interpret(record)
