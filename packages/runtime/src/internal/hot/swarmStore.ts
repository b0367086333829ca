/**
 * Where a swarm's instances are: chunks of rows, a slot map, and a header that says how many.
 *
 * **Contract**: the thread that owns the swarm adds, removes and grows, between turns only. Other threads read the
 * header and the rows of chunks that they have claimed, during a turn.
 * **Invariant**: the rows 0 to count - 1 are in use, chunk after chunk, without a hole: removal moves the last one in.
 * All that lasts lies in the stretches handed in: header, slots, chunks and heaps have no pointer into JavaScript, and
 * a store made over the same bytes is the same store.
 * **Ordering**: plain memory. `begin` marks the turn as open before anything changes, `commit` after everything has;
 * `changing` and `changed` do so for a change between turns. A process that is killed has made its stores in their order.
 * **Allocation**: an object for each chunk. Stretches come from `grow`.
 * **Evidence**: `test/hot/swarmStore.test.ts` compares it with a Map of objects; `swarm.spawn`, `swarm.bytes`.
 *
 * The header, 32-bit words, little endian:
 *
 * | word | |
 * | --- | --- |
 * | 0 | 0x4d525753, "SWRM" |
 * | 1 | the form of this header: 1 |
 * | 2 to 5 | the fingerprint of the state, 128 bits |
 * | 6 | rows of a chunk |
 * | 7 | bytes of a heap's first extent |
 * | 8 | instances alive |
 * | 9 | the last turn that was committed |
 * | 10 | the turn that is open, or 0 |
 * | 11 | the seed |
 * | 12, 13, 14 | slots: the first free one + 1, ever used, retired |
 * | 15 | the type in the instances' identities |
 * | 16, 17 | instances ever born, low and high |
 * | 18, 19 | instances ever ended, low and high |
 * | 20, 21 | pages of slots, chunks |
 * | 22 | the edition: how often it was restored, which is in the names of its other regions |
 * | 23 | 1 while something changes between turns |
 * | 24 to 31 | 0 |
 */
import { BUSY, Chunk, type Rows } from "./columns.ts"
import { Heap, NOTHING } from "./heap.ts"
import { PAGE_BYTES, SlotMap } from "./slotMap.ts"

const MAGIC = 0x4d525753
const FORM = 1
const FINGERPRINT = 2
const ROWS = 6
const HEAP = 7
const COUNT = 8
const TURN = 9
const OPEN = 10
const SEED = 11
const FREE = 12
const USED = 13
const RETIRED = 14
const TYPE = 15
const BORN = 16
const ENDED = 18
const PAGES = 20
const CHUNKS = 21
const EDITION = 22
const CHANGING = 23

/** Bytes of the header. */
export const HEADER_BYTES = 128

/** A stretch of memory as others give it: a region. */
export interface Stretch {
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
  readonly byteLength: number
}

/** What a stretch is for; `index` counts those of its kind, and `extent` those of a chunk's heap. */
export type Use =
  | { readonly kind: "header" }
  | { readonly kind: "slots"; readonly index: number }
  | { readonly kind: "chunk"; readonly index: number }
  | { readonly kind: "heap"; readonly index: number; readonly extent: number }

/** Gives memory filled with zeros. */
export type Grow = (use: Use, byteLength: number) => Stretch

/** What a new store begins with. */
export interface Birth {
  readonly fingerprint: ReadonlyArray<number>
  readonly seed: number
  readonly type: number
  readonly heapBytes: number
}

export class SwarmStore {
  readonly rows: Rows
  readonly head: Uint32Array
  readonly slots: SlotMap
  readonly chunks: Array<Chunk> = []
  private readonly grow: Grow
  private readonly shift: number

  /** Over a header of zeros, it begins anew; over another one, `reopen` or `attach` give it what there is. */
  constructor(rows: Rows, header: Stretch, birth: Birth, grow: Grow) {
    this.rows = rows
    this.grow = grow
    this.shift = 31 - Math.clz32(rows.shape.rows)
    const head = this.head = new Uint32Array(header.buffer, header.byteOffset, HEADER_BYTES >> 2)
    this.slots = new SlotMap(head, { free: FREE, used: USED, retired: RETIRED })
    if (head[0] === MAGIC) return
    head[1] = FORM
    birth.fingerprint.forEach((word, i) => (head[FINGERPRINT + i] = word))
    head[ROWS] = rows.shape.rows
    head[HEAP] = birth.heapBytes
    head[SEED] = birth.seed
    head[TYPE] = birth.type
    // Last: whoever is killed before has made no swarm.
    head[0] = MAGIC
  }

  /** Whether the header is that of a store with this fingerprint. */
  static fits(header: Stretch, fingerprint: ReadonlyArray<number>, rows: number): boolean {
    const head = new Uint32Array(header.buffer, header.byteOffset, HEADER_BYTES >> 2)
    return head[0] === MAGIC && head[1] === FORM && head[ROWS] === rows &&
      fingerprint.every((word, i) => head[FINGERPRINT + i] === word)
  }

  /** Whether a header is one of zeros. */
  static isNew(header: Stretch): boolean {
    return new Uint32Array(header.buffer, header.byteOffset, 1)[0] === 0
  }

  /** Takes over what was kept: every stretch that there was, by asking for it again. No effect is in flight any more. */
  reopen(type: number): void {
    const { head, rows: { shape } } = this
    head[TYPE] = type
    for (let index = 0; index < head[PAGES]!; index++) {
      const use = { kind: "slots", index } as const
      this.attach(use, this.grow(use, PAGE_BYTES))
    }
    for (let index = 0; index < head[CHUNKS]!; index++) {
      const use = { kind: "chunk", index } as const
      this.attach(use, this.grow(use, shape.byteLength))
      const chunk = this.chunks[index]!
      if (chunk.marked > 0) { for (let row = 0; row < shape.rows; row++) chunk.unmark(row, BUSY) }
      if (!shape.managed) continue
      const base = head[HEAP]!
      this.attach({ kind: "heap", index, extent: 0 }, this.grow({ kind: "heap", index, extent: 0 }, base))
      const { heap } = chunk
      while (heap!.extent < heap!.extents) {
        const use = { kind: "heap", index, extent: heap!.extent } as const
        this.attach(use, this.grow(use, heap!.nextBytes))
      }
    }
  }

  /** Takes a stretch that exists already, in the order of the indices. */
  attach(use: Use, stretch: Stretch): void {
    switch (use.kind) {
      case "header":
        return
      case "slots":
        this.slots.addPage(stretch.buffer, stretch.byteOffset)
        return
      case "chunk":
        this.chunks[use.index] = new Chunk(this.rows.shape, stretch.buffer, stretch.byteOffset, undefined)
        return
      case "heap": {
        const chunk = this.chunks[use.index]!
        if (use.extent === 0) chunk.heap = new Heap(this.head[HEAP]!, stretch)
        else chunk.heap!.attach(stretch)
      }
    }
  }

  /** Instances alive. */
  get count(): number {
    return this.head[COUNT]!
  }

  /** The last turn that was committed. */
  get turn(): number {
    return this.head[TURN]!
  }

  /** The turn that is open, or 0. */
  get open(): number {
    return this.head[OPEN]!
  }

  /** Whether a change between turns was not done with. */
  get torn(): boolean {
    return this.head[CHANGING] !== 0
  }

  /** How often it was restored. */
  get edition(): number {
    return this.head[EDITION]!
  }

  get seed(): number {
    return this.head[SEED]!
  }

  get born(): number {
    return this.head[BORN]! + this.head[BORN + 1]! * 2 ** 32
  }

  get ended(): number {
    return this.head[ENDED]! + this.head[ENDED + 1]! * 2 ** 32
  }

  /** Slots that are not used again. */
  get retired(): number {
    return this.head[RETIRED]!
  }

  /** Chunks that have instances. */
  get used(): number {
    return Math.ceil(this.count / this.rows.shape.rows)
  }

  /** Instances in a chunk. */
  size(chunk: number): number {
    const { rows } = this.rows.shape
    return Math.max(0, Math.min(rows, this.count - chunk * rows))
  }

  /** Bytes of header, slots, chunks and heaps. */
  get byteLength(): number {
    const { chunks, rows: { shape }, slots } = this
    const heaps = chunks.reduce((sum, { heap }) => sum + (heap?.byteLength ?? 0), 0)
    return HEADER_BYTES + slots.size * PAGE_BYTES + chunks.length * shape.byteLength + heaps
  }

  /** A turn is open from now on: what is killed before `commit` has half a turn in its memory. */
  begin(): number {
    return this.head[OPEN] = this.head[TURN]! + 1
  }

  commit(): void {
    this.head[TURN] = this.head[OPEN]!
    this.head[OPEN] = 0
  }

  /** Something changes between turns: what is killed before `changed` has half of it in its memory. */
  changing(): void {
    this.head[CHANGING] = 1
  }

  changed(): void {
    this.head[CHANGING] = 0
  }

  /** Room for so many instances in all. */
  reserve(count: number): void {
    while (this.chunks.length << this.shift < count) this.addChunk()
  }

  /** A place for one more instance, as the last row: its slot. The fields have whatever was there before. */
  add(): number {
    const { head, slots } = this
    const row = head[COUNT]!
    if (row >>> this.shift === this.chunks.length) this.addChunk()
    if (slots.full) {
      const use = { kind: "slots", index: slots.size } as const
      this.attach(use, this.grow(use, PAGE_BYTES))
      head[PAGES] = slots.size
    }
    const slot = slots.add(row)
    const chunk = this.chunks[row >>> this.shift]!
    chunk.slots[row & (this.rows.shape.rows - 1)] = slot
    head[COUNT] = row + 1
    head[BORN]!++
    if (head[BORN] === 0) head[BORN + 1]!++
    return slot
  }

  /** The last row is given back: its fields could not be written. It counts as born and ended. */
  unadd(): void {
    this.remove(this.count - 1)
  }

  /** Removes a row: the last one takes its place. */
  remove(row: number): void {
    const { chunks, head, rows, shift } = this
    const mask = rows.shape.rows - 1
    const last = head[COUNT]! - 1
    this.changing()
    const to = chunks[row >>> shift]!
    const at = row & mask
    this.slots.remove(to.slots[at]!)
    this.clear(to, at)
    if (row !== last) {
      const from = chunks[last >>> shift]!
      const there = last & mask
      const slot = from.slots[there]!
      const marks = from.marks[there]!
      rows.copy(from, there, to, at)
      if (marks !== 0) to.mark(at, marks)
      // Within a chunk the values themselves have moved, and only their handles were copied.
      this.clear(from, there, from === to)
      if (from !== to) this.settle(row >>> shift, at)
      to.slots[at] = slot
      this.slots.move(slot, row)
    }
    head[COUNT] = last
    head[ENDED]!++
    if (head[ENDED] === 0) head[ENDED + 1]!++
    this.changed()
  }

  /** A row's fields are those of another one's, which stays as it is. */
  replace(row: number, from: Chunk, there: number): void {
    const { rows, shift } = this
    const chunk = this.chunks[row >>> shift]!
    const at = row & (rows.shape.rows - 1)
    this.changing()
    if (rows.shape.managed) this.free(chunk, at)
    rows.copy(from, there, chunk, at)
    this.settle(row >>> shift, at)
    this.changed()
  }

  /** Puts the managed values of a row that wait for room into the chunk's heap, which grows for them. */
  settle(index: number, row: number): void {
    const { columns, managed } = this.rows.shape
    if (!managed) return
    const chunk = this.chunks[index]!
    for (let i = 0; i < columns.length; i++) {
      if (columns[i]!.tag !== "managed") continue
      const handle = chunk.arrays[i][row]
      if (!Heap.waits(handle)) continue
      let settled = chunk.heap!.settle(handle)
      while (settled === NOTHING) {
        this.growHeap(index)
        settled = chunk.heap!.settle(handle)
      }
      chunk.arrays[i][row] = settled
    }
  }

  /** Gives back a row's marks, and what it has in managed memory unless that has `moved`. */
  private clear(chunk: Chunk, row: number, moved = false): void {
    if (chunk.marks[row] !== 0) chunk.unmark(row, chunk.marks[row]!)
    if (this.rows.shape.managed) this.free(chunk, row, moved)
  }

  private free(chunk: Chunk, row: number, moved = false): void {
    const { columns } = this.rows.shape
    for (let i = 0; i < columns.length; i++) {
      if (columns[i]!.tag !== "managed") continue
      if (!moved) chunk.heap!.free(chunk.arrays[i][row])
      chunk.arrays[i][row] = NOTHING
    }
  }

  /** The row of an instance, or -1. */
  row(slot: number, version: number): number {
    return this.slots.row(slot, version)
  }

  private addChunk(): void {
    const index = this.chunks.length
    const use = { kind: "chunk", index } as const
    this.attach(use, this.grow(use, this.rows.shape.byteLength))
    if (this.rows.shape.managed) this.growHeap(index)
    this.head[CHUNKS] = index + 1
  }

  /** Adds an extent to a chunk's heap. */
  growHeap(index: number): void {
    const { heap } = this.chunks[index]!
    const use = { kind: "heap", index, extent: heap?.extent ?? 0 } as const
    const stretch = this.grow(use, heap?.nextBytes ?? this.head[HEAP]!)
    if (heap === undefined) this.attach(use, stretch)
    else heap.grow(stretch)
  }
}

/** What a header says of the memory that it belongs to. */
export interface Header {
  readonly fingerprint: ReadonlyArray<number>
  readonly count: number
  readonly turn: number
  /** The turn that is open, or 0. */
  readonly open: number
  readonly torn: boolean
  readonly edition: number
}

/** Reads a header wherever its bytes lie; undefined where they are none. */
export const headerOf = (bytes: Uint8Array): Header | undefined => {
  if (bytes.length < HEADER_BYTES) return undefined
  const head = new Uint32Array(bytes.slice(0, HEADER_BYTES).buffer)
  if (head[0] !== MAGIC || head[1] !== FORM) return undefined
  return {
    fingerprint: Array.from(head.subarray(FINGERPRINT, FINGERPRINT + 4)),
    count: head[COUNT]!,
    turn: head[TURN]!,
    open: head[OPEN]!,
    torn: head[CHANGING] !== 0,
    edition: head[EDITION]!
  }
}

/** The same header for regions of another edition. */
export const withEdition = (bytes: Uint8Array, edition: number): Uint8Array => {
  const copy = bytes.slice()
  new Uint32Array(copy.buffer, 0, HEADER_BYTES >> 2)[EDITION] = edition
  return copy
}
