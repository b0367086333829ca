/**
 * The few statistics a report needs, over plain arrays.
 *
 * None of them changes its argument, and all of them want at least one value:
 * of no values there is no median, and a made-up number must not get into a
 * report, so they throw a `RangeError`.
 */

/** Ascending, by number. */
const sorted = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  if (values.length === 0) {
    throw new RangeError("no values")
  }
  return values.toSorted((a, b) => a - b)
}

/**
 * The value at `fraction` (0..1) by nearest rank: the smallest value that at
 * least that share of all values do not exceed. Always one of the values.
 */
export const percentile = (values: ReadonlyArray<number>, fraction: number): number => {
  const ascending = sorted(values)
  const rank = Math.ceil(Math.min(1, Math.max(0, fraction)) * ascending.length)
  return ascending[Math.max(1, rank) - 1]!
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export const median = (values: ReadonlyArray<number>): number => {
  const ascending = sorted(values)
  const middle = ascending.length >> 1
  const upper = ascending[middle]!
  if (ascending.length % 2 === 1) return upper
  const lower = ascending[middle - 1]!
  // Their difference may be more than a number can be.
  return Math.min(upper, lower + (upper - lower) / 2)
}

export const min = (values: ReadonlyArray<number>): number => percentile(values, 0)

export const max = (values: ReadonlyArray<number>): number => percentile(values, 1)
