/**
 * Why a pool of workers did not come up.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { SwarmError } from "./SwarmError.ts"

/**
 * A worker thread did not start: its module failed to load, its layers failed to build, or it did not answer in time.
 *
 * @category errors
 * @since 0.1.0
 */
export class WorkerNotReady extends Schema.TaggedError<WorkerNotReady>()("WorkerNotReady", {
  /** What went wrong. */
  problem: Schema.String,
  /** The last of what the worker wrote to its standard error. */
  stderr: Schema.String
}) {
  override get message(): string {
    return this.stderr === "" ? this.problem : `${this.problem}\n${this.stderr}`
  }
}

/**
 * A worker does not host an actor that the pool is to host: its entry module does not provide the layer.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotHosted extends Schema.TaggedError<NotHosted>()("NotHosted", {
  actor: Schema.String,
  /** What the worker hosts instead. */
  hosted: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const hosted = this.hosted.length === 0 ? "nothing" : this.hosted.join(", ")
    return `the worker does not host ${this.actor}; it hosts ${hosted}`
  }
}

/**
 * A worker hosts an actor by this name, but with other schemas: two versions of its contract are in play.
 *
 * @category errors
 * @since 0.1.0
 */
export class ContractMismatch extends Schema.TaggedError<ContractMismatch>()("ContractMismatch", {
  actor: Schema.String
}) {
  override get message(): string {
    return `the worker's contract of ${this.actor} has other schemas`
  }
}

/**
 * An actor that the pool is to host has a contract that is local: its messages may hold what cannot cross threads.
 *
 * @category errors
 * @since 0.1.0
 */
export class LocalContract extends Schema.TaggedError<LocalContract>()("LocalContract", {
  actor: Schema.String
}) {
  override get message(): string {
    return `the contract of ${this.actor} is local: no other thread can host it`
  }
}

/**
 * A pool of workers did not come up; `reason` says why. It is a `SwarmError` where one of the pool's swarms could not be
 * made.
 *
 * @category errors
 * @since 0.1.0
 */
export class PoolError extends Schema.TaggedError<PoolError>()("PoolError", {
  /** The worker's number, from 1; 0 where it is no worker's fault, and none was started. */
  worker: Schema.Number,
  reason: Schema.Union([WorkerNotReady, NotHosted, ContractMismatch, LocalContract, SwarmError])
}) {
  override get message(): string {
    return this.worker === 0 ? this.reason.message : `worker ${this.worker}: ${this.reason.message}`
  }
}
