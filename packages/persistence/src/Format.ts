/**
 * How values are records of bytes in a channel.
 *
 * | format | value | bytes |
 * | --- | --- | --- |
 * | {@link raw} | `Uint8Array` | as they are |
 * | {@link text} | `string` | UTF-8 |
 * | {@link jsonLines} | any schema's type | a line of JSON |
 * | {@link schema} | any schema's type | by `Codec`: compact, positional, checked |
 * | {@link layout}, {@link layoutViews} | a struct of fixed size | by `Layout`: the fastest |
 *
 * Handlers add to each record: {@link timestamped}, {@link sequenced}, {@link checksummed}. They stack, the outermost
 * writes first, and their bytes count toward the record.
 *
 * **Example** (A format with handlers)
 *
 * ```ts
 * import * as Format from "@troupe/persistence/Format"
 *
 * // writes strings; reads { timestamp, value: { sequence, value: string } }
 * const Lines = Format.timestamped(Format.sequenced(Format.text))
 * ```
 *
 * @since 0.1.0
 */
import * as Codec from "@troupe/runtime/Codec"
import type * as Layout from "@troupe/runtime/Layout"
import * as Schema from "effect/Schema"
import * as internal from "./internal/format.ts"
import type { Encode } from "./internal/hot/appender.ts"

/**
 * What one writer or reader encodes and decodes with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Coder<in In, out Out> {
  /**
   * Writes the value at `offset`, a multiple of 8, and gives the offset behind it, or -1 when that would pass `limit`.
   * Throws for a value that cannot be encoded. It may be called again for the same value.
   */
  readonly encode: Encode<In, Codec.Bytes>
  /** Reads the value that takes exactly `[offset, end)`. Throws when there is none. The bytes may go afterwards. */
  readonly decode: (bytes: Codec.Bytes, offset: number, end: number) => Out
  /** Called when the last `count` records that `encode` wrote are there for readers. */
  readonly published?: ((count: number) => void) | undefined
  /** Called once before the first `encode`, with the last record of the channel, if it has one. */
  readonly resume?: ((bytes: Codec.Bytes, offset: number, end: number) => void) | undefined
}

/**
 * What a coder may know.
 *
 * @category models
 * @since 0.1.0
 */
export interface Context {
  /** Ticks since 1970: nanoseconds, or the unit of a file of kekbit. */
  readonly now: () => bigint
}

/**
 * Writes `In`, reads `Out`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Format<in In, out Out = In> {
  /** In the channel's header: a channel with another one is refused. */
  readonly id: string
  readonly coder: (context: Context) => Coder<In, Out>
}

/**
 * Bytes as they are. What is read is a copy.
 *
 * @category formats
 * @since 0.1.0
 */
export const raw: Format<Uint8Array, Uint8Array<ArrayBuffer>> = { id: "raw", coder: () => internal.raw }

/**
 * Text as UTF-8. A lone surrogate becomes U+FFFD.
 *
 * @category formats
 * @since 0.1.0
 */
export const text: Format<string> = { id: "text", coder: () => internal.text }

/**
 * A line of JSON a record, its newline included: other tools read it.
 *
 * @category formats
 * @since 0.1.0
 */
export const jsonLines = <A, I>(schema: Schema.Codec<A, I>): Format<A> => {
  const json = Schema.fromJsonString(Schema.toCodecJson(schema))
  const encode = Schema.encodeSync(json)
  const decode = Schema.decodeSync(json)
  return { id: "jsonLines", coder: () => internal.lines(encode, decode) }
}

/**
 * Values of any schema that can cross a thread, by the runtime's `Codec`. Throws a `CodecDefinitionError` for others. A
 * channel can be read with the schema that it was written with, and no other: its fingerprint is part of the id.
 *
 * @category formats
 * @since 0.1.0
 */
export const schema = <S extends Schema.Top>(schema: S): Format<S["Type"]> => {
  const codec = Codec.make(schema)
  return { id: `schema:${codec.fingerprint}`, coder: () => codec }
}

/**
 * Records of fixed size, by the runtime's `Layout`.
 *
 * @category formats
 * @since 0.1.0
 */
export const layout = <A>(layout: Layout.Layout<A>): Format<A> => ({
  id: `layout:${layout.fingerprint}`,
  coder: () => internal.layout(layout)
})

/**
 * The same records, read in place: what a reader gives out is a view of the record that it stands on, always the same
 * object, good until the next record is read. No object is made for a record.
 *
 * @category formats
 * @since 0.1.0
 */
export const layoutViews = <A>(layout: Layout.Layout<A>): Format<A, Layout.ReadonlyView<A>> => ({
  id: `layout:${layout.fingerprint}`,
  coder: () => internal.views(layout)
})

/**
 * A record with the time at which it was encoded, in 8 bytes before it: nanoseconds since 1970, or the unit of a file of
 * kekbit.
 *
 * @category handlers
 * @since 0.1.0
 */
export const timestamped = <In, Out>(
  format: Format<In, Out>
): Format<In, { readonly timestamp: bigint; readonly value: Out }> => ({
  id: `timestamp+${format.id}`,
  coder: (context) => internal.timestamped(format.coder(context), context.now)
})

/**
 * A record with its number, in 8 bytes before it. It goes on where the channel's last record left off.
 *
 * @category handlers
 * @since 0.1.0
 */
export const sequenced = <In, Out>(format: Format<In, Out>, options?: {
  /** The number before the first. (Default: 0) */
  readonly start?: number | undefined
}): Format<In, { readonly sequence: number; readonly value: Out }> => ({
  id: `sequence+${format.id}`,
  coder: (context) => internal.sequenced(format.coder(context), options?.start ?? 0)
})

/**
 * A record with a checksum (XXH32) in 4 bytes behind it; a wrong one does not decode. For kekbit's files, which have
 * none: in those of Troupe every record has one.
 *
 * @category handlers
 * @since 0.1.0
 */
export const checksummed = <In, Out>(format: Format<In, Out>): Format<In, Out> => ({
  id: `checksum+${format.id}`,
  coder: (context) => internal.checksummed(format.coder(context))
})
