/**
 * Why a swarm cannot do what was asked of it, or has ended.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A swarm cannot go on, or could not be made.
 *
 * | reason | what happened |
 * | --- | --- |
 * | `Ended` | it had ended before: its layer is closed, or it was stopped |
 * | `NameTaken` | another swarm or an actor of its system has its name |
 * | `InvalidState` | what was to be an instance's state does not fit its schema |
 * | `Memory` | there is no memory for more instances |
 * | `HandlerFailed` | a handler failed, and the swarm's policy is to stop |
 * | `OpenTurn` | its memory was left within a turn, or within a change between turns |
 * | `Damaged` | a part of its memory is missing, or was cut |
 * | `ContractMismatch` | its memory, or a worker, has another state or another protocol |
 * | `ThreadLost` | a worker ended within a turn, or could not do its part of it |
 * | `Elsewhere` | a worker was asked for what only the thread that has the instances can do |
 *
 * @category errors
 * @since 0.1.0
 */
export class SwarmError extends Schema.TaggedError<SwarmError>()("SwarmError", {
  /** The swarm's name. */
  swarm: Schema.String,
  reason: Schema.Literals([
    "Ended",
    "NameTaken",
    "InvalidState",
    "Memory",
    "HandlerFailed",
    "OpenTurn",
    "Damaged",
    "ContractMismatch",
    "ThreadLost",
    "Elsewhere"
  ]),
  problem: Schema.String
}) {
  override get message(): string {
    return `swarm ${this.swarm}: ${this.problem}`
  }
}
