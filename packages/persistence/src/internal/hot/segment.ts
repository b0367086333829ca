/**
 * The bytes of a channel's file, apart from what writes and reads them. Little endian; offsets are bytes from the
 * file's beginning.
 *
 * ```text
 *    0  header, see internal/segmentFile.ts: written once, before the file has its name
 * 2048  LEFT     i32   1 while no writer has the file and the last one left it in order
 * 2052  SEALED   i32   offset of the mark that ends the file, once it has one
 * 2056  SYNCED   i32   offset up to which records were on the disk when it was written: never too great
 * 2060  FOLLOWS  i32   1 once the file before this one was on the disk, its mark included: then no loss of power makes
 *                 a gap before it
 * 4096  records, one after another:
 *         0  word      i32   RECORD | length, or a mark
 *         4  check     i32   of a record: checksum of its payload, seeded with the file's salt and its offset
 *                            of CLOSED and CONTINUED: salt ^ offset; of END: nothing
 *         8  payload   length bytes, then up to 7 that mean nothing, so that the next one begins at a multiple of 8
 * ```
 *
 * **Contract** One writer, any number of readers, in any threads and processes.
 * **Invariant** Behind the last record there is a mark: END while the file may grow, CLOSED or CONTINUED for ever. Zero
 * is neither a record nor a mark, so a stretch of zeros is damage.
 * **Ordering** The word alone publishes: one Atomics store of 32 bits, after payload, check and the END behind it.
 * **Allocation** None.
 * **Evidence** test/Channel.damage.test.ts, stress/crash.ts, stress/power.ts.
 */

/** Bytes before the first record. */
export const HEADER_BYTES = 4096
export const LEFT = 2048 >> 2
export const SEALED = 2052 >> 2
export const SYNCED = 2056 >> 2
export const FOLLOWS = 2060 >> 2

/** Bytes of word and check. */
export const RECORD_HEADER = 8

/** The word of a record has these two bits on top, its length in the rest. */
export const RECORD = 0x40000000
/** The longest payload that a word can say. */
export const MAX_LENGTH = RECORD - 1

// Marks differ from each other, from zero and from any record in many bits.
/** Nothing yet: the writer goes on here. */
export const END = 0x8e1d5ad3 | 0
/** The channel ends here. */
export const CLOSED = 0xb370c92e | 0
/** The channel goes on in the next file. */
export const CONTINUED = 0xd92ea635 | 0

/** What stands at a place. */
export const FOUND_END = 0
export const FOUND_RECORD = 1
export const FOUND_CLOSED = 2
export const FOUND_CONTINUED = 3
/** This and everything above it is damage. */
export const DAMAGE = 4
export const DAMAGE_ZEROED = 4
export const DAMAGE_MARK = 5
export const DAMAGE_LENGTH = 6
export const DAMAGE_CHECKSUM = 7
export const DAMAGE_OUTSIDE = 8
