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
/** Bytes of a page: row and version of each slot. */
export const PAGE_BYTES = 8 << PAGE_SHIFT
/** The first version of a slot, and its last. */
const FIRST_VERSION = 1
const LAST_VERSION = 255
/** In the word of the version: nobody has the slot. */
const FREE = 0x100
/** The end of the list of free slots. */
const NONE = 0xffffffff

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
  private readonly pages: Array<Uint32Array> = []

  constructor(head: Uint32Array, words: SlotWords) {
    this.head = head
    this.words = words
  }

  /** Pages there are. */
  get size(): number {
    return this.pages.length
  }

  /** Whether a page is needed before the next `add`. */
  get full(): boolean {
    return this.head[this.words.free] === 0 && this.head[this.words.used]! === this.pages.length << PAGE_SHIFT
  }

  addPage(page: Uint32Array): void {
    this.pages.push(page)
  }

  /** A slot for a row. Only if it is not `full`. */
  add(row: number): number {
    const { head, words } = this
    let slot = head[words.free]!
    if (slot === 0) slot = head[words.used]!++
    else {
      slot--
      const page = this.pages[slot >>> PAGE_SHIFT]!
      const at = (slot & PAGE_MASK) << 1
      const next = page[at]!
      head[words.free] = next === NONE ? 0 : next + 1
      page[at] = row
      page[at + 1]! &= ~FREE
      return slot
    }
    const page = this.pages[slot >>> PAGE_SHIFT]!
    const at = (slot & PAGE_MASK) << 1
    page[at] = row
    page[at + 1] = FIRST_VERSION
    return slot
  }

  /** Gives a slot back: its version is over. */
  remove(slot: number): void {
    const { head, words } = this
    const page = this.pages[slot >>> PAGE_SHIFT]!
    const at = (slot & PAGE_MASK) << 1
    const version = page[at + 1]!
    if (version === LAST_VERSION) {
      page[at] = NONE
      page[at + 1] = FREE
      head[words.retired]!++
      return
    }
    page[at] = head[words.free] === 0 ? NONE : head[words.free]! - 1
    page[at + 1] = (version + 1) | FREE
    head[words.free] = slot + 1
  }

  /** The row of a slot in this version, or -1. */
  row(slot: number, version: number): number {
    const page = this.pages[slot >>> PAGE_SHIFT]
    if (page === undefined) return -1
    const at = (slot & PAGE_MASK) << 1
    return page[at + 1] === version && version !== 0 ? page[at]! : -1
  }

  /** The version of who has a slot now. */
  version(slot: number): number {
    return this.pages[slot >>> PAGE_SHIFT]![((slot & PAGE_MASK) << 1) + 1]! & 0xff
  }

  /** A slot's instance has moved. */
  move(slot: number, row: number): void {
    this.pages[slot >>> PAGE_SHIFT]![(slot & PAGE_MASK) << 1] = row
  }
}
