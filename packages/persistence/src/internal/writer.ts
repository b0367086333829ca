/** A channel's writer: the kernel on one file after another, and what becomes of records on the disk. */
import type * as Codec from "@troupe/runtime/Codec"
import type { Recovery } from "../Channel.ts"
import {
  ChannelError,
  Closed,
  Full,
  NotDecoded,
  NotEncoded,
  type Reason,
  Released,
  TooLong
} from "../ChannelError.ts"
import type { Coder } from "../Format.ts"
import * as Platform from "#platform"
import { convert, issueOf, toChannelError } from "./attempt.ts"
import * as Control from "./control.ts"
import { Appender, TOO_LONG } from "./hot/appender.ts"
import { CLOSED, HEADER_BYTES, LEFT, RECORD_HEADER, SYNCED } from "./hot/segment.ts"
import * as Files from "./segmentFile.ts"
import { nextBase, seal, takeOver } from "./takeover.ts"

export interface Options<In> {
  readonly directory: string
  readonly coder: Coder<In, unknown>
  readonly header: Omit<Files.Header, "base" | "salt">
  readonly durability: "none" | "async" | "batch" | "each"
  readonly roll: boolean
  readonly keep: number
  readonly onDamage: "fail" | "seal"
}

/** Bytes that are made ready at a time, and after which the file's length is looked at again. */
const STEP = 256 * 1024

type Waiter = (error: ChannelError | undefined) => void

/** What a writer of any format can do. */
export interface Core<In> {
  readonly path: string
  readonly position: number
  readonly recovery: Recovery
  append(value: In): number
  appendAll(values: ReadonlyArray<In>): number
  sync(): void
  syncAsync(done: Waiter): void
  trim(position: number): void
  close(): void
  leave(): void
  abandon(): void
}

export class ChannelWriter<In> implements Core<In> {
  readonly path: string
  readonly recovery: Recovery
  readonly #options: Options<In>
  readonly #coder: Coder<In, unknown>
  readonly #lock: number
  readonly #bells: Control.Bells
  readonly #each: boolean
  #segment: Files.Segment
  #appender!: Appender<Codec.Bytes>
  /** What is added to an offset to give a position. */
  #shift = 0
  /** Offset in the present file up to which everything is on the disk. */
  #synced = HEADER_BYTES
  /** Why nothing is written any more. */
  #refusal: Reason | undefined
  #syncing = false
  /** Full files that are on their way to the disk, and who waits for them. */
  #olds = 0
  readonly #afterOlds: Array<() => void> = []
  #waiters: Array<Waiter> = []

  /** Throws errors of channels and of files. */
  constructor(options: Options<In>) {
    const { coder, directory } = options
    this.path = directory
    this.#options = options
    this.#coder = coder
    this.#each = options.durability === "each"
    Platform.assertSupported(directory)
    Platform.makeDirectory(directory)
    this.#lock = Control.lockWriter(directory)
    try {
      this.#bells = new Control.Bells(directory)
      try {
        const place = takeOver(directory, {
          header: options.header,
          durable: options.durability !== "none",
          onDamage: options.onDamage,
          resume: (last) => {
            try {
              coder.resume?.(last.bytes, last.start, last.end)
            } catch (cause) {
              throw this.#error(new NotDecoded({ position: -1, issue: issueOf(cause) }))
            }
          }
        })
        this.recovery = place.recovery
        this.#segment = place.segment
        this.#enter(place.segment, place.offset)
      } catch (cause) {
        this.#bells.close()
        throw cause
      }
    } catch (cause) {
      Platform.close(this.#lock)
      throw cause
    }
    // Readers may be asleep at what was the end of a file.
    this.#bells.ring()
  }

  get header(): Files.Header {
    return this.#segment.header
  }

  get position(): number {
    return this.#shift + this.#appender.offset
  }

  append(value: In): number {
    for (;;) {
      let offset: number
      try {
        offset = this.#appender.append(this.#coder.encode, value)
      } catch (cause) {
        throw this.#error(new NotEncoded({ issue: issueOf(cause) }))
      }
      if (offset >= 0) {
        this.#published(1)
        return this.#shift + offset
      }
      this.#makeRoom(offset)
    }
  }

  appendAll(values: ReadonlyArray<In>): number {
    for (;;) {
      let offset: number
      try {
        offset = this.#appender.appendAll(this.#coder.encode, values)
      } catch (cause) {
        throw this.#error(new NotEncoded({ issue: issueOf(cause) }))
      }
      if (offset >= 0) {
        if (values.length > 0) this.#published(values.length)
        return this.#shift + offset
      }
      this.#makeRoom(offset)
    }
  }

  #published(count: number): void {
    if (this.#coder.published !== undefined) this.#coder.published(count)
    if (this.#bells.sleepers.any) this.#bells.ring()
    if (this.#each) this.sync()
  }

  /** Waits, with the thread, until everything is on the disk. A disk that failed once is not trusted again. */
  sync(): void {
    const { offset } = this.#appender
    if (offset === this.#synced || this.#refusal !== undefined) return this.#assertUsable()
    this.#orFail(() => {
      const { mapping } = this.#segment
      mapping.assertWhole()
      mapping.syncUnsafe(this.#synced, offset + RECORD_HEADER)
    })
    this.#isSynced(this.#segment, offset)
  }

  /** The same on another thread: one sync at a time, for all who wait when it begins. */
  syncAsync(done: Waiter): void {
    this.#waiters.push(done)
    if (this.#syncing) return
    this.#syncing = true
    // Whoever appends in the same turn of the fibers is served by the same sync.
    queueMicrotask(() => this.#startSync())
  }

  #startSync(): void {
    if (this.#olds > 0) return void this.#afterOlds.push(() => this.#startSync())
    const waiters = this.#waiters
    this.#waiters = []
    const segment = this.#segment
    const { offset } = this.#appender
    const finish = (error: ChannelError | undefined): void => {
      this.#syncing = this.#waiters.length > 0
      if (this.#syncing) this.#startSync()
      for (const done of waiters) done(error)
    }
    if (this.#refusal !== undefined) return finish(this.#error(this.#refusal))
    // Not before those who waited for the sync that has brought it there.
    if (offset === this.#synced) return queueMicrotask(() => finish(undefined))
    try {
      segment.mapping.assertWhole()
    } catch (cause) {
      return finish(this.#fail(toChannelError(cause)))
    }
    segment.mapping.syncAsync((error) => {
      if (error !== undefined) return finish(this.#fail(toChannelError(error)))
      this.#isSynced(segment, offset)
      finish(undefined)
    })
  }

  #isSynced(segment: Files.Segment, offset: number): void {
    // The file may have been left behind meanwhile; then it was synced when that happened.
    if (segment !== this.#segment || !segment.mapping.isOpen) return
    if (offset > this.#synced) this.#synced = offset
    Atomics.store(segment.i32, SYNCED, this.#synced)
  }

  /** Removes the files that end before a position. */
  trim(position: number): void {
    this.#assertUsable()
    const { directory } = this.#options
    const bases = Files.list(directory)
    // The last one is the present one, and stays.
    const dead = bases.slice(0, -1).filter((_, i) => bases[i + 1]! <= position)
    convert(() => Files.removeOldest(directory, dead))
  }

  /** Ends the channel. */
  close(): void {
    this.#assertUsable()
    this.#appender.mark(CLOSED)
    this.#bells.ring()
    this.#release(new Closed())
  }

  /** Leaves the channel to the next writer, in order. */
  leave(): void {
    if (this.#refusal !== undefined) return this.#release(this.#refusal)
    try {
      if (this.#options.durability !== "none") this.sync()
      Atomics.store(this.#segment.i32, LEFT, 1)
    } finally {
      this.#release(new Released())
    }
  }

  /** Vanishes, as a process that is killed does. */
  abandon(): void {
    this.#release(new Released())
  }

  #released = false

  #release(reason: Reason): void {
    if (this.#released) return
    this.#released = true
    try {
      if (reason._tag === "Closed" && this.#options.durability !== "none") {
        this.#segment.mapping.syncUnsafe(0, this.#appender.offset + RECORD_HEADER)
      }
    } catch (cause) {
      throw this.#fail(toChannelError(cause))
    } finally {
      this.#refusal ??= reason
      this.#appender.limit = 0
      this.#segment.close()
      this.#bells.close()
      Platform.close(this.#lock)
    }
  }

  // ---------------------------------------------------------------------------
  // room
  // ---------------------------------------------------------------------------

  #enter(segment: Files.Segment, offset: number): void {
    this.#segment = segment
    this.#shift = segment.positionOf(0)
    this.#synced = Math.max(HEADER_BYTES, Math.min(segment.synced, offset))
    const { maxLength, salt } = segment.header
    this.#appender = new Appender({
      buffer: segment.mapping.buffer,
      bytes: segment.bytes,
      offset,
      limit: offset,
      maxLength,
      salt
    })
    this.#extend()
  }

  /** Raises the limit up to which the kernel writes, which makes it come here now and then. */
  #extend(): void {
    const { mapping, limit: end, header } = this.#segment
    const appender = this.#appender
    const from = appender.limit
    mapping.assertWhole()
    // Where there is room for the longest record, the kernel can tell one that is too long.
    const to = Math.min(end, Math.max(from, appender.offset + header.maxLength + 2 * RECORD_HEADER) + STEP)
    mapping.populateUnsafe(from, Math.min(end, to))
    appender.limit = to
  }

  #makeRoom(refused: number): void {
    this.#assertUsable()
    const { limit } = this.#segment
    const appender = this.#appender
    if (refused === TOO_LONG) throw this.#error(new TooLong({ limit: appender.maxLength }))
    if (appender.limit < limit) return this.#orFail(() => this.#extend())
    if (!this.#options.roll) throw this.#error(new Full({ capacity: this.#segment.header.capacity }))
    // Only a batch finds no room in an empty file.
    if (appender.offset === HEADER_BYTES) throw this.#error(new TooLong({ limit: limit - HEADER_BYTES }))
    convert(() => this.#roll())
  }

  /** Goes on in a new file. When that cannot be made nothing has changed, and it can be tried again. */
  #roll(): void {
    const { directory, durability, header, keep } = this.#options
    const old = this.#segment
    const { offset } = this.#appender
    const { channel } = old.header
    const next = Files.create(directory, { ...header, channel, base: nextBase(old) }, false)
    seal(old, offset)
    // Before a record that is on the disk there must be no gap. Who does not wait for the disk does not wait here.
    if (durability === "batch" || durability === "each") {
      this.#orFail(() => old.mapping.syncUnsafe(this.#synced, offset + RECORD_HEADER))
      next.follows = true
    } else this.#syncOld(old, next)
    this.#enter(next, HEADER_BYTES)
    this.#bells.ring()
    old.close()
    if (keep < Infinity) {
      const bases = Files.list(directory)
      Files.removeOldest(directory, bases.slice(0, Math.max(0, bases.length - 1 - keep)))
    }
  }

  /** Brings a file that is full to the disk, on another thread; the one after it then says that it follows. */
  #syncOld(old: Files.Segment, next: Files.Segment): void {
    this.#olds++
    old.mapping.syncAsync((error) => {
      this.#olds--
      if (error !== undefined) this.#fail(toChannelError(error))
      else if (next.mapping.isOpen) next.follows = true
      if (this.#olds === 0) { for (const run of this.#afterOlds.splice(0)) run() }
    })
  }

  // ---------------------------------------------------------------------------
  // errors
  // ---------------------------------------------------------------------------

  #error(reason: Reason): ChannelError {
    return new ChannelError({ path: this.path, reason })
  }

  #assertUsable(): void {
    if (this.#refusal !== undefined) throw this.#error(this.#refusal)
  }

  /** The writer is of no use after this. */
  #fail(error: ChannelError): ChannelError {
    this.#refusal ??= error.reason
    this.#appender.limit = 0
    return error
  }

  #orFail(f: () => void): void {
    try {
      f()
    } catch (cause) {
      throw this.#fail(toChannelError(cause))
    }
  }
}
