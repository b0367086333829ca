/**
 * What a thread counts: 64-bit floats, in shared memory where the thread has a successor that goes on counting.
 *
 * **Contract**: one thread writes, whoever reads sees some moment of it, and all of it when it has ended.
 * **Invariant**: each message that comes to a thread is handled, or a dead letter, or lost with the thread, or waits.
 * **Ordering**: plain stores. Who wants to see what another thread has counted asks it something first.
 * **Allocation**: none.
 * **Evidence**: `test/Pool.death.threads.test.ts`, `local.tell.plain`.
 */

/** Messages accepted from this thread, for this thread. */
export const LOCAL = 0
/** Messages whose handlers were called. */
export const HANDLED = 1
/** Messages that reached nobody, whoever noticed. */
export const DEAD = 2
/** Those of them that were refused when they were sent. */
export const REFUSED = 3
/** Those of them that another thread should have had, which has ended for good. */
export const BURIED = 4
/** Messages of this thread, for this thread, that died with an incarnation of it. */
export const LOST = 5

/** Places in its directory that a thread has given to actors. */
export const PLACES = 6

/** A cache line for each thread. */
export const COUNTS = 8
