/** Why a message was not accepted. */
import {
  DeadRef,
  InvalidMessage,
  MailboxesExhausted,
  type Reason,
  Restarting,
  ThreadLost
} from "../AskError.ts"
import type { Reason as DeadLetterReason } from "../DeadLetter.ts"
import type { Mailbox } from "./mailbox.ts"

export interface Refusal {
  readonly reason: DeadLetterReason
  /** What an ask fails with. */
  readonly askReason: Reason
  /** The mailbox that is full, if that is why. */
  readonly mailbox?: Mailbox
}

export const ended: Refusal = { reason: "Ended", askReason: new DeadRef() }

export const exhausted: Refusal = { reason: "MailboxesExhausted", askReason: new MailboxesExhausted() }

export const restarting: Refusal = { reason: "Restarting", askReason: new Restarting() }

export const invalid = (issue: unknown): Refusal => ({
  reason: "InvalidMessage",
  askReason: new InvalidMessage({ issue: issue instanceof Error ? issue.message : String(issue) })
})

export const unknown = (actor: string, tag: string): Refusal => ({
  reason: "UnknownMessage",
  askReason: new InvalidMessage({ issue: `${actor} has no message ${tag}` })
})

export const lost = (thread: number): Refusal => ({
  reason: "ThreadLost",
  askReason: new ThreadLost({ thread })
})
