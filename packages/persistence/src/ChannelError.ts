/**
 * Why a channel cannot be opened, written or read.
 *
 * Positions are those of `Writer.append` and `Reader.position`: bytes since the channel's beginning.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as FileError from "./FileError.ts"

/**
 * Another writer has the channel, in this process or another one.
 *
 * @category errors
 * @since 0.1.0
 */
export class WriterAlive extends Schema.TaggedError<WriterAlive>()("WriterAlive", {
  /** The process, as it wrote it down; it may be one of another machine or container. */
  pid: Schema.Number
}) {
  override get message(): string {
    return `process ${this.pid} writes it`
  }
}

/**
 * Another reader has the cursor of this name.
 *
 * @category errors
 * @since 0.1.0
 */
export class CursorTaken extends Schema.TaggedError<CursorTaken>()("CursorTaken", { cursor: Schema.String }) {
  override get message(): string {
    return `another reader has the cursor "${this.cursor}"`
  }
}

/**
 * The channel is closed: nothing is written to it ever again.
 *
 * @category errors
 * @since 0.1.0
 */
export class Closed extends Schema.TaggedError<Closed>()("Closed", {}) {
  override get message(): string {
    return "it is closed"
  }
}

/**
 * There is something of this name already, and the format has one file that is written once.
 *
 * @category errors
 * @since 0.1.0
 */
export class AlreadyExists extends Schema.TaggedError<AlreadyExists>()("AlreadyExists", {}) {
  override get message(): string {
    return "it exists already"
  }
}

/**
 * The writer is still making it.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotReady extends Schema.TaggedError<NotReady>()("NotReady", {}) {
  override get message(): string {
    return "its writer is still making it"
  }
}

/**
 * The writer has been given up, or its scope has ended; another may go on.
 *
 * @category errors
 * @since 0.1.0
 */
export class Released extends Schema.TaggedError<Released>()("Released", {}) {
  override get message(): string {
    return "this end of it has been released"
  }
}

/**
 * The channel's only file is full: it does not roll.
 *
 * @category errors
 * @since 0.1.0
 */
export class Full extends Schema.TaggedError<Full>()("Full", {
  /** Bytes of records. */
  capacity: Schema.Number
}) {
  override get message(): string {
    return `its ${this.capacity} bytes are used up`
  }
}

/**
 * The record is longer than the channel allows.
 *
 * @category errors
 * @since 0.1.0
 */
export class TooLong extends Schema.TaggedError<TooLong>()("TooLong", {
  /** Bytes, of what the handlers add too. */
  limit: Schema.Number
}) {
  override get message(): string {
    return `the record has more than ${this.limit} bytes`
  }
}

/**
 * The value could not be encoded. Nothing was written.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotEncoded extends Schema.TaggedError<NotEncoded>()("NotEncoded", { issue: Schema.String }) {
  override get message(): string {
    return `the value cannot be encoded: ${this.issue}`
  }
}

/**
 * The bytes are as they were written, but are no value of the reader's format.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotDecoded extends Schema.TaggedError<NotDecoded>()("NotDecoded", {
  position: Schema.Number,
  issue: Schema.String
}) {
  override get message(): string {
    return `the record at ${this.position} cannot be decoded: ${this.issue}`
  }
}

/**
 * The bytes at a position are not those that a writer wrote. What is before is readable; nothing behind is given out.
 *
 * @category errors
 * @since 0.1.0
 */
export class Damaged extends Schema.TaggedError<Damaged>()("Damaged", {
  position: Schema.Number,
  /** The offset in its file, in bytes. */
  offset: Schema.Number,
  /**
   * - `zeroed`: zeros, where there is a record or a mark
   * - `mark`: neither a record nor a mark
   * - `length`: a record that does not fit
   * - `checksum`: a record whose bytes have changed
   * - `outside`: the file ends before its records do
   * - `position`: no record begins there
   */
  damage: Schema.Literals(["zeroed", "mark", "length", "checksum", "outside", "position"])
}) {
  override get message(): string {
    return `damaged at position ${this.position} (byte ${this.offset} of its file): ${this.damage}`
  }
}

/**
 * A file's header is none: another signature or version, impossible or changed fields.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotAChannel extends Schema.TaggedError<NotAChannel>()("NotAChannel", {
  /** The offset of what is wrong, in bytes. */
  offset: Schema.Number,
  issue: Schema.String
}) {
  override get message(): string {
    return `no channel that can be read: ${this.issue} (byte ${this.offset})`
  }
}

/**
 * The channel holds records of another format.
 *
 * @category errors
 * @since 0.1.0
 */
export class OtherFormat extends Schema.TaggedError<OtherFormat>()("OtherFormat", {
  expected: Schema.String,
  actual: Schema.String
}) {
  override get message(): string {
    return `it holds "${this.actual}", not "${this.expected}"`
  }
}

/**
 * The records at this position have been removed.
 *
 * @category errors
 * @since 0.1.0
 */
export class Gone extends Schema.TaggedError<Gone>()("Gone", {
  position: Schema.Number,
  /** The first position that is still there. */
  oldest: Schema.Number
}) {
  override get message(): string {
    return `position ${this.position} is gone; the oldest is ${this.oldest}`
  }
}

/**
 * Nothing came for the channel's timeout: the reader gives up, for good.
 *
 * @category errors
 * @since 0.1.0
 */
export class Abandoned extends Schema.TaggedError<Abandoned>()("Abandoned", {
  position: Schema.Number,
  /** Milliseconds. */
  timeout: Schema.Number
}) {
  override get message(): string {
    return `nothing came at ${this.position} for ${this.timeout} ms`
  }
}

/**
 * @category models
 * @since 0.1.0
 */
export const Reason = Schema.Union([
  ...FileError.Reason.members,
  WriterAlive,
  CursorTaken,
  Closed,
  AlreadyExists,
  NotReady,
  Released,
  Full,
  TooLong,
  NotEncoded,
  NotDecoded,
  Damaged,
  NotAChannel,
  OtherFormat,
  Gone,
  Abandoned
])

/**
 * @category models
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * A channel could not be opened, written or read; `reason` says why. Handle one reason with `Effect.catchReason`.
 *
 * @category errors
 * @since 0.1.0
 */
export class ChannelError extends Schema.TaggedError<ChannelError>()("ChannelError", {
  /** The channel's path, or that of the file where it went wrong. */
  path: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    return `channel ${this.path}: ${this.reason.message}`
  }
}
