/** What every kind of reference shares: `tell`, `offer` and `ask`, made of one synchronous delivery. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { pipeArguments } from "effect/Pipeable"
import { TypeId } from "../ActorRef.ts"
import type { AskOptions } from "../ActorRef.ts"
import { AskError, AskTimeout, DeadRef, InvalidMessage, type Reason, ThreadLost } from "../AskError.ts"
import type { Reason as DeadLetterReason } from "../DeadLetter.ts"
import { PendingAsk } from "./ask.ts"
import type { Replier } from "./hot/cell.ts"
import type { System } from "./system.ts"

/** Why a message was not accepted. */
export interface Refusal {
  readonly reason: DeadLetterReason
  /** What an ask fails with. */
  readonly askReason: Reason
}

export const ended: Refusal = { reason: "Ended", askReason: new DeadRef() }

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

/** What a kind of reference must know. */
export interface Target {
  readonly name: string
  readonly key: string | undefined
  readonly system: System
  /** Hands a message over; undefined when it was accepted. */
  deliver(tag: string, payload: unknown, replier: Replier | undefined): Refusal | undefined
}

const variance = { _Rpcs: (rpcs: never): never => rpcs }

/** Adds the face of a reference to a class of targets. */
export const withRef = <Base extends abstract new(...args: Array<any>) => Target>(base: Base) => {
  abstract class Ref extends base {
    get [TypeId]() {
      return variance
    }

    tellUnsafe(tag: string, payload?: unknown): boolean {
      const refusal = this.deliver(tag, payload, undefined)
      if (refusal === undefined) return true
      this.system.deadLetter(refusal.reason, this, tag, payload)
      return false
    }

    tell(tag: string, payload?: unknown): Effect.Effect<void> {
      return Effect.sync(() => {
        this.tellUnsafe(tag, payload)
      })
    }

    offer(tag: string, payload?: unknown): Effect.Effect<boolean> {
      return Effect.sync(() => this.deliver(tag, payload, undefined) === undefined)
    }

    ask(tag: string, payload?: unknown, options?: AskOptions): Effect.Effect<any, any> {
      const asked = Effect.suspend(() => {
        const pending = new PendingAsk(this.name, tag)
        const refusal = this.deliver(tag, payload, pending)
        if (refusal !== undefined) {
          this.system.deadLetter(refusal.reason, this, tag, payload)
          return Effect.fail(new AskError({ actor: this.name, tag, reason: refusal.askReason }))
        }
        // The caller waits anyway: unless a slice runs, the actors run now, and most answers are there at once.
        if (pending.exit === undefined) this.system.dispatcher.runFor(pending)
        return pending.exit ?? pending.wait()
      })
      if (options?.timeout === undefined) return asked
      const duration = options.timeout
      return Effect.timeoutOrElse(asked, {
        duration,
        orElse: () =>
          Effect.suspend(() => {
            const millis = Duration.toMillis(duration)
            return Effect.fail(new AskError({ actor: this.name, tag, reason: new AskTimeout({ millis }) }))
          })
      })
    }

    pipe() {
      return pipeArguments(this, arguments)
    }

    override toString(): string {
      return this.key === undefined ? `ActorRef(${this.name})` : `ActorRef(${this.name}, ${this.key})`
    }

    toJSON(): unknown {
      return { _id: "ActorRef", name: this.name, key: this.key }
    }
  }
  return Ref
}
