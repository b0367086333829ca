/**
 * Why an ask got no answer.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The deadline passed. A late answer is dropped; the actor is not interrupted.
 *
 * @category errors
 * @since 0.1.0
 */
export class AskTimeout extends Schema.TaggedError<AskTimeout>()("AskTimeout", { millis: Schema.Number }) {
  override get message(): string {
    return `no answer within ${this.millis} ms`
  }
}

/**
 * The actor ended, or failed, before it answered.
 *
 * @category errors
 * @since 0.1.0
 */
export class ActorEnded extends Schema.TaggedError<ActorEnded>()("ActorEnded", {
  /** What the actor failed with, as text; undefined when it ended without a failure. */
  failure: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return this.failure === undefined
      ? "the actor ended before it answered"
      : `the actor failed before it answered: ${this.failure}`
  }
}

/**
 * The actor had ended when the message was sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class DeadRef extends Schema.TaggedError<DeadRef>()("DeadRef", {}) {
  override get message(): string {
    return "the actor had already ended"
  }
}

/**
 * The message or its answer does not fit its schema.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidMessage extends Schema.TaggedError<InvalidMessage>()("InvalidMessage", {
  /** What does not fit, and where. */
  issue: Schema.String
}) {
  override get message(): string {
    return this.issue
  }
}

/**
 * The actor's worker thread ended.
 *
 * @category errors
 * @since 0.1.0
 */
export class ThreadLost extends Schema.TaggedError<ThreadLost>()("ThreadLost", { thread: Schema.Number }) {
  override get message(): string {
    return `worker thread ${this.thread} ended`
  }
}

/**
 * The actor's mailbox was full, or the message was dropped for a newer one.
 *
 * @category errors
 * @since 0.1.0
 */
export class MailboxFull extends Schema.TaggedError<MailboxFull>()("MailboxFull", {
  /** How many messages may wait in it. */
  capacity: Schema.Number
}) {
  override get message(): string {
    return `the mailbox is full: it holds ${this.capacity} messages at most`
  }
}

/**
 * The actor's mailbox is bounded, and the system's table of bounded mailboxes has no place for one more.
 *
 * @category errors
 * @since 0.1.0
 */
export class MailboxesExhausted extends Schema.TaggedError<MailboxesExhausted>()("MailboxesExhausted", {}) {
  override get message(): string {
    return "there is no place for one more bounded mailbox: see the option mailboxes of layerWorkers"
  }
}

/**
 * The actor waits to be started again, and its overseer has it refuse messages meanwhile.
 *
 * @category errors
 * @since 0.1.0
 */
export class Restarting extends Schema.TaggedError<Restarting>()("Restarting", {}) {
  override get message(): string {
    return "the actor waits to be started again"
  }
}

/**
 * The actor's handler said that the message has no place in its state.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unhandled extends Schema.TaggedError<Unhandled>()("Unhandled", {}) {
  override get message(): string {
    return "the actor does not handle the message in its present state"
  }
}

/**
 * The actor kept the message for later, and had kept as many as it may.
 *
 * @category errors
 * @since 0.1.0
 */
export class StashFull extends Schema.TaggedError<StashFull>()("StashFull", {
  /** How many messages it may keep. */
  capacity: Schema.Number
}) {
  override get message(): string {
    return `the stash is full: it holds ${this.capacity} messages at most`
  }
}

/**
 * The actor is in post-mortem, where it handles essential messages only, and keeps as many others as it may.
 *
 * @category errors
 * @since 0.1.0
 */
export class PostMortem extends Schema.TaggedError<PostMortem>()("PostMortem", {
  /** How many it keeps. */
  kept: Schema.Number
}) {
  override get message(): string {
    return `the actor is in post-mortem, and keeps ${this.kept} messages already`
  }
}

/**
 * Asks wait for each other in a cycle: the actor asked, or one that it asks in turn, waits for the asker's handler,
 * which waits for this answer. Found where `ActorSystem.DetectCycles` says so.
 *
 * @category errors
 * @since 0.1.0
 */
export class AskCycle extends Schema.TaggedError<AskCycle>()("AskCycle", {
  /** The messages in hand, each of which asks the next one's actor; the last is the first again. */
  chain: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `asks form a cycle: ${this.chain.join(" -> ")}`
  }
}

/**
 * @category models
 * @since 0.1.0
 */
export const Reason = Schema.Union([
  AskTimeout,
  ActorEnded,
  DeadRef,
  InvalidMessage,
  ThreadLost,
  MailboxFull,
  MailboxesExhausted,
  Restarting,
  Unhandled,
  StashFull,
  PostMortem,
  AskCycle
])

/**
 * @category models
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * An ask got no answer; `reason` says why. Handle one reason with `Effect.catchReason`.
 *
 * @category errors
 * @since 0.1.0
 */
export class AskError extends Schema.TaggedError<AskError>()("AskError", {
  /** The name of the actor asked. */
  actor: Schema.String,
  /** The message's tag. */
  tag: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    return `ask ${this.tag} of ${this.actor}: ${this.reason.message}`
  }
}
