/**
 * Why an actor did not get back what it had stored.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Reason as StoreReason } from "./StoreError.ts"

/**
 * The events of an actor do not give its state: recovery stopped at one of them, and nothing was changed.
 *
 * @category errors
 * @since 0.1.0
 */
export class RecoveryError extends Schema.TaggedError<RecoveryError>()("RecoveryError", {
  id: Schema.String,
  /** The sequence of the event, or snapshot, that could not be read or applied. */
  sequence: Schema.Int,
  reason: Schema.Union([StoreReason, Schema.Defect()])
}) {
  override get message(): string {
    const { reason } = this
    const problem = reason instanceof Error ? reason.message : String(reason)
    return `${this.id} stopped its recovery at ${this.sequence}: ${problem}`
  }
}
