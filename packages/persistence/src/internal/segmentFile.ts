/**
 * The files of a channel: names, headers, and one of them open.
 *
 * ```text
 *    0  signature "*TROUPE*"      28  longest record     u32      64  bytes of the format   u32
 *    8  version         u32       32  salt               i32      68  the format's id, UTF-8
 *   12  channel         u64       40  made, ms           f64    2040  checksum of 0 to 2040  i32
 *   20  capacity        u32       48  timeout, ms        f64
 *                                 56  base position      f64
 * ```
 *
 * A file is named after its base, the position of its first record, and the next one's base is that and the capacity:
 * no position is ever used twice, also where a file was ended early.
 */
import * as Codec from "@troupe/runtime/Codec"
import * as Platform from "#platform"
import { ChannelError, NotAChannel } from "../ChannelError.ts"
import { checksum } from "./hot/checksum.ts"
import { END, FOLLOWS, FOUND_RECORD, HEADER_BYTES, MAX_LENGTH, RECORD_HEADER, SYNCED } from "./hot/segment.ts"
import { Scanner } from "./hot/scanner.ts"
import * as Mapping from "./mapping.ts"

/** What a file's header says. */
export interface Header {
  /** The channel, whatever its path: 64 random bits. */
  readonly channel: bigint
  /** Position of the first record. */
  readonly base: number
  /** Bytes of records and the mark behind them: a multiple of 8. */
  readonly capacity: number
  /** Bytes of a record's payload at most. */
  readonly maxLength: number
  /** The seed of the file's checksums. */
  readonly salt: number
  /** Milliseconds since 1970. */
  readonly created: number
  /** Milliseconds; Infinity for none. */
  readonly timeout: number
  readonly format: string
}

const SIGNATURE = new TextEncoder().encode("*TROUPE*")
/** Major and minor: another major is not read. */
const VERSION = 1 << 16
const CHECK = 2040
const FORMAT = 68
const FORMAT_BYTES = 1024

/** Bytes. A file has at least room for a record of the least length. */
export const MIN_CAPACITY = 4096
export const MAX_CAPACITY = 2 ** 30

export const EXTENSION = ".channel"

/** 16 digits sort as numbers do. */
const fileName = (base: number): string => String(base).padStart(16, "0") + EXTENSION

export const pathOf = (directory: string, base: number): string => Platform.join(directory, fileName(base))

/** The bases of a channel's files, in their order. */
export const list = (directory: string): ReadonlyArray<number> =>
  Platform.list(directory)
    .filter((name) => /^\d{16}\.channel$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b)

/** One file of a channel, open. */
export class Segment {
  readonly mapping: Mapping.Mapping
  readonly header: Header
  readonly bytes: Codec.Bytes
  readonly i32: Int32Array
  /** Offset behind the last byte of records. */
  readonly limit: number

  constructor(mapping: Mapping.Mapping, header: Header) {
    this.mapping = mapping
    this.header = header
    this.bytes = new Codec.Bytes(mapping.buffer)
    this.i32 = new Int32Array(mapping.buffer, 0, mapping.byteLength >>> 2)
    this.limit = HEADER_BYTES + header.capacity
  }

  positionOf(offset: number): number {
    return this.header.base + offset - HEADER_BYTES
  }

  offsetOf(position: number): number {
    return position - this.header.base + HEADER_BYTES
  }

  /** Offset up to which records were known to be on the disk. */
  get synced(): number {
    return Atomics.load(this.i32, SYNCED)
  }

  /** Whether the file before it was on the disk. */
  get follows(): boolean {
    return Atomics.load(this.i32, FOLLOWS) === 1
  }

  set follows(value: boolean) {
    Atomics.store(this.i32, FOLLOWS, value ? 1 : 0)
  }

  scanner(offset: number): Scanner<Codec.Bytes> {
    const { maxLength, salt } = this.header
    return new Scanner({
      buffer: this.mapping.buffer,
      bytes: this.bytes,
      offset,
      limit: this.limit,
      maxLength,
      salt
    })
  }

  /** Walks to the end: where that is, what is there, and the last record before it. */
  scan(): {
    readonly offset: number
    readonly found: number
    readonly last: Scanner<Codec.Bytes> | undefined
  } {
    const scanner = this.scanner(HEADER_BYTES)
    let records = 0
    for (;;) {
      const found = scanner.look()
      if (found !== FOUND_RECORD) {
        return { offset: scanner.offset, found, last: records === 0 ? undefined : scanner }
      }
      scanner.advance()
      records++
    }
  }

  close(): void {
    this.mapping.close()
  }
}

const writeHeader = (buffer: ArrayBufferLike, header: Header): void => {
  const view = new DataView(buffer)
  const u8 = new Uint8Array(buffer)
  const format = new TextEncoder().encode(header.format)
  u8.set(SIGNATURE)
  view.setUint32(8, VERSION, true)
  view.setBigUint64(12, header.channel, true)
  view.setUint32(20, header.capacity, true)
  view.setUint32(28, header.maxLength, true)
  view.setInt32(32, header.salt, true)
  view.setFloat64(40, header.created, true)
  view.setFloat64(48, header.timeout, true)
  view.setFloat64(56, header.base, true)
  view.setUint32(64, format.length, true)
  u8.set(format, FORMAT)
  const i32 = new Int32Array(buffer, 0, HEADER_BYTES >> 2)
  i32[CHECK >> 2] = checksum(u8, i32, 0, CHECK, 0)
  i32[SYNCED] = HEADER_BYTES
  new Int32Array(buffer, HEADER_BYTES, 1)[0] = END
}

const refuse = (path: string, offset: number, issue: string): never => {
  throw new ChannelError({ path, reason: new NotAChannel({ offset, issue }) })
}

const readHeader = (path: string, buffer: ArrayBufferLike): Header => {
  const view = new DataView(buffer)
  const u8 = new Uint8Array(buffer)
  if (!SIGNATURE.every((byte, i) => u8[i] === byte)) refuse(path, 0, "another signature")
  const version = view.getUint32(8, true)
  if (version >>> 16 !== VERSION >>> 16) {
    refuse(path, 8, `version ${version >>> 16}.${version & 0xffff}, not ${VERSION >>> 16}`)
  }
  const i32 = new Int32Array(buffer, 0, HEADER_BYTES >> 2)
  if (i32[CHECK >> 2] !== checksum(u8, i32, 0, CHECK, 0)) refuse(path, CHECK, "its header has changed")
  const capacity = view.getUint32(20, true)
  const maxLength = view.getUint32(28, true)
  const base = view.getFloat64(56, true)
  const length = view.getUint32(64, true)
  // A header whose checksum is right can only be wrong if it was made wrong; all the same nothing follows it blindly.
  if (!(capacity >= MIN_CAPACITY && capacity <= MAX_CAPACITY && capacity % 8 === 0)) {
    refuse(path, 20, "the capacity")
  }
  if (!(maxLength <= MAX_LENGTH && maxLength + 2 * RECORD_HEADER <= capacity)) {
    refuse(path, 28, "the longest record")
  }
  if (!(Number.isSafeInteger(base) && base >= 0 && base % 8 === 0)) refuse(path, 56, "the base")
  if (length > FORMAT_BYTES) refuse(path, 64, "the format")
  return {
    channel: view.getBigUint64(12, true),
    base,
    capacity,
    maxLength,
    salt: view.getInt32(32, true),
    created: view.getFloat64(40, true),
    timeout: view.getFloat64(48, true),
    format: new TextDecoder().decode(u8.subarray(FORMAT, FORMAT + length))
  }
}

/** Opens a file of a channel. Throws a `ChannelError`, or a `FileError`. */
export const open = (directory: string, base: number, access: "read" | "write"): Segment => {
  const path = pathOf(directory, base)
  const mapping = Mapping.open(path, access, HEADER_BYTES)
  try {
    const header = readHeader(path, mapping.buffer)
    Platform.assertSize(path, mapping.fd, HEADER_BYTES + header.capacity)
    if (header.base !== base) refuse(path, 56, `the base is ${header.base}`)
    return new Segment(mapping, header)
  } catch (cause) {
    mapping.close()
    throw cause
  }
}

/** Makes a file of a channel, which has its name only when it is whole, on the disk too. */
export const create = (
  directory: string,
  header: Omit<Header, "salt">,
  /** Whether there is no file before it. */
  first: boolean
): Segment => {
  const path = pathOf(directory, header.base)
  const made = `${path}.new`
  // What a writer left that died while it made one.
  Platform.remove(made)
  const mapping = Mapping.create(made, HEADER_BYTES + header.capacity)
  try {
    const whole = { ...header, salt: Platform.random32() | 0 }
    writeHeader(mapping.buffer, whole)
    new Int32Array(mapping.buffer)[FOLLOWS] = first ? 1 : 0
    Platform.syncFile(made, mapping.fd)
    if (!Platform.publish(made, path)) refuse(path, 0, "a file is where the next one of this channel goes")
    mapping.path = path
    return new Segment(mapping, whole)
  } catch (cause) {
    mapping.close()
    Platform.remove(made)
    throw cause
  }
}

/**
 * Removes the oldest files, in their order, each from the disk before the next: a loss of power that brought back some of
 * them would leave a gap.
 */
export const removeOldest = (directory: string, bases: ReadonlyArray<number>): void => {
  for (const base of bases) {
    Platform.remove(pathOf(directory, base))
    Platform.syncDirectory(directory)
  }
}

/** Bytes that a format's id may have. */
export const isFormat = (id: string): boolean => new TextEncoder().encode(id).length <= FORMAT_BYTES
