/**
 * Writes records into one file of a channel.
 *
 * **Contract** One thread, which holds the channel's lock. Readers in other threads and processes look on.
 * **Invariant** `offset` is where an END stands. A record is there as a whole or not at all: an encoder that throws, or
 * finds no room, has written behind the END only, and `offset` has not moved.
 * **Ordering** END behind the record, checksum and payload are plain stores; then one Atomics store of the word
 * publishes them. A process that is killed between any two of them leaves the old END.
 * **Allocation** None, but for what the encoder allocates.
 * **Evidence** test/hot/appender.test.ts: against an array; stress/crash.ts; benchmark `channel.append`.
 */
import { checksum } from "./checksum.ts"
import { END, RECORD, RECORD_HEADER } from "./segment.ts"

/** Writes a value at `offset` and gives the offset behind it, or -1 when that would pass `limit`. */
export type Encode<A, B> = (value: A, bytes: B, offset: number, limit: number) => number

/** The record does not fit between here and `limit`. */
export const NO_ROOM = -1
/** No file of this channel takes the record. */
export const TOO_LONG = -2

export class Appender<B> {
  /** Where the next record's word goes. */
  offset: number
  /** Nothing is written at or behind it. It may be raised. */
  limit: number
  readonly bytes: B
  readonly u8: Uint8Array
  readonly i32: Int32Array
  readonly maxLength: number
  readonly salt: number

  constructor(options: {
    readonly buffer: ArrayBufferLike
    readonly bytes: B
    readonly offset: number
    readonly limit: number
    readonly maxLength: number
    readonly salt: number
  }) {
    this.bytes = options.bytes
    this.u8 = new Uint8Array(options.buffer)
    this.i32 = new Int32Array(options.buffer, 0, options.buffer.byteLength >>> 2)
    this.offset = options.offset
    this.limit = options.limit
    this.maxLength = options.maxLength
    this.salt = options.salt
  }

  /** Publishes one record and gives its offset, or why it did not. */
  append<A>(encode: Encode<A, B>, value: A): number {
    const { offset } = this
    const end = this.#write(encode, value, offset)
    if (end < 0) return end
    const next = (end + 7) & -8
    const { i32 } = this
    i32[next >> 2] = END
    Atomics.store(i32, offset >> 2, RECORD | (end - offset - RECORD_HEADER))
    this.offset = next
    return offset
  }

  /**
   * Publishes all of them or none, at one instant, and gives the offset of the first: nobody sees some of them. The
   * words behind the first are plain stores, which its store publishes.
   */
  appendAll<A>(encode: Encode<A, B>, values: ReadonlyArray<A>): number {
    const first = this.offset
    const { i32 } = this
    let offset = first
    let firstWord = END
    for (let i = 0; i < values.length; i++) {
      const end = this.#write(encode, values[i]!, offset)
      if (end < 0) return end
      const word = RECORD | (end - offset - RECORD_HEADER)
      if (i === 0) firstWord = word
      else i32[offset >> 2] = word
      offset = (end + 7) & -8
    }
    if (offset === first) return first
    i32[offset >> 2] = END
    Atomics.store(i32, first >> 2, firstWord)
    this.offset = offset
    return first
  }

  /** Ends the file with a mark, for good. */
  mark(mark: number): void {
    const { i32, offset, salt } = this
    i32[(offset >> 2) + 1] = salt ^ offset
    Atomics.store(i32, offset >> 2, mark)
    this.limit = 0
  }

  /** Payload and check of a record at `offset`; gives the offset behind the payload. */
  #write<A>(encode: Encode<A, B>, value: A, offset: number): number {
    const { maxLength } = this
    const start = offset + RECORD_HEADER
    // The mark behind the record needs room too.
    const room = ((this.limit - RECORD_HEADER) & -8) - start
    const most = room < maxLength ? room : maxLength
    const end = most < 0 ? -1 : encode(value, this.bytes, start, start + most)
    if (end < 0) return most < maxLength ? NO_ROOM : TOO_LONG
    this.i32[(offset >> 2) + 1] = checksum(this.u8, this.i32, start, end - start, this.salt ^ offset)
    return end
  }
}
