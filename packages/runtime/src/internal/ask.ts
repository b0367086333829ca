/** An ask in flight: the message's replier on one side, whoever waits for its answer on the other. */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { AskError, AskTimeout, type Reason } from "../AskError.ts"
import type { Replier } from "./hot/cell.ts"

/**
 * An answer resumes its asker at once, who may answer another one: as many may do so within each other, and the rest
 * wait until these are done, so that a long chain of asks does not exhaust the stack.
 */
const DEEPEST = 32
let depth = 0

/** Who waits for an answer. */
export interface Listener {
  answered(exit: Exit.Exit<unknown, unknown>): void
}

/** Who awaits an answer, as far as he may give up. */
export interface Asker extends Replier {
  /** Whether he has given up, or has an answer. */
  readonly unwanted: boolean
  /** Called when he gives up. */
  onGivenUp: (() => void) | undefined
}

export const isAsker = (replier: Replier | undefined): replier is Asker =>
  replier !== undefined && "unwanted" in replier

export class PendingAsk implements Asker {
  readonly actor: string
  readonly tag: string
  private listener: Listener | undefined = undefined
  exit: Exit.Exit<unknown, unknown> | undefined = undefined
  /** Called when nobody wants the answer any more: whoever keeps this for it can let go of it. */
  onGivenUp: (() => void) | undefined = undefined

  constructor(actor: string, tag: string) {
    this.actor = actor
    this.tag = tag
  }

  get done(): boolean {
    return this.exit !== undefined
  }

  /** Whether nobody waits for an answer any more. */
  get unwanted(): boolean {
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

  /** Tells this one of the answer, when it is there; not of one that is there already. */
  listen(listener: Listener): void {
    this.listener = listener
  }

  /** The answer, when it is there. An interrupted caller drops what comes later. */
  wait(
    fiber: Fiber.Fiber<unknown, unknown>,
    timeout: Duration.Input | undefined
  ): Effect.Effect<unknown, unknown> {
    return Effect.callback((resume) => {
      // The caller may have yielded on its way here, and been answered meanwhile.
      if (this.exit !== undefined) return resume(this.exit)
      // Made only now: most answers need no clock.
      const clock = timeout === undefined
        ? undefined
        : alarm(fiber.context, timeout, (millis) => this.expire(millis))
      this.listener = {
        answered: (exit) => {
          clock?.interruptUnsafe()
          resume(exit)
        }
      }
      return Effect.sync(() => {
        clock?.interruptUnsafe()
        this.giveUp()
      })
    })
  }

  /** Nobody wants the answer any more. */
  giveUp(): void {
    if (this.exit !== undefined) return
    this.listener = undefined
    this.exit = Exit.void
    this.onGivenUp?.()
  }

  /** The deadline has passed. */
  private expire(millis: number): void {
    if (this.exit !== undefined) return
    const { onGivenUp } = this
    this.abandon(new AskTimeout({ millis }))
    onGivenUp?.()
  }

  protected settle(exit: Exit.Exit<unknown, unknown>): void {
    if (this.exit !== undefined) return
    this.exit = exit
    const listener = this.listener
    this.listener = undefined
    if (listener === undefined) return
    if (depth === DEEPEST) {
      queueMicrotask(() => listener.answered(exit))
      return
    }
    depth++
    listener.answered(exit)
    depth--
  }
}

/** Calls back after a while by the clock of `context`, unless it is interrupted before. */
export const alarm = (
  context: Context.Context<never>,
  after: Duration.Input,
  ring: (millis: number) => void
): Fiber.Fiber<void> => {
  const duration = Duration.fromInputUnsafe(after)
  return Effect.runForkWith(context)(
    Effect.andThen(Effect.sleep(duration), Effect.sync(() => ring(Duration.toMillis(duration))))
  )
}
