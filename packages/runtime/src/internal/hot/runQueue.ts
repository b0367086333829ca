/**
 * A first-in, first-out queue of what is ready to run: a circular array that doubles.
 *
 * **Contract**: one thread.
 * **Invariant**: `size <= items.length`, which is a power of two; slots outside `[head, head + size)` are undefined.
 * **Ordering**: none, one thread.
 * **Allocation**: only when it doubles.
 * **Evidence**: `test/hot/runQueue.test.ts` compares it with an array; `local.ping-pong.plain`.
 */
export class RunQueue<A> {
  private items: Array<A | undefined>
  private head = 0
  size = 0

  constructor(capacity = 1024) {
    this.items = makeItems(capacity)
  }

  push(item: A): void {
    if (this.size === this.items.length) this.grow()
    this.items[(this.head + this.size) & (this.items.length - 1)] = item
    this.size++
  }

  /** The oldest item, or undefined when there is none. */
  shift(): A | undefined {
    if (this.size === 0) return undefined
    const item = this.items[this.head]
    this.items[this.head] = undefined
    this.head = (this.head + 1) & (this.items.length - 1)
    this.size--
    return item
  }

  private grow(): void {
    const old = this.items
    const next = makeItems<A>(old.length * 2)
    for (let i = 0; i < this.size; i++) next[i] = old[(this.head + i) & (old.length - 1)]
    this.items = next
    this.head = 0
  }
}

const makeItems = <A>(capacity: number): Array<A | undefined> =>
  // Filled, so that it has no holes; `Array.from` takes 20 times as long.
  // oxlint-disable-next-line unicorn/no-new-array
  new Array<A | undefined>(capacity).fill(undefined)
