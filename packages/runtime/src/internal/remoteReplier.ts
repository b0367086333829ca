/** Answers an ask of another thread. */
import { InvalidMessage, type Reason as AskReason } from "../AskError.ts"
import type { Asker } from "./ask.ts"
import * as Failure from "./failure.ts"
import type { Replier } from "./hot/cell.ts"
import * as Peer from "./peer.ts"
import * as Wire from "./wire.ts"

export class RemoteReplier implements Replier {
  private readonly peer: Peer.Peer
  private readonly correlation: number
  private readonly codecs: Wire.MessageCodecs
  done = false

  constructor(peer: Peer.Peer, correlation: number, codecs: Wire.MessageCodecs) {
    this.peer = peer
    this.correlation = correlation
    this.codecs = codecs
  }

  succeed(value: unknown): void {
    this.answer(Peer.SUCCESS, value, this.codecs.success)
  }

  fail(error: unknown): void {
    this.answer(Peer.FAILURE, error, this.codecs.error)
  }

  abandon(reason: AskReason): void {
    if (this.done) return
    this.done = true
    this.peer.answer(Peer.ABANDONED, this.correlation, reason, Wire.reason)
  }

  private answer(kind: number, value: unknown, codec: Wire.MessageCodecs["success"]): void {
    if (this.done) return
    try {
      this.peer.answer(kind, this.correlation, value, codec)
      this.done = true
    } catch (error) {
      this.abandon(new InvalidMessage({ issue: Failure.of(error) }))
    }
  }
}

/** Answers an ask of another thread, from which it is heard if its asker gives up. */
export class GivableReplier extends RemoteReplier implements Asker {
  unwanted = false
  onGivenUp: (() => void) | undefined = undefined

  giveUp(): void {
    this.unwanted = true
    this.onGivenUp?.()
  }
}
