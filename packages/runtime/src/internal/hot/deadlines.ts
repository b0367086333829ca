/**
 * What is due, the earliest first: a binary heap whose entries know their places, so that any of them can be taken out.
 *
 * **Contract**: one thread. An entry stands in one heap at most.
 * **Invariant**: no entry is due before its parent; of two that are due at the same time, the one that was added first
 * goes first. `items[i].place === i`; an entry that stands in no heap has the place -1.
 * **Ordering**: none, one thread.
 * **Allocation**: the array, when it grows.
 * **Evidence**: `test/hot/deadlines.test.ts` compares it with a sorted array.
 */

/** An entry; the heap alone changes `place` and `serial`, and `due` stays the same while it stands in one. */
export interface Deadline {
  /** In milliseconds. */
  due: number
  place: number
  serial: number
}

export class Deadlines<A extends Deadline> {
  private readonly items: Array<A> = []
  private serials = 0

  get first(): A | undefined {
    return this.items[0]
  }

  add(item: A): void {
    item.serial = this.serials++
    this.items.push(item)
    this.rise(item, this.items.length - 1)
  }

  /** Takes an entry out; false when it does not stand in the heap. */
  remove(item: A): boolean {
    const { items } = this
    const { place } = item
    if (place < 0) return false
    item.place = -1
    const last = items.pop()!
    if (last === item) return true
    this.sink(last, place)
    if (last.place === place) this.rise(last, place)
    return true
  }

  private rise(item: A, from: number): void {
    const { items } = this
    let at = from
    while (at > 0) {
      const up = (at - 1) >> 1
      const parent = items[up]!
      if (!before(item, parent)) break
      items[at] = parent
      parent.place = at
      at = up
    }
    items[at] = item
    item.place = at
  }

  private sink(item: A, from: number): void {
    const { items } = this
    let at = from
    while (true) {
      let down = 2 * at + 1
      if (down >= items.length) break
      if (down + 1 < items.length && before(items[down + 1]!, items[down]!)) down++
      const child = items[down]!
      if (!before(child, item)) break
      items[at] = child
      child.place = at
      at = down
    }
    items[at] = item
    item.place = at
  }
}

const before = (a: Deadline, b: Deadline): boolean =>
  a.due < b.due || (a.due === b.due && a.serial < b.serial)
