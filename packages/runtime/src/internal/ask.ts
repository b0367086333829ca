/** An ask in flight: the message's replier on one side, the caller's Effect on the other. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { AskError, type Reason } from "../AskError.ts"
import type { Replier } from "./hot/cell.ts"

/**
 * An answer resumes its asker at once, who may answer another one: as many may do so within each other, and the rest
 * wait until these are done, so that a long chain of asks does not exhaust the stack.
 */
const DEEPEST = 32
let depth = 0

export class PendingAsk implements Replier {
  private readonly actor: string
  private readonly tag: string
  private resume: ((exit: Exit.Exit<unknown, unknown>) => void) | undefined = undefined
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  /** Called when the caller gives up: whoever keeps this for an answer from another thread can let go of it. */
  onGivenUp: (() => void) | undefined = undefined

  constructor(actor: string, tag: string) {
    this.actor = actor
    this.tag = tag
  }

  get done(): boolean {
    return this.exit !== undefined
  }

  succeed(value: unknown): void {
    this.settle(Exit.succeed(value))
  }

  fail(error: unknown): void {
    this.settle(Exit.fail(error))
  }

  abandon(reason: Reason): void {
    this.settle(Exit.fail(new AskError({ actor: this.actor, tag: this.tag, reason })))
  }

  /** The answer, when it is there. An interrupted caller drops what comes later. */
  wait(): Effect.Effect<unknown, unknown> {
    return Effect.callback((resume) => {
      // The caller may have yielded on its way here, and been answered meanwhile.
      if (this.exit !== undefined) return resume(this.exit)
      this.resume = resume
      return Effect.sync(() => {
        this.resume = undefined
        this.exit = Exit.void
        this.onGivenUp?.()
      })
    })
  }

  private settle(exit: Exit.Exit<unknown, unknown>): void {
    if (this.exit !== undefined) return
    this.exit = exit
    const resume = this.resume
    this.resume = undefined
    if (resume === undefined) return
    if (depth === DEEPEST) {
      queueMicrotask(() => resume(exit))
      return
    }
    depth++
    resume(exit)
    depth--
  }
}
