/**
 * Walks over the records of one file of a channel.
 *
 * **Contract** One thread. The writer may append meanwhile, in another process.
 * **Invariant** No byte outside the file's records is read, whatever the bytes say. A record is given out only if its
 * length is possible and its checksum right; nothing behind damage is given out.
 * **Ordering** The word is an Atomics load: what it publishes is there when it is seen.
 * **Allocation** None.
 * **Evidence** test/hot/appender.test.ts, test/Channel.fuzz.test.ts; benchmark `channel.read`.
 */
import { checksum } from "./checksum.ts"
import {
  CLOSED,
  CONTINUED,
  DAMAGE_CHECKSUM,
  DAMAGE_LENGTH,
  DAMAGE_MARK,
  DAMAGE_OUTSIDE,
  DAMAGE_ZEROED,
  END,
  FOUND_CLOSED,
  FOUND_CONTINUED,
  FOUND_END,
  FOUND_RECORD,
  MAX_LENGTH,
  RECORD_HEADER
} from "./segment.ts"

/** What a reader walks with: over the files of Troupe, or of kekbit. */
export interface Walker<B> {
  readonly bytes: B
  /** Where it stands. */
  offset: number
  /** The payload of the record on which it stands, after {@link look} found one. */
  readonly start: number
  readonly end: number
  /** What is here: a number of internal/hot/segment.ts. */
  look(): number
  /** Goes behind the record that {@link look} found. */
  advance(): void
}

export class Scanner<B> implements Walker<B> {
  offset: number
  start = 0
  end = 0
  readonly bytes: B
  readonly #u8: Uint8Array
  readonly #i32: Int32Array
  readonly #limit: number
  readonly #maxLength: number
  readonly #salt: number

  constructor(options: {
    readonly buffer: ArrayBufferLike
    readonly bytes: B
    readonly offset: number
    /** The end of the file's records. */
    readonly limit: number
    readonly maxLength: number
    readonly salt: number
  }) {
    this.bytes = options.bytes
    this.#u8 = new Uint8Array(options.buffer)
    this.#i32 = new Int32Array(options.buffer, 0, options.buffer.byteLength >>> 2)
    this.offset = options.offset
    this.#limit = options.limit
    this.#maxLength = options.maxLength
    this.#salt = options.salt
  }

  look(): number {
    const { offset } = this
    const i32 = this.#i32
    if (offset + RECORD_HEADER > this.#limit) return DAMAGE_OUTSIDE
    const word = Atomics.load(i32, offset >> 2)
    if (word === END) return FOUND_END
    if (word >>> 30 !== 1) return this.#mark(word)
    const length = word & MAX_LENGTH
    const start = offset + RECORD_HEADER
    if (length > this.#maxLength || start + length + RECORD_HEADER > this.#limit) return DAMAGE_LENGTH
    if (checksum(this.#u8, i32, start, length, this.#salt ^ offset) !== i32[(offset >> 2) + 1]!) {
      return DAMAGE_CHECKSUM
    }
    this.start = start
    this.end = start + length
    return FOUND_RECORD
  }

  advance(): void {
    this.offset = (this.end + 7) & -8
  }

  #mark(word: number): number {
    if (word === 0) return DAMAGE_ZEROED
    if (word !== CLOSED && word !== CONTINUED) return DAMAGE_MARK
    if (this.#i32[(this.offset >> 2) + 1] !== (this.#salt ^ this.offset)) return DAMAGE_MARK
    return word === CLOSED ? FOUND_CLOSED : FOUND_CONTINUED
  }
}
