/**
 * Why a journal, a snapshot store or a state store did not do what it was asked.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Somebody else wrote meanwhile: what was to follow `expected` would have followed `actual`. Nothing was written.
 *
 * @category errors
 * @since 0.1.0
 */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", {
  /** The sequence, or the revision, that the writer had seen last. */
  expected: Schema.Int,
  /** The one that is there. */
  actual: Schema.Int
}) {
  override get message(): string {
    return `expected ${this.expected} to be the last, found ${this.actual}: somebody else has written`
  }
}

/**
 * What is stored does not read back: its bytes are not those that were written.
 *
 * @category errors
 * @since 0.1.0
 */
export class Damaged extends Schema.TaggedError<Damaged>()("Damaged", {
  /** What is wrong, and where: a file and an offset, or a row. */
  problem: Schema.String
}) {
  override get message(): string {
    return this.problem
  }
}

/**
 * The storage did not answer as it should: no connection, no room, no permission. Whether a write that failed so took
 * place is not known; whoever recovers finds out.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  cause: Schema.Defect()
}) {
  override get message(): string {
    return this.cause instanceof Error ? this.cause.message : String(this.cause)
  }
}

/**
 * Any of the reasons.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([Conflict, Damaged, Unavailable])

/**
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * A store failed on behalf of one actor.
 *
 * @category errors
 * @since 0.1.0
 */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  /** Whose events, snapshot or state it was about. */
  id: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    return `${this.id}: ${this.reason.message}`
  }
}

/**
 * The error of a writer that was not the last one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const conflict = (id: string, expected: number, actual: number): StoreError =>
  new StoreError({ id, reason: new Conflict({ expected, actual }) })

/**
 * The error of a store whose medium failed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unavailable = (id: string, cause: unknown): StoreError =>
  new StoreError({ id, reason: new Unavailable({ cause }) })

/**
 * The error of a store that finds something else than it wrote.
 *
 * @category constructors
 * @since 0.1.0
 */
export const damaged = (id: string, problem: string): StoreError =>
  new StoreError({ id, reason: new Damaged({ problem }) })
