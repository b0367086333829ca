/**
 * Messages that are handled as one, and those who await its answer.
 *
 * **Contract**: one thread. It stands for the repliers of its messages, and each of them is called at most once.
 * **Invariant**: `repliers[i]` awaits the answer to `payloads[i]`, or is undefined where that was told.
 * **Ordering**: none, one thread; its messages are in the order in which they waited.
 * **Allocation**: itself and two arrays a batch of more than one.
 * **Evidence**: `test/Handling.threads.test.ts`, `local.tell.batch`.
 */
import type { Message, Replier } from "./cell.ts"

/** Those who asked with one message and with another that has replaced it. */
export class Joined implements Replier {
  private readonly older: Replier
  private readonly newer: Replier
  done = false

  constructor(older: Replier, newer: Replier) {
    this.older = older
    this.newer = newer
  }

  succeed(value: unknown): void {
    this.done = true
    this.older.succeed(value)
    this.newer.succeed(value)
  }

  fail(error: unknown): void {
    this.done = true
    this.older.fail(error)
    this.newer.fail(error)
  }

  abandon(reason: unknown): void {
    this.done = true
    this.older.abandon(reason)
    this.newer.abandon(reason)
  }
}

/** What a told message's declared error is told to. */
export type Unheard = (message: Message, error: unknown) => void

export class Together implements Replier {
  readonly message: Message
  readonly payloads: ReadonlyArray<unknown>
  readonly repliers: ReadonlyArray<Replier | undefined>
  private readonly unheard: Unheard
  done = false

  constructor(
    message: Message,
    payloads: ReadonlyArray<unknown>,
    repliers: ReadonlyArray<Replier | undefined>,
    unheard: Unheard
  ) {
    this.message = message
    this.payloads = payloads
    this.repliers = repliers
    this.unheard = unheard
  }

  succeed(value: unknown): void {
    if (this.settled()) return
    for (const replier of this.repliers) replier?.succeed(value)
  }

  fail(error: unknown): void {
    if (this.settled()) return
    for (const replier of this.repliers) {
      if (replier === undefined) this.unheard(this.message, error)
      else replier.fail(error)
    }
  }

  abandon(reason: unknown): void {
    if (this.settled()) return
    for (const replier of this.repliers) replier?.abandon(reason)
  }

  private settled(): boolean {
    const { done } = this
    this.done = true
    return done
  }
}
