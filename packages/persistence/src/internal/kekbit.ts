/** Files of kekbit: their paths, headers, and the cores of a writer and a reader over one. */
import * as Codec from "@troupe/runtime/Codec"
import * as Platform from "#platform"
import {
  AlreadyExists,
  ChannelError,
  Damaged,
  Full,
  NotAChannel,
  NotEncoded,
  NotReady,
  type Reason,
  Released,
  TooLong
} from "../ChannelError.ts"
import type { Coder } from "../Format.ts"
import type { Metadata, TickUnit } from "../Kekbit.ts"
import { issueOf, refuse, toChannelError } from "./attempt.ts"
import { TOO_LONG } from "./hot/appender.ts"
import { DATA, KekbitAppender, KekbitScanner } from "./hot/kekbit.ts"
import { FOUND_RECORD } from "./hot/segment.ts"
import * as Mapping from "./mapping.ts"
import type { Source } from "./reader.ts"
import type { Core } from "./writer.ts"

const SIGNATURE = 0x2a5449424b454b2an
/** 1.0.0 */
const VERSION = 1n << 48n
const MIN_CAPACITY = 16_384
/** What the file has beyond its capacity: kekbit's header and footer. */
const EXTRA = 160
const HEADER = 128

const align = (n: number): number => Math.ceil(n / 8) * 8

/** The capacity that kekbit makes of a wish. */
export const capacityOf = (hint: number): number => Math.max(MIN_CAPACITY, align(hint))

const longest = (capacity: number): number => Math.floor(capacity / 128) - 8

/** The longest payload that kekbit makes of a wish. */
export const maxLengthOf = (hint: number, capacity: number): number =>
  align(Math.min(hint + 8, longest(capacity)))

const units: Readonly<Record<TickUnit, { readonly id: number; readonly nanos: bigint }>> = {
  nanos: { id: 9, nanos: 1n },
  micros: { id: 6, nanos: 1000n },
  millis: { id: 3, nanos: 1_000_000n },
  seconds: { id: 0, nanos: 1_000_000_000n }
}

export const nanosOf = (unit: TickUnit): bigint => units[unit].nanos

const hex = (n: bigint): string => (n & 0xffffn).toString(16).padStart(4, "0")

/** `hhhh_hhhh/llll_llll`, without an extension. */
const stemOf = (root: string, channel: bigint): string =>
  Platform.join(
    root,
    `${hex(channel >> 48n)}_${hex(channel >> 32n)}`,
    `${hex(channel >> 16n)}_${hex(channel)}`
  )

const pathOf = (root: string, channel: bigint): string => `${stemOf(root, channel)}.kekbit`
const lockOf = (root: string, channel: bigint): string => `${stemOf(root, channel)}.lock`

const writeHeader = (buffer: ArrayBufferLike, metadata: Metadata): void => {
  const view = new DataView(buffer)
  view.setBigUint64(0, SIGNATURE, true)
  view.setBigUint64(8, VERSION, true)
  view.setBigUint64(16, metadata.writerId, true)
  view.setBigUint64(24, metadata.channelId, true)
  view.setUint32(32, metadata.capacity, true)
  view.setUint32(36, metadata.maxLength, true)
  view.setBigUint64(40, metadata.timeout, true)
  view.setBigUint64(48, metadata.created, true)
  view.setUint8(56, units[metadata.tickUnit].id)
}

const readHeader = (path: string, buffer: ArrayBufferLike): Metadata => {
  const view = new DataView(buffer)
  const not = (offset: number, issue: string): never => refuse(path, new NotAChannel({ offset, issue }))
  if (view.getBigUint64(0, true) !== SIGNATURE) not(0, "another signature")
  const version = view.getBigUint64(8, true)
  if (version >> 48n !== VERSION >> 48n) not(8, `version ${version >> 48n}, not 1`)
  const capacity = view.getUint32(32, true)
  if (capacity < MIN_CAPACITY || capacity % 8 !== 0) not(32, `a capacity of ${capacity}`)
  const maxLength = view.getUint32(36, true)
  if (maxLength > align(longest(capacity)) || maxLength % 8 !== 0) not(36, `records of ${maxLength} bytes`)
  const id = view.getUint8(56)
  const unit = Object.entries(units).find(([, unit]) => unit.id === id)?.[0] ?? not(56, `a tick unit ${id}`)
  return {
    writerId: view.getBigUint64(16, true),
    channelId: view.getBigUint64(24, true),
    capacity,
    maxLength,
    timeout: view.getBigUint64(40, true),
    created: view.getBigUint64(48, true),
    tickUnit: unit as TickUnit
  }
}

/** Throws errors of channels and of files. */
export class KekbitSource implements Source {
  readonly path: string
  readonly kekbit: Metadata
  readonly walker: KekbitScanner<Codec.Bytes>
  readonly shift = -DATA
  readonly timeout: number
  /** kekbit has no bells: who waits looks from time to time. */
  readonly sleeper = undefined
  readonly #mapping: Mapping.Mapping
  readonly #scanner: () => KekbitScanner<Codec.Bytes>

  constructor(root: string, channel: bigint) {
    const path = pathOf(root, channel)
    this.path = path
    if (Platform.exists(path) && Platform.exists(lockOf(root, channel))) refuse(path, new NotReady())
    this.#mapping = Mapping.open(path, "read", HEADER)
    const { buffer } = this.#mapping
    try {
      this.kekbit = readHeader(path, buffer)
      Platform.assertSize(path, this.#mapping.fd, this.kekbit.capacity + EXTRA)
    } catch (cause) {
      this.#mapping.close()
      throw cause
    }
    const bytes = new Codec.Bytes(buffer)
    this.#scanner = () => new KekbitScanner(buffer, bytes, this.kekbit.maxLength)
    this.walker = this.#scanner()
    this.timeout = Number(this.kekbit.timeout) * Number(nanosOf(this.kekbit.tickUnit)) / 1e6
  }

  next(): boolean {
    return false
  }

  /** Nothing in the file says where records begin: they are walked over, from the first. */
  seek(position: number): void {
    const scanner = this.#scanner()
    const offset = position + DATA
    while (scanner.look() === FOUND_RECORD && scanner.offset < offset) scanner.advance()
    if (scanner.offset !== offset) refuse(this.path, new Damaged({ position, offset, damage: "position" }))
    this.walker.offset = offset
  }

  /** Goes to what is behind the last record. */
  seekEnd(): void {
    while (this.walker.look() === FOUND_RECORD) this.walker.advance()
  }

  assertWhole(): void {
    this.#mapping.assertWhole()
  }

  close(): void {
    this.#mapping.close()
  }
}

export class KekbitWriter<In> implements Core<In> {
  readonly path: string
  readonly kekbit: Metadata
  readonly recovery = { _tag: "New" } as const
  readonly #coder: Coder<In, unknown>
  readonly #mapping: Mapping.Mapping
  readonly #appender: KekbitAppender<Codec.Bytes>
  #refusal: Reason | undefined

  /** Throws errors of channels and of files. */
  constructor(root: string, metadata: Metadata, coder: Coder<In, unknown>) {
    const path = pathOf(root, metadata.channelId)
    const lock = lockOf(root, metadata.channelId)
    this.path = path
    this.kekbit = metadata
    this.#coder = coder
    Platform.assertSupported(path)
    if (Platform.exists(path)) refuse(path, new AlreadyExists())
    Platform.makeDirectory(Platform.directoryOf(path))
    // While it is there, readers of either kind keep away.
    Platform.close(Platform.open(lock, "touch"))
    try {
      this.#mapping = Mapping.create(path, metadata.capacity + EXTRA)
      writeHeader(this.#mapping.buffer, metadata)
      this.#appender = new KekbitAppender(
        this.#mapping.buffer,
        new Codec.Bytes(this.#mapping.buffer),
        metadata.maxLength
      )
      this.#mapping.syncUnsafe()
    } finally {
      Platform.remove(lock)
    }
  }

  get position(): number {
    return this.#appender.offset - DATA
  }

  readonly #encode = (value: In, bytes: Codec.Bytes, offset: number, limit: number): number => {
    const end = this.#coder.encode(value, bytes, offset, limit)
    if (end === offset) throw new Error("kekbit takes an empty record for a heartbeat")
    return end
  }

  append(value: In): number {
    let offset: number
    try {
      offset = this.#appender.append(this.#encode, value)
    } catch (cause) {
      throw this.#error(new NotEncoded({ issue: issueOf(cause) }))
    }
    if (offset < 0) throw this.#noRoom(offset)
    this.#coder.published?.(1)
    return offset - DATA
  }

  /** One after the other: kekbit has nothing that holds them together. */
  appendAll(values: ReadonlyArray<In>): number {
    const first = this.position
    for (const value of values) this.append(value)
    return first
  }

  beat(): void {
    if (!this.#appender.beat()) throw this.#noRoom(0)
  }

  sync(): void {
    this.#assertUsable()
    try {
      this.#mapping.assertWhole()
      this.#mapping.syncUnsafe()
    } catch (cause) {
      throw toChannelError(cause)
    }
  }

  syncAsync(done: (error: ChannelError | undefined) => void): void {
    if (this.#refusal !== undefined) return done(this.#error(this.#refusal))
    this.#mapping.syncAsync((error) => done(error && toChannelError(error)))
  }

  /** There is one file, which stays. */
  trim(): void {
    this.#assertUsable()
  }

  /** As kekbit's writer does when it is dropped. */
  close(): void {
    this.#assertUsable()
    this.#appender.close()
    try {
      this.#mapping.syncUnsafe()
    } finally {
      this.abandon()
    }
  }

  leave(): void {
    if (this.#refusal === undefined) this.close()
  }

  abandon(): void {
    this.#refusal ??= new Released()
    this.#appender.limit = 0
    this.#mapping.close()
  }

  #noRoom(refused: number): ChannelError {
    if (this.#refusal !== undefined) return this.#error(this.#refusal)
    return this.#error(
      refused === TOO_LONG
        ? new TooLong({ limit: this.kekbit.maxLength })
        : new Full({ capacity: this.kekbit.capacity })
    )
  }

  #assertUsable(): void {
    if (this.#refusal !== undefined) throw this.#error(this.#refusal)
  }

  #error(reason: Reason): ChannelError {
    return new ChannelError({ path: this.path, reason })
  }
}
