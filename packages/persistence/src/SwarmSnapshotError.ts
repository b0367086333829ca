/**
 * Why a snapshot of a swarm cannot be taken, found or restored.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as FileError from "./FileError.ts"

/**
 * There is no snapshot of this name, or none from which the swarm could go on.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoSnapshot extends Schema.TaggedError<NoSnapshot>()("NoSnapshot", {
  /** The names that there are. */
  names: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `there is no such snapshot; there are: ${this.names.join(", ") || "none"}`
  }
}

/**
 * The snapshot's file is not as it was written: cut, or its bytes have changed. The swarm is as it was before.
 *
 * @category errors
 * @since 0.1.0
 */
export class Damaged extends Schema.TaggedError<Damaged>()("Damaged", {
  /** What is wrong with it. */
  problem: Schema.String
}) {
  override get message(): string {
    return `it is damaged: ${this.problem}`
  }
}

/**
 * The snapshot is of a swarm with another state, other messages or chunks of another size.
 *
 * @category errors
 * @since 0.1.0
 */
export class OtherContract extends Schema.TaggedError<OtherContract>()("OtherContract", {}) {
  override get message(): string {
    return "it is of another contract"
  }
}

/**
 * The swarm is running, or is being restored, in this process or another one.
 *
 * @category errors
 * @since 0.1.0
 */
export class InUse extends Schema.TaggedError<InUse>()("InUse", {}) {
  override get message(): string {
    return "the swarm is running, or being restored"
  }
}

/**
 * The swarm's memory is not kept in files: it has no `keep: true`, or the `Memory` in force is not `MappedMemory`.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotKept extends Schema.TaggedError<NotKept>()("NotKept", {}) {
  override get message(): string {
    return "its memory is not kept in files"
  }
}

/**
 * @category models
 * @since 0.1.0
 */
export const Reason = Schema.Union([
  ...FileError.Reason.members,
  NoSnapshot,
  Damaged,
  OtherContract,
  InUse,
  NotKept
])

/**
 * @category models
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * A snapshot could not be taken, found or restored; `reason` says why. Handle one reason with `Effect.catchReason`.
 *
 * @category errors
 * @since 0.1.0
 */
export class SwarmSnapshotError extends Schema.TaggedError<SwarmSnapshotError>()("SwarmSnapshotError", {
  swarm: Schema.String,
  /** The snapshot's name, or the path of the file where it went wrong. */
  snapshot: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    return `swarm ${this.swarm}, snapshot ${this.snapshot}: ${this.reason.message}`
  }
}
