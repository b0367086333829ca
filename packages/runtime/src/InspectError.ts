/**
 * Why there is nothing to be seen of an actor.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * There is no such actor, or no more; or what is wanted is not for it: to leave a post-mortem that it is not in, or to
 * enter one while it has no state.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoSuchActor extends Schema.TaggedError<NoSuchActor>()("NoSuchActor", {
  thread: Schema.Number,
  address: Schema.String
}) {
  override get message(): string {
    return `no such actor on thread ${this.thread}: ${this.address}`
  }
}

/**
 * The system was made without `ActorSystem.Inspection`.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotInspected extends Schema.TaggedError<NotInspected>()("NotInspected", {}) {
  override get message(): string {
    return "the system is made without ActorSystem.Inspection: provide its layer with it"
  }
}
