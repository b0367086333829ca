/** The garbage collector and the size of the heap, of the process that is measured (run with `--expose-gc`). */

/** Collects all garbage now, so that the garbage of a set-up is not collected within a sample. */
export const collect = (): void => {
  globalThis.gc?.()
}

/**
 * Bytes of live heap objects. Collected twice: what the first pass only queued
 * for finalization is freed by the second.
 */
export const live = (): number => {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
