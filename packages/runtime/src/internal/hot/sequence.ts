/**
 * Sequences: the 32-bit numbers that count the events of a ring.
 *
 * **Contract** Any thread. A sequence is an Int32 that wraps; it names the event and, masked, its slot.
 * **Invariant** Two sequences that are ever compared lie less than 2^31 apart: a ring is at most 2^30 slots
 * long and whoever is compared is gated by the other, so the sign of their wrapped difference is their order.
 * **Ordering** None here: the words that hold sequences are read and written with Atomics by their owners.
 * **Allocation** None.
 * **Evidence** test/RingBuffer.test.ts (wrap-around by property), stress/ring.test.ts (starts below 2^31 and 2^32).
 */

/** Int32 words to a cache line pair: 128 bytes, because the prefetcher of x86 fetches lines by two. */
export const LINE = 32

/** How far `to` is ahead of `from`, in events; negative when it is behind. */
export const distance = (to: number, from: number): number => (to - from) | 0

/** The earliest of `first` and the sequences of every consumer in `consumers`, a bit mask. */
export const minimum = (
  words: Int32Array,
  base: number,
  consumers: number,
  first: number
): number => {
  let min = first
  for (let rest = consumers; rest !== 0; rest &= rest - 1) {
    const sequence = Atomics.load(words, base + (31 - Math.clz32(rest & -rest)) * LINE)
    if (((sequence - min) | 0) < 0) min = sequence
  }
  return min
}
