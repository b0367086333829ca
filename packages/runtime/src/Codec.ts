/**
 * A schema compiled to bytes: an encoder straight into a buffer that may be
 * shared between threads, and a decoder out of it.
 *
 * **When to use**
 *
 * The runtime compiles one for each message, reply and error of a protocol
 * that crosses threads, when the protocol is defined. Use it yourself to put
 * typed values into a ring, a file or a channel of your own.
 *
 * **Details**
 *
 * The form is positional: names, tags and literals are known to both sides and
 * never travel, and there is no evolution. Two sides may talk when their
 * `fingerprint`s are equal. Values arrive as equal values: classes as
 * instances, minus zero and NaN and lone surrogates as they were, `Map`s and
 * `Option`s and `Date`s as such. Transformations run, and checks hold, on
 * decode; constructor defaults are the constructor's affair.
 *
 * A value that refers to itself may be 512 levels deep; a cyclic one is thus
 * refused with a {@link CodecError}. Bytes are never trusted: malformed,
 * truncated or overlong ones are refused too, without reading outside
 * `[offset, end)` and without allocating more than a multiple of their length
 * that the schema fixes.
 *
 * Effect's own `SchemaBinary` is not used: it returns a `Uint8Array` of its
 * arena where a message belongs into a ring, walks its layout for each message,
 * and refuses unions without tags. Round trips a second for a message of four
 * fields, of twelve with seven strings, and of a tagged union with an array:
 * this codec 55, 4.2 and 8.8 million, JSON 3.3, 1.5 and 1.1, msgpackr 2.8, 1.4
 * and 1.4, postMessage 1.2, 0.7 and 0.5, SchemaBinary's fingerprint mode 0.8,
 * 0.4 and 0.3 (`npm run bench -- 'codec.*'`; more in `docs/adr/0002-codec.md`).
 *
 * **Example**
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Codec } from "@troupe/runtime"
 *
 * const codec = Codec.make(Schema.Struct({ amount: Schema.Number, note: Schema.String }))
 * const bytes = new Codec.Bytes(new SharedArrayBuffer(1024))
 *
 * const end = codec.encode({ amount: 5, note: "rent" }, bytes, 0, 1024) // 13
 * codec.decode(bytes, 0, end) // { amount: 5, note: "rent" }
 * ```
 *
 * **Gotchas**
 *
 * A schema whose transformations need services or wait for something is not
 * refused when the codec is made, but each use of it is.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Schema from "effect/Schema"
import { compilePlan } from "./internal/codecCompile.ts"
import { CodecDefinitionError, CodecError } from "./internal/codecError.ts"
import { makeFaces } from "./internal/codecFaces.ts"
import { fingerprintOf } from "./internal/codecFingerprint.ts"
import { fixedSize } from "./internal/codecPlan.ts"
import { Bytes } from "./internal/hot/bytes.ts"

export {
  /**
   * A fixed view over an ArrayBuffer or SharedArrayBuffer: `u8` and `view`.
   *
   * @category models
   * @since 0.1.0
   */
  Bytes,
  /**
   * A schema that cannot cross a thread, with the path to the offending field.
   *
   * @category errors
   * @since 0.1.0
   */
  CodecDefinitionError,
  /**
   * A value that cannot be encoded, or bytes that cannot be decoded.
   *
   * @category errors
   * @since 0.1.0
   */
  CodecError
}

/**
 * An encoder into, and a decoder out of, bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Codec<in out T> {
  /** What it was compiled from. */
  readonly schema: Schema.Top
  /** Equal for equal wire forms; sensitive to names, order, types and literals. */
  readonly fingerprint: string
  /** Bytes, when every value takes the same. */
  readonly fixedSize: number | undefined
  /**
   * Writes the value at `offset` and returns the offset after it, or -1 when
   * that would pass `limit`; no byte at or after `limit` is written. Throws
   * {@link CodecError} for a value that cannot be encoded.
   */
  readonly encode: (value: T, bytes: Bytes, offset: number, limit: number) => number
  /**
   * Reads the value that takes exactly `[offset, end)`. Throws
   * {@link CodecError} when it does not.
   */
  readonly decode: (bytes: Bytes, offset: number, end: number) => T
}

/**
 * Compiles a schema. Throws {@link CodecDefinitionError} for one that cannot
 * cross a thread.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <S extends Schema.Top>(schema: S, options?: {
  /**
   * Where the schema stands, for error messages.
   * (Default: "")
   */
  readonly path?: string | undefined
  /**
   * Walk the plan instead of generating code from it. It is walked anyway where
   * code cannot be generated; the results are the same.
   * (Default: false)
   */
  readonly interpreter?: boolean | undefined
}): Codec<S["Type"]> => {
  const base = options?.path ?? ""
  const plan = compilePlan(schema.ast, base)
  return {
    schema,
    fingerprint: fingerprintOf(plan),
    fixedSize: fixedSize(plan),
    ...makeFaces(plan, base, options?.interpreter === true)
  }
}

/**
 * The value as bytes of its own.
 *
 * @category combinators
 * @since 0.1.0
 */
export const encodeUnsafe: {
  <T>(value: T): (self: Codec<T>) => Uint8Array<ArrayBuffer>
  <T>(self: Codec<T>, value: T): Uint8Array<ArrayBuffer>
} = dual(2, <T>(self: Codec<T>, value: T): Uint8Array<ArrayBuffer> => {
  // Taken, not shared: encoding may run a transformation that comes here too.
  let bytes = scratch ?? new Bytes(new ArrayBuffer(self.fixedSize ?? 1024))
  scratch = undefined
  let end = self.encode(value, bytes, 0, bytes.u8.length)
  while (end < 0) {
    bytes = new Bytes(new ArrayBuffer(Math.max(1024, bytes.u8.length * 2)))
    end = self.encode(value, bytes, 0, bytes.u8.length)
  }
  if (bytes.u8.length <= 65_536) scratch = bytes
  return bytes.u8.slice(0, end) as Uint8Array<ArrayBuffer>
})

let scratch: Bytes | undefined

/**
 * The value that the bytes are. Throws {@link CodecError}.
 *
 * @category combinators
 * @since 0.1.0
 */
export const decodeUnsafe: {
  (bytes: Uint8Array): <T>(self: Codec<T>) => T
  <T>(self: Codec<T>, bytes: Uint8Array): T
} = dual(
  2,
  <T>(self: Codec<T>, bytes: Uint8Array): T =>
    self.decode(new Bytes(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.byteLength)
)

/**
 * {@link encodeUnsafe} with the error in the Effect.
 *
 * @category combinators
 * @since 0.1.0
 */
export const encode: {
  <T>(value: T): (self: Codec<T>) => Effect.Effect<Uint8Array<ArrayBuffer>, CodecError>
  <T>(self: Codec<T>, value: T): Effect.Effect<Uint8Array<ArrayBuffer>, CodecError>
} = dual(
  2,
  <T>(self: Codec<T>, value: T): Effect.Effect<Uint8Array<ArrayBuffer>, CodecError> =>
    Effect.try({ try: () => encodeUnsafe(self, value), catch: (error) => error as CodecError })
)

/**
 * {@link decodeUnsafe} with the error in the Effect.
 *
 * @category combinators
 * @since 0.1.0
 */
export const decode: {
  (bytes: Uint8Array): <T>(self: Codec<T>) => Effect.Effect<T, CodecError>
  <T>(self: Codec<T>, bytes: Uint8Array): Effect.Effect<T, CodecError>
} = dual(
  2,
  <T>(self: Codec<T>, bytes: Uint8Array): Effect.Effect<T, CodecError> =>
    Effect.try({ try: () => decodeUnsafe(self, bytes), catch: (error) => error as CodecError })
)
