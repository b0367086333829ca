/**
 * Why an actor could not be spawned.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Failure from "./internal/failure.ts"

/**
 * An actor's start failed: its `initial` threw or died, or its thread ended.
 *
 * @category errors
 * @since 0.1.0
 */
export class SpawnError extends Schema.TaggedError<SpawnError>()("SpawnError", {
  /** The name of the actor's definition. */
  actor: Schema.String,
  /** What the start failed with; its text, if it failed on another thread. */
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.actor} did not start: ${Failure.of(this.cause)}`
  }
}
