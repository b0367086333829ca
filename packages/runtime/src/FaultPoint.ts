/**
 * The places where a running system can be hurt on purpose, to see whether it holds. Policy (which, when, how often) is
 * not here: `Faults` of `@troupe/supervision` steers them from a seed.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * An actor, as a fault point names it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Victim {
  /** The name of its definition. */
  readonly name: string
  readonly key: string | undefined
}

/**
 * What happens instead of a handler's call. The message is gone; whoever asked is told as of any failure or end.
 *
 * | fault | the handler |
 * | --- | --- |
 * | `throw` | throws |
 * | `die` | gives an Effect that dies |
 * | `fail` | crashes its actor on purpose, with the error given |
 * | `hang` | gives an Effect that never ends |
 * | `kill` | gives an Effect that is interrupted |
 * | `stop` | stops its actor |
 *
 * @category models
 * @since 0.1.0
 */
export type HandlerFault =
  | { readonly _tag: "throw" | "die" | "fail"; readonly error: unknown }
  | { readonly _tag: "hang" | "kill" | "stop" }

/**
 * What happens to a message on its way into a mailbox of its thread. **All of them break what is guaranteed of
 * delivery.**
 *
 * | fault | the message |
 * | --- | --- |
 * | `drop` | is gone, without a dead letter; it counts as one. Who asked hears nothing |
 * | `duplicate` | comes twice; the second one is told |
 * | `delay` | comes later, by this time of the system's Clock |
 * | `reorder` | comes behind the next one to the same actor, or after 10 ms if there is none |
 *
 * @category models
 * @since 0.1.0
 */
export type DeliveryFault =
  | { readonly _tag: "drop" | "duplicate" | "reorder" }
  | { readonly _tag: "delay"; readonly millis: number }

/**
 * The worker threads of a system.
 *
 * @category models
 * @since 0.1.0
 */
export interface Threads {
  /** Workers are numbered from 1 to this. */
  readonly count: number
  /** Ends a worker's thread as nothing in it could. */
  readonly terminate: (worker: number) => void
}

/**
 * What is asked at the fault points; undefined means that nothing happens. It must not throw.
 *
 * @category models
 * @since 0.1.0
 */
export interface Injector {
  /** Before each call of a handler. */
  readonly handler?: ((victim: Victim, tag: string) => HandlerFault | undefined) | undefined
  /**
   * For each message that comes into a mailbox, from this thread or from another one; from other threads not into a
   * bounded one.
   */
  readonly delivery?: ((victim: Victim, tag: string) => DeliveryFault | undefined) | undefined
  /** Whether a bounded mailbox in which something waits is full just now, whatever its capacity. */
  readonly full?: ((victim: Victim) => boolean) | undefined
  /** Is given the worker threads when they are up. */
  readonly threads?: ((threads: Threads) => void) | undefined
}

/**
 * The injector of the systems that are made with it: what makes the system is provided with it, `ActorSystem.layer` or
 * `layerWorkers`; a worker's own with the `context` of `ActorWorker.run`. A system without one has no fault points at
 * all. (Default: none)
 *
 * @category references
 * @since 0.1.0
 */
export const Injector: Context.Reference<Injector | undefined> = Context.Reference<Injector | undefined>(
  "@troupe/runtime/FaultPoint/Injector",
  { defaultValue: () => undefined }
)
