/**
 * A streamed reply to another thread: elements go one way, credits come the other. Where the message was passed on to a
 * third thread, so are these.
 */
import { InvalidMessage, type Reason } from "../AskError.ts"
import * as Failure from "./failure.ts"
import * as Peer from "./peer.ts"
import { Source, type StreamReplier, type Upstream } from "./streaming.ts"
import * as Wire from "./wire.ts"

export class RemoteStream implements StreamReplier {
  private readonly peer: Peer.Peer
  private readonly correlation: number
  private readonly codecs: Wire.MessageCodecs
  readonly source = new Source()
  private closed = false

  constructor(peer: Peer.Peer, correlation: number, codecs: Wire.MessageCodecs) {
    this.peer = peer
    this.correlation = correlation
    this.codecs = codecs
    peer.sources.set(correlation, this.source)
  }

  get done(): boolean {
    return this.closed || this.source.cancelled
  }

  elements(values: ReadonlyArray<unknown>, from: number, to: number): void {
    const { codecs, correlation, peer } = this
    for (let i = from; i < to && !this.done; i++) {
      this.attempt(() => peer.answer(Peer.ELEMENT, correlation, values[i], codecs.success))
    }
  }

  element(value: unknown): void {
    this.elements([value], 0, 1)
  }

  from(upstream: Upstream): void {
    if (!this.done) this.peer.sources.set(this.correlation, upstream)
  }

  succeed(): void {
    if (this.close()) this.peer.answer(Peer.FINISHED, this.correlation, undefined, Wire.nothing)
  }

  fail(error: unknown): void {
    const { codecs, correlation, peer } = this
    if (this.done) return
    this.attempt(() => {
      peer.answer(Peer.FAILURE, correlation, error, codecs.error)
      this.close()
    })
  }

  abandon(reason: Reason): void {
    if (this.close()) this.peer.answer(Peer.ABANDONED, this.correlation, reason, Wire.reason)
  }

  /** Writes what may not fit its schema: then it is the end. */
  private attempt(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.abandon(new InvalidMessage({ issue: Failure.of(error) }))
      this.source.cancel()
    }
  }

  /** False when nobody waits for anything any more. */
  private close(): boolean {
    if (this.done) return false
    this.closed = true
    this.peer.sources.delete(this.correlation)
    return true
  }
}
