/**
 * What a consumer does while there is nothing for it: a choice between latency, CPU and what else its thread can do.
 *
 * | strategy | from publish to handler, about | CPU while idle | what else the thread can do |
 * | --- | --- | --- | --- |
 * | {@link busySpin} | 0.1 us | all of a core | one turn of its event loop each half millisecond |
 * | {@link yielding} | 1 us | all of a core | everything: its event loop turns between looks |
 * | {@link spinThenPark} | 0.1 us while busy, 30 us after a pause | some, then none | everything, but for the spins |
 * | {@link park} (default) | 30 us from another thread, 1 us within this one | none | everything |
 * | {@link block} | 10 us | none | nothing: for threads that do nothing else; not in a page's main thread |
 *
 * With the producer in the same thread only {@link park} and {@link yielding} make sense: no spinning makes it publish.
 *
 * @since 0.1.0
 */

/**
 * How to wait. Data: `WaitStrategy` values can be compared, printed and sent to workers.
 *
 * @category models
 * @since 0.1.0
 */
export type WaitStrategy =
  | { readonly _tag: "BusySpin" }
  | { readonly _tag: "Yielding"; readonly spins: number }
  | { readonly _tag: "SpinThenPark"; readonly spins: number; readonly turns: number }
  | { readonly _tag: "Park" }
  | { readonly _tag: "Block"; readonly spins: number }

/**
 * Looks without end; the event loop gets a turn after each 100,000 looks, so that the consumer can be halted.
 *
 * @category constructors
 * @since 0.1.0
 */
export const busySpin: WaitStrategy = { _tag: "BusySpin" }

/**
 * Looks `spins` times (default: 100) in each turn of the event loop.
 *
 * @category constructors
 * @since 0.1.0
 */
export const yielding = (options?: { readonly spins?: number | undefined }): WaitStrategy => ({
  _tag: "Yielding",
  spins: options?.spins ?? 100
})

/**
 * Looks `spins` times (default: 2,000, about 10 us), then in each of `turns` turns of the event loop (default: 50,
 * about 50 us), then sleeps as {@link park} does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const spinThenPark = (options?: {
  readonly spins?: number | undefined
  readonly turns?: number | undefined
}): WaitStrategy => ({ _tag: "SpinThenPark", spins: options?.spins ?? 2000, turns: options?.turns ?? 50 })

/**
 * Sleeps at once, by `Atomics.waitAsync`: the event loop lives. It does not keep the process alive by itself.
 *
 * @category constructors
 * @since 0.1.0
 */
export const park: WaitStrategy = { _tag: "Park" }

/**
 * Looks `spins` times (default: 1,000), then blocks the thread by `Atomics.wait`; every 50 ms the event loop gets a
 * turn, so that the consumer can be halted from its own thread.
 *
 * @category constructors
 * @since 0.1.0
 */
export const block = (options?: { readonly spins?: number | undefined }): WaitStrategy => ({
  _tag: "Block",
  spins: options?.spins ?? 1000
})
