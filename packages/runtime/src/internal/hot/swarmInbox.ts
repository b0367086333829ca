/**
 * What was told to instances of a swarm since its last turn, and how it is dealt out to the chunks.
 *
 * **Contract**: one thread.
 * **Invariant**: message i is `slots[i]`, `heads[i]` (version and place in the protocol), `payloads[i]`, and
 * `repliers` has who awaits its answer, if somebody does. After `deal` the messages of chunk c are at `starts[c]` up to
 * before `starts[c + 1]` of `order`, `rows`, `told` and `content`, in the order in which they came: `order` has the
 * message's number i. They are copied, because a chunk's are then read one after the other.
 * **Ordering**: first in, first out within a chunk, and so for each instance.
 * **Allocation**: none a message; the arrays double.
 * **Evidence**: `test/Swarm.property.test.ts`; `swarm.tell`.
 */
import type { SlotMap } from "./slotMap.ts"

/** Of a message whose instance has ended. */
export const NOBODY = 0xffffffff

export class SwarmInbox<R> {
  size = 0
  slots = new Uint32Array(64)
  /** Version << 16 | place in the protocol. */
  heads = new Uint32Array(64)
  payloads: Array<unknown> = []
  readonly repliers = new Map<number, R>()
  order = new Uint32Array(0)
  rows = new Uint32Array(0)
  told = new Uint32Array(0)
  content: Array<unknown> = []
  readonly first = 0
  private found = new Uint32Array(0)
  starts = new Uint32Array(1)
  /** Messages for nobody, at the end of `order`. */
  dead = 0

  add(slot: number, version: number, message: number, payload: unknown, replier: R | undefined): void {
    const i = this.size++
    if (i === this.slots.length) this.double()
    this.slots[i] = slot
    this.heads[i] = version << 16 | message
    if (i === this.payloads.length) this.payloads.push(payload)
    else this.payloads[i] = payload
    if (replier !== undefined) this.repliers.set(i, replier)
  }

  private double(): void {
    const { heads, slots } = this
    this.slots = new Uint32Array(slots.length * 2)
    this.slots.set(slots)
    this.heads = new Uint32Array(heads.length * 2)
    this.heads.set(heads)
  }

  /** Finds the rows, and sorts by chunk. */
  deal(map: SlotMap, shift: number, chunks: number): void {
    const { heads, payloads, size, slots } = this
    if (this.rows.length < size) {
      this.rows = new Uint32Array(slots.length)
      this.order = new Uint32Array(slots.length)
      this.told = new Uint32Array(slots.length)
      this.found = new Uint32Array(slots.length)
    }
    if (this.starts.length < chunks + 2) this.starts = new Uint32Array(chunks + 2)
    const { content, found, order, rows, starts, told } = this
    while (content.length < size) content.push(undefined)
    starts.fill(0)
    // One more than there are chunks, for those that reach nobody.
    for (let i = 0; i < size; i++) {
      const row = map.row(slots[i]!, heads[i]! >>> 16)
      found[i] = row
      starts[(row < 0 ? chunks : row >>> shift) + 1]!++
    }
    this.dead = starts[chunks + 1]!
    for (let c = 0; c <= chunks; c++) starts[c + 1]! += starts[c]!
    for (let i = 0; i < size; i++) {
      const row = found[i]!
      const at = starts[row === NOBODY ? chunks : row >>> shift]!++
      order[at] = i
      rows[at] = row
      told[at] = heads[i]!
      content[at] = payloads[i]
    }
    // Each start has moved to its end, which is where the next one starts.
    for (let c = chunks; c > 0; c--) starts[c] = starts[c - 1]!
    starts[0] = 0
  }

  /** Takes out message k of those that were dealt: nobody is to handle it. */
  drop(k: number): void {
    const { content, order, rows, size, starts, told } = this
    for (const column of [order, rows, told]) column.copyWithin(k, k + 1, size)
    content.splice(k, 1)
    for (let c = 0; c < starts.length; c++) if (starts[c]! > k) starts[c]!--
    this.size = size - 1
    // `clear` does not come to the last one any more.
    this.payloads[size - 1] = undefined
  }

  clear(): void {
    // What was said is not kept alive; the arrays are, unless they were needed for once.
    if (this.payloads.length > 4 * this.size + 1024) {
      this.payloads = []
      this.content = []
    } else {
      this.payloads.fill(undefined, 0, this.size)
      this.content.fill(undefined, 0, this.size)
    }
    this.repliers.clear()
    this.size = 0
  }
}
