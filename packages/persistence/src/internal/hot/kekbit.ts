/**
 * Records in a file of Rust's kekbit, 1.0.0, byte for byte. Little endian; offsets are bytes from the file's beginning.
 *
 * ```text
 *    0  signature "*KEKBIT*"            40  timeout, ticks      u64
 *    8  version  major<<48|minor<<32|patch  48  made, ticks     u64
 *   16  writer   u64                    56  unit of a tick      u8: 9 nanos, 6 micros, 3 millis, 0 seconds
 *   24  channel  u64                  1024  records: length u64, payload, up to 7 bytes, so that the next begins at
 *   32  capacity u32                        a multiple of 8; END or CLOSE behind the last; a length of 0 is a heartbeat
 *   36  longest payload u32
 * ```
 *
 * The file has capacity + 160 bytes, so the tail of a full channel lies behind its end, where kekbit loses it: nothing
 * is written there, and the channel is full 864 bytes earlier.
 *
 * **Contract** One writer, any number of readers, in any threads and processes.
 * **Invariant** As kekbit's: an END or CLOSE stands behind the last record. Nothing is read or written outside the file.
 * There are no checksums: bytes that changed within a record are not noticed.
 * **Ordering** END behind the record is a plain store, the length an Atomics store of 64 bits: two stores of 32 could be
 * seen by halves.
 * **Allocation** BigInts, which those 64 bits are in JavaScript.
 * **Evidence** test/Kekbit.test.ts: files that kekbit wrote, and the same bytes written here.
 */
import { type Encode, NO_ROOM, TOO_LONG } from "./appender.ts"
import type { Walker } from "./scanner.ts"
import {
  DAMAGE_LENGTH,
  DAMAGE_OUTSIDE,
  DAMAGE_ZEROED,
  FOUND_CLOSED,
  FOUND_END,
  FOUND_RECORD,
  RECORD_HEADER
} from "./segment.ts"

/** Offset of the first record: kekbit adds 128 to a pointer of 64 bits. */
export const DATA = 1024
export const END = 0xffffffff11111111n
export const CLOSE = 0xffffffffffffffffn

/** Headers behind heartbeats that must make sense before they are taken for heartbeats. */
const LOOK_AHEAD = 8

export class KekbitAppender<B> {
  offset = DATA
  limit: number
  readonly #bytes: B
  readonly #u64: BigUint64Array
  readonly #maxLength: number

  /** Over the whole file, whose length is a multiple of 8. */
  constructor(buffer: ArrayBufferLike, bytes: B, maxLength: number) {
    this.#bytes = bytes
    this.#u64 = new BigUint64Array(buffer, 0, buffer.byteLength >>> 3)
    this.#maxLength = maxLength
    this.limit = buffer.byteLength
    Atomics.store(this.#u64, DATA >> 3, END)
  }

  append<A>(encode: Encode<A, B>, value: A): number {
    const { offset } = this
    const start = offset + RECORD_HEADER
    const room = this.limit - RECORD_HEADER - start
    const most = Math.min(room, this.#maxLength)
    const end = most < 0 ? -1 : encode(value, this.#bytes, start, start + most)
    if (end < 0) return most < this.#maxLength ? NO_ROOM : TOO_LONG
    this.#publish(offset, end - start)
    return offset
  }

  /** A sign of life: readers start their timeouts over. False when there is no room. */
  beat(): boolean {
    if (this.offset + 2 * RECORD_HEADER > this.limit) return false
    this.#publish(this.offset, 0)
    return true
  }

  close(): void {
    Atomics.store(this.#u64, this.offset >> 3, CLOSE)
    this.limit = 0
  }

  #publish(offset: number, length: number): void {
    const next = (offset + RECORD_HEADER + length + 7) & -8
    this.#u64[next >> 3] = END
    Atomics.store(this.#u64, offset >> 3, BigInt(length))
    this.offset = next
  }
}

export class KekbitScanner<B> implements Walker<B> {
  offset = DATA
  start = 0
  end = 0
  readonly bytes: B
  readonly #u64: BigUint64Array
  readonly #limit: number
  readonly #maxLength: bigint

  constructor(buffer: ArrayBufferLike, bytes: B, maxLength: number) {
    this.bytes = bytes
    this.#u64 = new BigUint64Array(buffer, 0, buffer.byteLength >>> 3)
    this.#limit = buffer.byteLength & -8
    this.#maxLength = BigInt(maxLength)
  }

  /** Heartbeats are passed over: this moves. */
  look(): number {
    const found = this.#at(this.offset)
    if (found !== FOUND_RECORD || this.end > this.start) return found
    const behind = this.#behindZeros(this.offset)
    if (behind < 0) return DAMAGE_ZEROED
    this.offset = behind
    return this.#at(behind)
  }

  advance(): void {
    this.offset = (this.end + 7) & -8
  }

  #at(offset: number): number {
    if (offset + RECORD_HEADER > this.#limit) return DAMAGE_OUTSIDE
    const word = Atomics.load(this.#u64, offset >> 3)
    if (word === END) return FOUND_END
    if (word === CLOSE) return FOUND_CLOSED
    if (word > this.#maxLength) return DAMAGE_LENGTH
    const start = offset + RECORD_HEADER
    const end = start + Number(word)
    if (end > this.#limit) return DAMAGE_OUTSIDE
    this.start = start
    this.end = end
    return FOUND_RECORD
  }

  /**
   * The first header behind heartbeats; -1 when the zeros are no heartbeats: nothing is behind them, or nothing that is
   * a header. kekbit writes END behind a heartbeat before it writes the heartbeat, so zeros never reach the file's end.
   */
  #behindZeros(from: number): number {
    let at = from
    while (at + RECORD_HEADER <= this.#limit && Atomics.load(this.#u64, at >> 3) === 0n) at += RECORD_HEADER
    let next = at
    for (let i = 0; i < LOOK_AHEAD; i++) {
      const found = this.#at(next)
      if (found === FOUND_END || found === FOUND_CLOSED) break
      // The tail of a full channel is cut off, and that is no sign of zeros; but something must be there.
      if (found === DAMAGE_OUTSIDE && i > 0) break
      if (found !== FOUND_RECORD) return -1
      next = (this.end + 7) & -8
    }
    return at
  }
}
