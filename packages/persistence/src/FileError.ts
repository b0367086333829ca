/**
 * Why a file cannot be made, mapped, kept or used.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Files cannot be mapped on this platform: there is no system call for it, or none that can be reached.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unsupported extends Schema.TaggedError<Unsupported>()("Unsupported", {
  /** Operating system and processor, as `linux-x64`. */
  platform: Schema.String,
  /** What is missing. */
  detail: Schema.String
}) {
  override get message(): string {
    return `files cannot be mapped on ${this.platform}: ${this.detail}`
  }
}

/**
 * There is no such file.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {}) {
  override get message(): string {
    return "there is no such file"
  }
}

/**
 * The system refuses it: permissions, a file system that is read-only.
 *
 * @category errors
 * @since 0.1.0
 */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  /** The system's name for it: `EACCES`, `EPERM`, `EROFS`. */
  code: Schema.String
}) {
  override get message(): string {
    return `the system refuses (${this.code})`
  }
}

/**
 * There is no space for it: the disk, a quota or a limit is used up. Found before a byte of it is used.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoSpace extends Schema.TaggedError<NoSpace>()("NoSpace", {
  /** Bytes that were asked for. */
  byteLength: Schema.Number,
  /** The system's name for it: `ENOSPC`, `EDQUOT`, `EFBIG`. */
  code: Schema.String
}) {
  override get message(): string {
    return `there is no space for ${this.byteLength} bytes (${this.code})`
  }
}

/**
 * The file is shorter than it was made: somebody else cut it.
 *
 * @category errors
 * @since 0.1.0
 */
export class Shortened extends Schema.TaggedError<Shortened>()("Shortened", {
  /** Bytes. */
  expected: Schema.Number,
  /** Bytes. */
  actual: Schema.Number
}) {
  override get message(): string {
    return `the file has ${this.actual} bytes and should have ${this.expected}`
  }
}

/**
 * A system call failed for another reason: a broken disk, too many open files.
 *
 * @category errors
 * @since 0.1.0
 */
export class SystemFailed extends Schema.TaggedError<SystemFailed>()("SystemFailed", {
  /** The system call. */
  call: Schema.String,
  /** The system's name for it, as `EIO`. */
  code: Schema.String
}) {
  override get message(): string {
    return `${this.call} failed with ${this.code}`
  }
}

/**
 * @category models
 * @since 0.1.0
 */
export const Reason = Schema.Union([Unsupported, NotFound, Refused, NoSpace, Shortened, SystemFailed])

/**
 * @category models
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * A file could not be used; `reason` says why. Handle one reason with `Effect.catchReason`.
 *
 * @category errors
 * @since 0.1.0
 */
export class FileError extends Schema.TaggedError<FileError>()("FileError", {
  /** The path of the file or directory. */
  file: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    return `${this.file}: ${this.reason.message}`
  }
}
