/**
 * Numbers for names, from 1, the same on every thread that shares the table.
 *
 * **Contract**: any thread. Without a table the numbers are this thread's own.
 * **Invariant**: a word of the table is 0 or the hash of a name, and once it is not 0 it stays. No two words have the
 * same hash; those that are 0 come last. A name's number is the place of its hash.
 * **Ordering**: one compare-and-exchange both claims a place and publishes it, so whoever finds a place taken reads
 * whose it is.
 * **Allocation**: an entry of a map for each name, when it is first asked for.
 * **Evidence**: `test/hot/names.test.ts`.
 */

/** Names that a shared table has room for. */
const NAMES = 4096

/** Memory for a table. */
export const makeTable = (): SharedArrayBuffer => new SharedArrayBuffer(NAMES * 8)

export class Names {
  private readonly known = new Map<string, number>()
  private readonly table: BigUint64Array | undefined

  constructor(table?: SharedArrayBuffer) {
    this.table = table && new BigUint64Array(table)
  }

  /** The name's number, given now if it has none. Throws a `RangeError` when there is none left. */
  number(name: string): number {
    let number = this.known.get(name)
    if (number === undefined) {
      number = this.table === undefined ? this.known.size + 1 : place(this.table, hash(name)) + 1
      if (number > NAMES) throw new RangeError(`a system has room for the names of ${NAMES} kinds of actors`)
      this.known.set(name, number)
    }
    return number
  }
}

const place = (table: BigUint64Array, hash: bigint): number => {
  let at = 0
  for (; at < table.length; at++) {
    const there = Atomics.compareExchange(table, at, 0n, hash)
    if (there === 0n || there === hash) break
  }
  return at
}

/** 64 bits that two names of a program do not share: by chance, one pair in 10^19. Never 0. */
const hash = (name: string): bigint => {
  let high = 0x811c9dc5
  let low = 0x9e3779b9
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i)
    high = Math.imul(high ^ unit, 0x85ebca6b)
    low = Math.imul(low ^ unit, 0xc2b2ae35)
    high ^= low >>> 15
    low ^= high >>> 13
  }
  high = Math.imul(high ^ (high >>> 16), 0x21f0aaad) ^ low
  low = Math.imul(low ^ (low >>> 15), 0x735a2d97) ^ (high >>> 15)
  return (BigInt(high >>> 0) << 32n | BigInt(low >>> 0)) || 1n
}
