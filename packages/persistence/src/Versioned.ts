/**
 * Schemas whose values outlive the code that wrote them.
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import * as Schema from "effect/Schema"
import * as Codec from "@troupe/runtime/Codec"

/**
 * Stored bytes that this program cannot read.
 *
 * @category errors
 * @since 0.1.0
 */
export class VersionError extends Schema.TaggedError<VersionError>()("VersionError", {
  problem: Schema.String
}) {
  override get message(): string {
    return this.problem
  }
}

/**
 * The versions of a schema, each with the way to the next: values are written in the last one, and read in whichever
 * they were written.
 *
 * @category models
 * @since 0.1.0
 */
export interface Versioned<in out T> extends Pipeable {
  /** The last version, which values are written in, from 1. */
  readonly version: number
  /** The last version's schema. */
  readonly schema: Schema.Schema<T>
  /** The value as bytes of its own. Throws a `CodecError` for a value that does not fit. */
  readonly encodeUnsafe: (value: T) => Uint8Array
  /** The value that the bytes are, brought to the last version. Throws a `VersionError` or a `CodecError`. */
  readonly decodeUnsafe: (bytes: Uint8Array) => T
}

/** A version that this program can read. */
interface Known {
  readonly codec: Codec.Codec<unknown>
  /** Tells two schemas apart that go by the same number. */
  readonly mark: number
  /** To the next version. */
  readonly next: ((value: never) => unknown) | undefined
}

/** Bytes before the value: the version in two, the schema's mark in four, little endian. */
const HEADER = 6

/** Bytes that a value is first encoded into, and the most that are kept for the next one. */
const SCRATCH = 1024
const KEPT = 65_536

let scratch: Codec.Bytes | undefined

const chains = new WeakMap<object, ReadonlyArray<Known>>()

const build = <T>(schema: Schema.Schema<T>, older: ReadonlyArray<Known>): Versioned<T> => {
  const codec = Codec.make(schema) as Codec.Codec<unknown>
  const known: Known = { codec, mark: markOf(codec.fingerprint), next: undefined }
  const all = [...older, known]
  const version = all.length
  const self: Versioned<T> = {
    version,
    schema,
    encodeUnsafe: (value) => {
      // Taken, not shared: encoding may run a transformation that comes here too.
      let bytes = scratch ?? new Codec.Bytes(new ArrayBuffer(SCRATCH))
      scratch = undefined
      let end = codec.encode(value, bytes, HEADER, bytes.u8.length)
      while (end < 0) {
        bytes = new Codec.Bytes(new ArrayBuffer(bytes.u8.length * 2))
        end = codec.encode(value, bytes, HEADER, bytes.u8.length)
      }
      bytes.view.setUint16(0, version, true)
      bytes.view.setUint32(2, known.mark, true)
      if (bytes.u8.length <= KEPT) scratch = bytes
      return bytes.u8.slice(0, end)
    },
    decodeUnsafe: (bytes) => {
      if (bytes.length < HEADER) {
        throw new VersionError({ problem: `${bytes.length} bytes are too few to be a value` })
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER)
      const written = view.getUint16(0, true)
      const first = all[written - 1]
      if (first === undefined) {
        throw new VersionError({
          problem: `written in version ${written}; this program knows 1 to ${version}`
        })
      }
      if (view.getUint32(2, true) !== first.mark) {
        throw new VersionError({
          problem: `written by another schema that was version ${written} too: ` +
            `a schema that changes needs a version of its own`
        })
      }
      let value = Codec.decodeUnsafe(first.codec, bytes.subarray(HEADER))
      for (let i = written - 1; i < all.length - 1; i++) value = all[i]!.next!(value as never)
      return value as T
    },
    pipe() {
      return pipeArguments(self, arguments)
    }
  }
  chains.set(self, all)
  return self
}

/**
 * The first version of a schema. Throws a `CodecDefinitionError` for one that has no form in bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <T>(schema: Schema.Schema<T>): Versioned<T> => build(schema, [])

/**
 * A further version, and how a value of the one before becomes one of it.
 *
 * **Details**
 *
 * The form in bytes has no names in it, so any change of a schema needs a version: with each value goes a mark of the
 * schema that wrote it, and a schema that was changed in place is refused, not misread.
 *
 * **Example** (An event that learns a currency)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Versioned } from "@troupe/persistence"
 *
 * const First = Schema.Struct({ amount: Schema.Number })
 * const Second = Schema.Struct({ amount: Schema.Number, currency: Schema.String })
 *
 * const old = Versioned.make(First).encodeUnsafe({ amount: 5 })
 * const Deposited = Versioned.make(First).pipe(
 *   Versioned.next(Second, ({ amount }) => ({ amount, currency: "EUR" }))
 * )
 * Deposited.decodeUnsafe(old) // { amount: 5, currency: "EUR" }
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const next: {
  <Old, New>(schema: Schema.Schema<New>, upcast: (old: Old) => New): (self: Versioned<Old>) => Versioned<New>
  <Old, New>(self: Versioned<Old>, schema: Schema.Schema<New>, upcast: (old: Old) => New): Versioned<New>
} = dual(
  3,
  <Old, New>(self: Versioned<Old>, schema: Schema.Schema<New>, upcast: (old: Old) => New): Versioned<New> => {
    const older = chains.get(self)!
    return build(schema, [...older.slice(0, -1), { ...older.at(-1)!, next: upcast }])
  }
)

/**
 * The versions of what is given as a schema, which is its only one, or as versions.
 *
 * @internal
 */
export const from = <T>(source: Schema.Schema<T> | Versioned<T>): Versioned<T> =>
  Schema.isSchema(source) ? make(source) : source

/** FNV-1a of the fingerprint, which is text: it must stay what it is for as long as there is stored data. */
const markOf = (fingerprint: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < fingerprint.length; i++) hash = Math.imul(hash ^ fingerprint.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
