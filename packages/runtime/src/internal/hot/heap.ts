/**
 * Values of any size beside the rows of one chunk: blocks of bytes, found by a handle of 32 bits.
 *
 * **Contract**: one thread at a time, the one that has claimed the chunk. `grow` belongs to the thread that owns the
 * swarm, between turns.
 * **Invariant**: a block has a power of two of bytes from 16, its first word is the length of its value. Extent k has
 * `base << k` bytes, so that a handle says its extent, and what is there never moves. A block is either reachable by
 * one handle in a column, or in the free list of its size. All state lies in the extents: the first words of extent 0
 * are the end of what was ever used, the extents' number, and the heads of the free lists.
 * A value for which there is no room during a turn waits outside, under a handle from `WAITS` on, until `settle`: so
 * the bytes do not depend on which thread ran the chunk.
 * **Ordering**: plain memory. The claim of the chunk publishes it.
 * **Allocation**: what decoding makes; a copy of the bytes for a value that waits.
 * **Evidence**: `test/hot/heap.test.ts` compares it with a Map by property.
 */
import { Bytes } from "./bytes.ts"

/** What turns values into bytes: a codec. */
export interface Coder {
  encode(value: any, bytes: Bytes, offset: number, limit: number): number
  decode(bytes: Bytes, offset: number, end: number): any
}

/** The handle of nothing. */
export const NOTHING = 0
/** Handles from here on stand for values that wait for room. */
const WAITS = 0x80000000
/** Bytes of the smallest block, as a power of two; handles count in these. */
const UNIT = 4
/** Words of extent 0 before its first block. */
const USED = 0
const EXTENTS = 1
const FREE = 2
/** Bytes of those words. */
const HEAD = 160

/** A stretch of memory as others give it. */
interface Stretch {
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
  readonly byteLength: number
}

let scratch = new Bytes(new ArrayBuffer(1024))

export class Heap {
  /** Bytes of extent 0, a power of two. */
  readonly base: number
  private readonly stretches: Array<Bytes> = []
  private head!: Int32Array
  /** Values that wait for room. */
  waiting: Array<Uint8Array | undefined> = []

  constructor(base: number, first: Stretch) {
    this.base = base
    this.attach(first)
    if (this.head[USED] === 0) {
      this.head[USED] = HEAD >> UNIT
      this.head[EXTENTS] = 1
    }
  }

  /** How many extents there are in all, attached or not. */
  get extents(): number {
    return this.head[EXTENTS]!
  }

  /** How many extents this thread has: the next one's place. */
  get extent(): number {
    return this.stretches.length
  }

  /** Bytes of the extent that is needed next. */
  get nextBytes(): number {
    return this.base * 2 ** this.stretches.length
  }

  /** Bytes in all extents. */
  get byteLength(): number {
    return this.base * (2 ** this.stretches.length - 1)
  }

  /** Takes an extent that exists already. */
  attach({ buffer, byteLength, byteOffset }: Stretch): void {
    if (this.stretches.length === 0) this.head = new Int32Array(buffer, byteOffset, HEAD >> 2)
    this.stretches.push(new Bytes(buffer, byteOffset, byteLength))
  }

  /** Adds an extent of `nextBytes`. */
  grow(stretch: Stretch): void {
    this.attach(stretch)
    this.head[EXTENTS] = this.stretches.length
  }

  /** The value of a handle. */
  read(handle: number, coder: Coder): any {
    if (handle >= WAITS) {
      const bytes = this.waiting[handle - WAITS]!
      return coder.decode(new Bytes(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.byteLength)
    }
    const bytes = this.extentOf(handle)
    const at = this.offsetOf(handle)
    return coder.decode(bytes, at + 4, at + 4 + bytes.view.getUint32(at, true))
  }

  /** The bytes of a handle's value, where they lie. */
  bytes(handle: number): Uint8Array {
    if (handle >= WAITS) return this.waiting[handle - WAITS]!
    const bytes = this.extentOf(handle)
    const at = this.offsetOf(handle)
    return bytes.u8.subarray(at + 4, at + 4 + bytes.view.getUint32(at, true))
  }

  /** Keeps a value; its handle. Throws what the coder throws, and has kept nothing then. */
  write(value: unknown, coder: Coder): number {
    // Taken, not shared: encoding may run a transformation that comes here too.
    let bytes = scratch
    let end = coder.encode(value, bytes, 0, bytes.u8.length)
    while (end < 0) {
      bytes = new Bytes(new ArrayBuffer(bytes.u8.length * 2))
      end = coder.encode(value, bytes, 0, bytes.u8.length)
    }
    if (bytes.u8.length <= 65_536) scratch = bytes
    return this.put(bytes.u8.subarray(0, end))
  }

  /** Keeps bytes; their handle. */
  put(value: Uint8Array): number {
    const handle = this.allocate(value.length)
    if (handle === NOTHING) return WAITS + this.waiting.push(value.slice()) - 1
    this.fill(handle, value)
    return handle
  }

  /** Forgets a value. */
  free(handle: number): void {
    if (handle === NOTHING) return
    if (handle >= WAITS) {
      this.waiting[handle - WAITS] = undefined
      return
    }
    const bytes = this.extentOf(handle)
    const at = this.offsetOf(handle)
    const list = FREE + sizeOf(bytes.view.getUint32(at, true)) - UNIT
    bytes.view.setUint32(at, this.head[list]!, true)
    this.head[list] = handle
  }

  /** Finds room for what waits under a handle; its handle afterwards, or NOTHING while there is none. */
  settle(handle: number): number {
    const value = this.waiting[handle - WAITS]!
    const settled = this.allocate(value.length)
    if (settled === NOTHING) return NOTHING
    this.fill(settled, value)
    this.waiting[handle - WAITS] = undefined
    return settled
  }

  /** Whether a handle's value waits for room. */
  static waits(handle: number): boolean {
    return handle >= WAITS
  }

  private fill(handle: number, value: Uint8Array): void {
    const bytes = this.extentOf(handle)
    const at = this.offsetOf(handle)
    bytes.view.setUint32(at, value.length, true)
    bytes.u8.set(value, at + 4)
  }

  /** A block for so many bytes; NOTHING when there is no room. */
  private allocate(length: number): number {
    const { head } = this
    const size = sizeOf(length)
    const list = FREE + size - UNIT
    const free = head[list]!
    if (free !== NOTHING) {
      head[list] = this.extentOf(free).view.getUint32(this.offsetOf(free), true)
      return free
    }
    const units = 1 << (size - UNIT)
    let at = head[USED]!
    // A block lies within one extent: what is left of one that is too small is given to the free lists.
    for (let extent = this.indexOf(at); extent < this.stretches.length; extent = this.indexOf(at)) {
      const end = (this.base * (2 ** (extent + 1) - 1)) >>> UNIT
      if (at + units <= end) {
        head[USED] = at + units
        return at
      }
      while (at < end) at += this.spare(at, end)
      head[USED] = at
    }
    return NOTHING
  }

  /** Puts the largest block that fits between two places into its free list; its units. */
  private spare(at: number, end: number): number {
    const power = 31 - Math.clz32(end - at)
    const list = FREE + power
    this.extentOf(at).view.setUint32(this.offsetOf(at), this.head[list]!, true)
    this.head[list] = at
    return 1 << power
  }

  private indexOf(handle: number): number {
    return 31 - Math.clz32(Math.floor((handle * 16) / this.base) + 1)
  }

  private extentOf(handle: number): Bytes {
    return this.stretches[this.indexOf(handle)]!
  }

  private offsetOf(handle: number): number {
    return handle * 16 - this.base * (2 ** this.indexOf(handle) - 1)
  }
}

/** The power of two of bytes of a block for a value of so many: its length is kept before it. */
const sizeOf = (length: number): number => Math.max(UNIT, 32 - Math.clz32(length + 3))
