/**
 * The workers of a system while it runs: more of them, fewer, or none of one.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { PoolError } from "./PoolError.ts"

/**
 * A pool cannot have this many workers: less than one, or more than `maxWorkers`.
 *
 * @category errors
 * @since 0.1.0
 */
export class OutOfRange extends Schema.TaggedError<OutOfRange>()("OutOfRange", {
  workers: Schema.Number,
  /** The pool's `maxWorkers`. */
  most: Schema.Number
}) {
  override get message(): string {
    return `a pool of ${this.workers} workers: it has from 1 to ${this.most}`
  }
}

/**
 * There is no worker with this number.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoSuchWorker extends Schema.TaggedError<NoSuchWorker>()("NoSuchWorker", {
  worker: Schema.Number
}) {
  override get message(): string {
    return `there is no worker ${this.worker}`
  }
}

/**
 * A pool's workers were not changed; `reason` says why.
 *
 * @category errors
 * @since 0.1.0
 */
export class ResizeError extends Schema.TaggedError<ResizeError>()("ResizeError", {
  reason: Schema.Union([OutOfRange, NoSuchWorker])
}) {
  override get message(): string {
    return this.reason.message
  }
}

/**
 * How a change is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResizeOptions {
  /**
   * How long an actor may take for the message in hand before it is interrupted where it is, and how long a worker that
   * leaves waits until nothing waits for the actors that were spawned on it. (Default: 30 seconds)
   */
  readonly patience?: Duration.Input | undefined
}

/**
 * The workers of a system that `ActorSystem.layerWorkers` made.
 *
 * **Details**
 *
 * When the workers change, a part of the keys moves to other workers: those that a consistent hash gives to another one
 * than before. What is sent to a key that moves is handled in order per sender, as ever. Its incarnation ends at its old
 * place, when the message in hand is done, and what waits for it goes along. Its state goes along too, if it has a
 * schema that can cross threads: `initial` runs at the new place, and then the state is the one that has moved. State
 * without a schema begins anew.
 *
 * One change is made at a time. Once begun it is completed, though whoever asked for it is interrupted.
 *
 * **Example** (As many workers as there is work)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { WorkerPool } from "@troupe/runtime"
 *
 * const evening = Effect.gen(function*() {
 *   const pool = yield* WorkerPool.WorkerPool
 *   yield* pool.resize(2)
 *   return yield* pool.workers // [1, 2]
 * })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class WorkerPool extends Context.Service<WorkerPool, {
  /** The numbers of the workers that keys live on, and that actors are spawned on; without those that are given up. */
  readonly workers: Effect.Effect<ReadonlyArray<number>>
  /**
   * Has this many workers: starts new ones, which get the lowest free numbers, or drains those with the highest. Fails
   * with a `PoolError`, and everything as it was, when a new one does not come up.
   */
  readonly resize: (workers: number, options?: ResizeOptions) => Effect.Effect<void, ResizeError | PoolError>
  /**
   * Moves all keys away from a worker, waits until nothing waits for the actors that were spawned on it, and ends it.
   * Those have ended then, as with its thread. Its number is free for a new one.
   */
  readonly drain: (worker: number, options?: ResizeOptions) => Effect.Effect<void, ResizeError | PoolError>
}>()("@troupe/runtime/WorkerPool") {}
