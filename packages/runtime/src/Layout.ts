/**
 * Records of fixed size, declared by a schema, read and written in place.
 *
 * A {@link Layout} says where each field of a record lies in memory. A {@link Cursor} walks over records and shows
 * the current one through a {@link View}: an object with the schema's fields, whose getters and setters go to the
 * bytes. No object is made to read or write a field.
 *
 * **Details**
 *
 * | schema | bytes |
 * | --- | --- |
 * | `Schema.Int` with bounds (`isInt32`, `isBetween`, ..., or `Layout.Uint8` and its like) | the narrowest of 1, 2, 4 that holds the bounds |
 * | any other number | 8, a double; `Layout.Float32`: 4 |
 * | `Schema.BigInt` | 8, signed; unsigned when its checks exclude negative values |
 * | boolean | 1 |
 * | literals, enums | 1 (2 from 257 values); none for a single literal |
 * | optional, `NullOr`, `UndefinedOr` | 1 more, up to the alignment |
 * | struct, tuple | their fields, by falling alignment |
 * | union of structs told apart by a literal field | 1 for the case, then the largest case |
 *
 * Scalars lie at multiples of their size, in the byte order of the machine: little endian wherever JavaScript runs
 * today. A setter throws a `RangeError` for a value that its field cannot hold; it never stores another one.
 * (`Layout.Float32` rounds, and an integer field stores -0 as 0.) A schema's checks beyond the size of a field are
 * not run on each access.
 *
 * **Gotchas**
 *
 * A view shows whatever record its cursor stands on. To keep a record, {@link Layout.read} it into a plain value.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Hot from "./internal/hot/layout.ts"
import * as Plan from "./internal/layoutPlan.ts"

const TypeId = "~@troupe/runtime/Layout"

/**
 * A schema has no layout: which field, and why.
 *
 * @category errors
 * @since 0.1.0
 */
export class LayoutError extends Schema.TaggedError<LayoutError>()("LayoutError", {
  path: Schema.Array(Schema.String),
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.path.length === 0 ? "The record" : `Field ${this.path.join(".")}`}: ${this.reason}.`
  }
}

/**
 * A record in memory, as an object: the schema's fields, to get and to set, nested ones included. A plain value may
 * be assigned where a nested view is read.
 *
 * @category models
 * @since 0.1.0
 */
export type View<A> = A extends Plain ? A
  : A extends ReadonlyArray<unknown> ? TupleView<A>
  : A extends object ?
    { -readonly [K in keyof A]: {} extends Pick<A, K> ? View<A[K]> | undefined : View<A[K]> }
  : A

/**
 * The same record, of which only the fields `W` may be set.
 *
 * @category models
 * @since 0.1.0
 */
export type ReadonlyView<A, W = never> = A extends Plain ? A
  : A extends ReadonlyArray<unknown> ? ReadonlyTupleView<A>
  : A extends object ?
      & { readonly [K in keyof A as K extends W ? never : K]: ReadonlyView<A[K]> }
      & { -readonly [K in keyof A as K extends W ? K : never]: View<A[K]> }
  : A

type Plain =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | ((...args: ReadonlyArray<never>) => unknown)

type TupleView<A extends ReadonlyArray<unknown>> =
  & { -readonly [K in Exclude<keyof A, keyof ReadonlyArray<unknown>>]: View<A[K]> }
  & { readonly length: A["length"]; [Symbol.iterator](): Iterator<View<A[number]>> }

type ReadonlyTupleView<A extends ReadonlyArray<unknown>> =
  & { readonly [K in Exclude<keyof A, keyof ReadonlyArray<unknown>>]: ReadonlyView<A[K]> }
  & { readonly length: A["length"]; [Symbol.iterator](): Iterator<ReadonlyView<A[number]>> }

/**
 * Where a field lies in its record, in bytes. `type` is that of a typed array for a number, else what stands there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Field {
  readonly byteOffset: number
  readonly type: Hot.Scalar | "boolean" | "choice" | "optional" | "union" | "struct" | "via"
}

/**
 * Memory that holds records: a region, or any buffer. The offset is a multiple of 8.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bytes {
  readonly buffer: ArrayBufferLike
  /** (Default: 0) */
  readonly byteOffset?: number | undefined
  /** (Default: to the end of the buffer) */
  readonly byteLength?: number | undefined
}

/**
 * A view that can be moved from record to record.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cursor<A> {
  /** How many records the memory holds. */
  readonly length: number
  /** The view, on record `index`. Always the same object. Throws a `RangeError` outside the memory. */
  at(index: number): View<A>
  /**
   * The view, on the record that begins at this byte: a multiple of 8, for records with something between them. Always
   * the same object. Throws a `RangeError` outside the memory.
   */
  atByte(byteOffset: number): View<A>
}

/**
 * A record's layout.
 *
 * @category models
 * @since 0.1.0
 */
export interface Layout<in out A> {
  readonly [TypeId]: { readonly _A: (_: A) => A }
  /** Bytes from one record to the next: a multiple of {@link alignment}. */
  readonly byteLength: number
  /** Bytes: that of the widest scalar, at most 8. */
  readonly alignment: number
  readonly fields: { readonly [K in keyof A]: Field }
  /** Equal for equal layouts: threads and files compare it before they share records. */
  readonly fingerprint: string
  /** A cursor over as many records as fit into `bytes`. */
  cursor(bytes: Bytes): Cursor<A>
  /** One record, at the beginning of `bytes`. */
  view(bytes: Bytes): View<A>
  /** A plain value equal to the record. */
  read(view: View<A> | ReadonlyView<A>): A
  /** Sets every field. */
  write(view: View<A>, value: A): void
}

/**
 * The type of the records of a layout.
 *
 * @category models
 * @since 0.1.0
 */
export type Type<L> = L extends Layout<infer A> ? A : never

const internals = new WeakMap<Layout<never>, { readonly View: Hot.ViewClass; readonly stride: number }>()

/** @internal */
export const internal = <A>(layout: Layout<A>): { readonly View: Hot.ViewClass; readonly stride: number } =>
  internals.get(layout as unknown as Layout<never>)!

const typeOf = (node: Hot.Node): Field["type"] =>
  node.tag === "scalar"
    ? node.type
    : node.tag === "maybe"
    ? "optional"
    : node.tag === "record"
    ? "struct"
    : node.tag

const offsetOf = (node: Hot.Node): number =>
  node.tag === "record"
    ? Math.min(0xffffffff, ...node.fields.map((field) => offsetOf(field.node)))
    : node.tag === "via"
    ? offsetOf(node.inner)
    : node.at

/**
 * Compiles a schema of fixed size, or says which field has none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeResult = <A>(
  schema: Schema.Schema<A>,
  options?: {
    /** How views are built, which makes a difference of speed alone. (Default: `code` where that is allowed, or `closures`) */
    readonly by?: "code" | "closures" | undefined
  }
): Result.Result<Layout<A>, LayoutError> => {
  try {
    return Result.succeed(compile<A>(Plan.plan(schema.ast), options?.by))
  } catch (error) {
    if (error instanceof Plan.NoLayout) {
      return Result.fail(new LayoutError({ path: error.path, reason: error.reason }))
    }
    throw error
  }
}

/**
 * Compiles a schema of fixed size. Throws a {@link LayoutError} for any other: layouts are made once, beside the
 * schema, where a mistake should stop the program.
 *
 * **Example** (Records in shared memory)
 *
 * ```ts
 * import * as Layout from "@troupe/runtime/Layout"
 * import { Schema } from "effect"
 *
 * const Trade = Layout.make(Schema.Struct({
 *   price: Schema.Number,
 *   size: Layout.Uint32,
 *   side: Schema.Literals(["buy", "sell"])
 * }))
 * const trades = Trade.cursor({ buffer: new SharedArrayBuffer(Trade.byteLength * 100) })
 * trades.at(7).price = 12.5
 * trades.at(7).side = "sell"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>(
  schema: Schema.Schema<A>,
  options?: { readonly by?: "code" | "closures" | undefined }
): Layout<A> => {
  const result = makeResult(schema, options)
  if (Result.isFailure(result)) throw result.failure
  return result.success
}

const compile = <A>(
  { alignment, byteLength, record }: ReturnType<typeof Plan.plan>,
  by: "code" | "closures" | undefined
): Layout<A> => {
  const View = Hot.compile(record, by)
  const over = ({ buffer, byteLength: length, byteOffset = 0 }: Bytes) => {
    if (byteOffset % 8 !== 0) {
      throw new RangeError(`Records begin at a multiple of 8 bytes, not at ${byteOffset}.`)
    }
    const extent = length ?? buffer.byteLength - byteOffset
    return {
      window: new Hot.Window(buffer, byteOffset, extent),
      records: Math.floor(extent / byteLength),
      extent
    }
  }
  const cursor = (bytes: Bytes): Cursor<A> => {
    const { extent, records, window } = over(bytes)
    const view = new View(window) as unknown as View<A>
    return {
      length: records,
      at(index) {
        if (!(index >= 0 && index < records && Number.isInteger(index))) {
          throw new RangeError(`There is no record ${index} among ${records}.`)
        }
        window.o = index * byteLength
        return view
      },
      atByte(byteOffset) {
        if (!(byteOffset >= 0 && byteOffset + byteLength <= extent && byteOffset % 8 === 0)) {
          throw new RangeError(`No record of ${byteLength} bytes begins at byte ${byteOffset} of ${extent}.`)
        }
        window.o = byteOffset
        return view
      }
    }
  }
  const fields: { [name: string]: Field } = Object.create(null)
  for (const { name, node } of record.fields) {
    fields[name] = { byteOffset: offsetOf(node), type: typeOf(node) }
  }
  const layout: Layout<A> = {
    [TypeId]: { _A: (a) => a },
    byteLength,
    alignment,
    fields: fields as { readonly [K in keyof A]: Field },
    fingerprint: Plan.fingerprint(record),
    cursor,
    view: (bytes) => cursor(bytes).at(0),
    read: (view) => (view as unknown as Hot.AnyView)[Hot.READ](),
    write: (view, value) => (view as unknown as Hot.AnyView)[Hot.WRITE](value)
  }
  internals.set(layout as unknown as Layout<never>, { View, stride: byteLength })
  return layout
}

/**
 * Lays values of any type out as a struct of fixed size, by a function each way. The getter makes the value anew at
 * every read.
 *
 * **Example** (A date in eight bytes)
 *
 * ```ts
 * import * as Layout from "@troupe/runtime/Layout"
 * import { Schema } from "effect"
 *
 * const When = Layout.via(Schema.Date, {
 *   as: Schema.Struct({ millis: Schema.Number }),
 *   get: (view) => new Date(view.millis),
 *   set: (view, date) => {
 *     view.millis = date.getTime()
 *   }
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const via = <S extends Schema.Top, F>(schema: S, options: {
  readonly as: Schema.Schema<F>
  readonly get: (view: View<F>) => S["Type"]
  readonly set: (view: View<F>, value: S["Type"]) => void
}): S["Rebuild"] =>
  schema.annotate({
    [Plan.VIA]: { as: options.as.ast, get: options.get, set: options.set } satisfies Plan.Via
  })

const integer = (minimum: number, maximum: number): Schema.Int =>
  Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** An integer from -128 to 127. @category schemas @since 0.1.0 */
export const Int8: Schema.Int = integer(-0x80, 0x7f)
/** An integer from 0 to 255. @category schemas @since 0.1.0 */
export const Uint8: Schema.Int = integer(0, 0xff)
/** An integer from -32,768 to 32,767. @category schemas @since 0.1.0 */
export const Int16: Schema.Int = integer(-0x8000, 0x7fff)
/** An integer from 0 to 65,535. @category schemas @since 0.1.0 */
export const Uint16: Schema.Int = integer(0, 0xffff)
/** An integer of 32 bits. @category schemas @since 0.1.0 */
export const Int32: Schema.Int = integer(-0x80000000, 0x7fffffff)
/** An integer from 0 to 4,294,967,295. @category schemas @since 0.1.0 */
export const Uint32: Schema.Int = integer(0, 0xffffffff)
/** A number stored in 4 bytes: rounded to the nearest that they can hold. @category schemas @since 0.1.0 */
export const Float32: Schema.Number = Schema.Number.annotate({ [Plan.SCALAR]: "f32" })
/** A number stored in 8 bytes, as every number is that says nothing else. @category schemas @since 0.1.0 */
export const Float64: Schema.Number = Schema.Number
/** A bigint of 64 bits. @category schemas @since 0.1.0 */
export const Int64: Schema.BigInt = Schema.BigInt.check(
  Schema.isBetweenBigInt({ minimum: -(1n << 63n), maximum: (1n << 63n) - 1n })
)
/** A bigint from 0 to 2^64 - 1. @category schemas @since 0.1.0 */
export const Uint64: Schema.BigInt = Schema.BigInt.check(
  Schema.isBetweenBigInt({ minimum: 0n, maximum: (1n << 64n) - 1n })
)
