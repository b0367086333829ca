/**
 * Places and their generations: which place is free, and which version lives there.
 *
 * **Contract**: one thread.
 * **Invariant**: no pair of a place and a version is given twice. Versions run from 1 to 255; a place that has had its
 * last one is never free again, so that an identity of 8 bits of version never means a stranger.
 * **Ordering**: the place that became free last is taken first, so that what is used lies together.
 * **Allocation**: a byte a place, four more for each that is free; both double as they grow.
 * **Evidence**: `test/hot/generations.test.ts` compares it with a set of all pairs.
 */

/** The last version of a place. */
const LAST = 0xff

export class Generations {
  /** The first place. */
  readonly first: number
  private versions = new Uint8Array(64)
  private free = new Uint32Array(16)
  private freed = 0
  /** Places that were ever taken. */
  size = 0

  constructor(first = 0) {
    this.first = first
  }

  /** Takes a place, in a version that it has not had. */
  take(): number {
    const index = this.freed > 0 ? this.free[--this.freed]! : this.size++
    if (index === this.versions.length) {
      const versions = new Uint8Array(index * 2)
      versions.set(this.versions)
      this.versions = versions
    }
    this.versions[index]!++
    return this.first + index
  }

  /** The version that a place has, or had last; 0 for one that was never taken. */
  version(place: number): number {
    const index = place - this.first
    return index >= 0 && index < this.size ? this.versions[index]! : 0
  }

  /** Gives a place back. */
  give(place: number): void {
    const index = place - this.first
    if (this.versions[index] === LAST) return
    if (this.freed === this.free.length) {
      const free = new Uint32Array(this.freed * 2)
      free.set(this.free)
      this.free = free
    }
    this.free[this.freed++] = index
  }
}
