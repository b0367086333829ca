/**
 * Which row an identity means: a slot for each instance, with the version of who has it now.
 *
 * **Contract**: one thread writes, between turns; others may read during a turn, when nobody writes.
 * **Invariant**: a slot is in use and holds its row, or free and holds the next free one, or retired. A version never
 * wraps: a slot whose last version was used is retired, so that an identity never means a stranger. Slots lie in pages
 * that never move. The words of the header are the swarm's own (`swarmStore.ts`).
 * **Ordering**: plain memory; whoever starts a turn publishes it.
 * **Allocation**: none but for pages, which its owner hands in.
 * **Evidence**: `test/hot/swarmStore.test.ts`, by property; `swarm.spawn`.
 */

/** Slots of a page, as a power of two. */
const PAGE_SHIFT = 14
const PAGE_MASK = (1 << PAGE_SHIFT) - 1
/** Bytes of a page: the rows of its slots, then their versions. */
export const PAGE_BYTES = 5 << PAGE_SHIFT
/** The first version of a slot, and its last. */
const FIRST_VERSION = 1
const LAST_VERSION = 255
/** In a row: nobody has the slot, and the rest is the next free one, plus one. */
const FREE = 0x80000000

/** Where the header's words of a slot map are. */
export interface SlotWords {
  /** The first free slot, plus one; 0 for none. */
  readonly free: number
  /** Slots that were ever used. */
  readonly used: number
  /** Slots that are not used again. */
  readonly retired: number
}

export class SlotMap {
  private readonly head: Uint32Array
  private readonly words: SlotWords
  // Apart: whether an identity is stale is a look at its version, and a million of these fit into a cache.
  private readonly rows: Array<Uint32Array> = []
  private readonly versions: Array<Uint8Array> = []

  constructor(head: Uint32Array, words: SlotWords) {
    this.head = head
    this.words = words
  }

  /** Pages there are. */
  get size(): number {
    return this.rows.length
  }

  /** Whether a page is needed before the next `add`. */
  get full(): boolean {
    return this.head[this.words.free] === 0 && this.head[this.words.used] === this.rows.length << PAGE_SHIFT
  }

  addPage(buffer: ArrayBufferLike, byteOffset: number): void {
    this.rows.push(new Uint32Array(buffer, byteOffset, 1 << PAGE_SHIFT))
    this.versions.push(new Uint8Array(buffer, byteOffset + (4 << PAGE_SHIFT), 1 << PAGE_SHIFT))
  }

  /** A slot for a row. Only if it is not `full`. */
  add(row: number): number {
    const { head, words } = this
    const free = head[words.free]!
    const slot = free === 0 ? head[words.used]!++ : free - 1
    const page = slot >>> PAGE_SHIFT
    const at = slot & PAGE_MASK
    const rows = this.rows[page]!
    if (free === 0) this.versions[page]![at] = FIRST_VERSION
    else head[words.free] = rows[at]! & ~FREE
    rows[at] = row
    return slot
  }

  /** Gives a slot back: its version is over. */
  remove(slot: number): void {
    const { head, words } = this
    const page = slot >>> PAGE_SHIFT
    const at = slot & PAGE_MASK
    const versions = this.versions[page]!
    if (versions[at] === LAST_VERSION) {
      versions[at] = 0
      this.rows[page]![at] = FREE
      head[words.retired]!++
      return
    }
    versions[at]!++
    this.rows[page]![at] = FREE | head[words.free]!
    head[words.free] = slot + 1
  }

  /** Whether a slot has this version: of somebody alive, unless nobody ever had it. */
  has(slot: number, version: number): boolean {
    const versions = this.versions[slot >>> PAGE_SHIFT]
    return versions !== undefined && versions[slot & PAGE_MASK] === version && version !== 0
  }

  /** The row of a slot in this version, or -1. */
  row(slot: number, version: number): number {
    const page = slot >>> PAGE_SHIFT
    const versions = this.versions[page]
    if (versions === undefined || versions[slot & PAGE_MASK] !== version || version === 0) return -1
    const row = this.rows[page]![slot & PAGE_MASK]!
    return row < FREE ? row : -1
  }

  /** The version of who has a slot now. */
  version(slot: number): number {
    return this.versions[slot >>> PAGE_SHIFT]![slot & PAGE_MASK]!
  }

  /** A slot's instance has moved. */
  move(slot: number, row: number): void {
    this.rows[slot >>> PAGE_SHIFT]![slot & PAGE_MASK] = row
  }
}
