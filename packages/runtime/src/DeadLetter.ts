/**
 * A message that reached nobody, and why.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * Why a message was not handled.
 *
 * | reason | what happened |
 * | --- | --- |
 * | `Ended` | the actor had ended, or ended before the message's turn |
 * | `UnknownMessage` | the actor's protocol has no such tag |
 * | `InvalidMessage` | the payload does not fit its schema, here or after it crossed a thread |
 * | `UnheardError` | the message was handled, but its declared error had nobody to go to: it was told, not asked |
 * | `ThreadLost` | the worker thread it was sent to has ended, and is not started again |
 * | `MailboxFull` | the actor's mailbox was full, or this was the oldest in it when a newer one came |
 * | `MailboxesExhausted` | the system's table of bounded mailboxes had no place for the actor's |
 * | `Restarting` | the actor waited to be started again, and refused what came meanwhile |
 * | `Unhandled` | its handler said that it has no place in the actor's state |
 * | `StashFull` | its handler kept it for later, and had kept as many as it may |
 * | `PostMortem` | the actor was in post-mortem, and kept as many for after it as it may |
 *
 * @category models
 * @since 0.1.0
 */
export type Reason =
  | "Ended"
  | "UnknownMessage"
  | "InvalidMessage"
  | "UnheardError"
  | "ThreadLost"
  | "MailboxFull"
  | "MailboxesExhausted"
  | "Restarting"
  | "Unhandled"
  | "StashFull"
  | "PostMortem"

/**
 * A message that reached nobody. `payload` is the value as it was sent, or the error for `UnheardError`; undefined
 * where only bytes were left.
 *
 * @category models
 * @since 0.1.0
 */
export class DeadLetter extends Data.TaggedClass("DeadLetter")<{
  readonly reason: Reason
  readonly actor: string
  readonly key: string | undefined
  readonly tag: string
  readonly payload: unknown
}> {}
