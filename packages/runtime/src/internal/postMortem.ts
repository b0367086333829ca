/**
 * Actors in post-mortem: they handle essential messages only, and keep the others, and what the system tells them, for
 * after it.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { PostMortem as Refused } from "../AskError.ts"
import { ENDING, type Handler, HELD, type Message, type Replier } from "./hot/cell.ts"
import { HANDLED, LOCAL } from "./hot/counts.ts"
import { NEXT, Step } from "./hot/step.ts"
import type { Inspector } from "./inspector.ts"
import { leave, type Life, lifeOf, reasonOf, signal, type SystemSignal } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import { OwnMessage } from "./ownMessage.ts"
import * as Peer from "./peer.ts"
import type { MessageType } from "./protocol.ts"
import * as Wire from "./wire.ts"

export class PostMortem {
  private readonly inspector: Inspector
  /** The whole system is. */
  frozen: boolean
  /** Those that keep something. */
  private readonly keepers = new Set<Kept>()

  constructor(inspector: Inspector) {
    this.inspector = inspector
    this.frozen = inspector.inspection.frozen
  }

  /** An actor has failed; whether that puts it into post-mortem, or it is there already. */
  catches(ref: LocalRef, cause: Cause.Cause<unknown>, tag: string): boolean {
    const { inspection, system } = this.inspector
    const record = ref.inspected!
    const overseen = ref.life?.oversight !== undefined
    const caught = record.postMortem || this.frozen || (inspection.postMortem !== undefined && !overseen)
    if (!caught) return false
    if (ref.status >= HELD && !this.inspector.release(ref)) return false
    record.postMortem = true
    const exit = Exit.failCause(cause)
    this.keptOf(ref).exit = exit
    const { replier } = ref
    ref.status = HELD
    ref.replier = undefined
    replier?.abandon(reasonOf(exit))
    const life = lifeOf(ref)
    life.drop()
    const what = `${ref.toString()} failed in ${tag}, and is in post-mortem`
    Effect.runForkWith(ref.host.context)(Effect.logError(what, cause))
    // The effect that was dropped ends first.
    Effect.runForkWith(ref.host.context)(
      Effect.andThen(life.dropped, Effect.sync(() => this.goOn(ref, life)))
    )
    if (inspection.postMortem === "system" && !this.frozen) {
      this.freeze(true)
      system.mesh?.tellAll((peer) => peer.write(Peer.POST_MORTEM, 1, 0, 0, 0, undefined, Wire.nothing))
    }
    return true
  }

  private goOn(ref: LocalRef, life: Life): void {
    // Its overseer, or its end, may have come first.
    if (ref.status === HELD && ref.life === life && ref.handlers !== undefined) {
      ref.system.dispatcher.rest(ref)
    }
  }

  /** Puts an actor into post-mortem; false if it has no state to be read. */
  enter(ref: LocalRef): boolean {
    const held = ref.status === HELD && !this.inspector.suspends(ref)
    if (ref.status >= ENDING || (held && ref.handlers === undefined)) return false
    ref.inspected!.postMortem = true
    this.keptOf(ref)
    const oversight = ref.life?.oversight
    if (held && oversight !== undefined) Effect.runForkWith(ref.host.context)(oversight.resume)
    return true
  }

  /** Has it go on, with the state that it has; or end, or be held by its overseer, with what it had failed with. */
  leave(ref: LocalRef, ends: boolean): boolean {
    const record = ref.inspected!
    if (!record.postMortem) return false
    const { kept } = record
    const exit = kept?.exit ?? Exit.void
    this.over(ref)
    if (ends) leave(ref, exit)
    return true
  }

  private over(ref: LocalRef): void {
    const record = ref.inspected!
    const { kept } = record
    record.postMortem = false
    if (kept === undefined) return
    // Another time it is another failure, or none.
    kept.exit = Exit.void
    if (!this.frozen) kept.giveBack()
  }

  /** Puts this thread's actors into post-mortem, those that come too, or has them go on that did not fail. */
  freeze(frozen: boolean): void {
    this.frozen = frozen
    if (frozen) return
    for (const kept of Array.from(this.keepers)) {
      if (!kept.ref.inspected!.postMortem) kept.giveBack()
    }
  }

  keep(ref: LocalRef, message: Message, payload: unknown, replier: Replier | undefined): void {
    this.keptOf(ref).add(message, payload, replier)
  }

  /** A handler of a signal that is called when the post-mortem is over. */
  signal(tag: string, handler: Handler): Handler {
    return (state, payload, cell) => {
      const ref = cell as LocalRef
      if (!ref.inspected!.postMortem && !this.frozen) return handler(state, payload, cell)
      const kept: SystemSignal = { index: -1, tag, handle: (state, cell) => handler(state, payload, cell) }
      this.keptOf(ref).signals.push(kept)
      return new Step(NEXT, state, undefined)
    }
  }

  private keptOf(ref: LocalRef): Kept {
    const record = ref.inspected!
    const life = lifeOf(ref)
    if (record.kept?.life === life) return record.kept
    const kept = new Kept(ref, life, this.inspector.inspection.keep, this.keepers)
    this.keepers.add(kept)
    record.kept = kept
    // Whoever starts it again has looked at it enough.
    life.onRestart(() => {
      record.postMortem = false
      kept.restart()
    })
    return kept
  }
}

interface Waiting {
  readonly message: MessageType
  readonly payload: unknown
  readonly replier: Replier | undefined
}

/** What one incarnation keeps for after the post-mortem. */
export class Kept {
  readonly ref: LocalRef
  readonly life: Life
  /** What it would have ended with. */
  exit: Exit.Exit<void, unknown> = Exit.void
  signals: Array<SystemSignal> = []
  private messages: Array<Waiting> = []
  /** What it told itself: once each, as timers do. */
  private readonly own = new Set<OwnMessage>()
  private readonly most: number
  private readonly keepers: Set<Kept>

  constructor(ref: LocalRef, life: Life, most: number, keepers: Set<Kept>) {
    this.ref = ref
    this.life = life
    this.most = most
    this.keepers = keepers
  }

  get size(): number {
    return this.messages.length
  }

  add(message: Message, payload: unknown, replier: Replier | undefined): void {
    const { ref } = this
    const { counts } = ref.system
    // It is handled when it is given back.
    counts[HANDLED]!--
    const own = message instanceof OwnMessage ? message : undefined
    if (own !== undefined && this.own.has(own)) {
      counts[LOCAL]!--
      return
    }
    const type = own === undefined ? message as MessageType : own.message!
    if (this.messages.length < this.most) {
      if (own !== undefined) this.own.add(own)
      this.messages.push({ message: type, payload, replier })
      return
    }
    ref.system.deadLetter("PostMortem", ref, type.tag, payload)
    replier?.abandon(new Refused({ kept: this.most }))
  }

  /** Puts what is kept before all that waits. */
  giveBack(): void {
    const { ref, signals } = this
    this.unkeep()
    this.signals = []
    for (const kept of signals) signal(ref, kept)
    ref.system.dispatcher.wake(ref)
  }

  /** The actor starts again: its next incarnation has what is kept, but for what concerned this one alone. */
  restart(): void {
    this.unkeep()
    this.done()
  }

  /** The actor has ended. */
  end(): void {
    const { messages, ref } = this
    this.messages = []
    for (const { message, payload, replier } of messages) {
      ref.system.deadLetter("Ended", ref, message.tag, payload)
      replier?.abandon(reasonOf(this.exit))
    }
    this.done()
  }

  private unkeep(): void {
    const { messages, ref } = this
    this.messages = []
    this.own.clear()
    for (let i = messages.length - 1; i >= 0; i--) {
      const { message, payload, replier } = messages[i]!
      ref.putFirst(message, payload, replier, ref.system.dispatcher.pool)
    }
  }

  private done(): void {
    this.keepers.delete(this)
    if (this.ref.inspected!.kept === this) this.ref.inspected!.kept = undefined
  }
}
