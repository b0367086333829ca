/**
 * Many questions at a time, and what is made of their answers. A question that is an ask and nothing else needs no
 * fiber; any other Effect runs on one. What is not needed any more is given up.
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { AskError, AskTimeout } from "../AskError.ts"
import { alarm, type Listener, PendingAsk } from "./ask.ts"
import { Question } from "./question.ts"
import type { System } from "./system.ts"

export type AnyEffect = Effect.Effect<unknown, unknown, unknown>

/** What is made of the answers. */
export interface Verdict {
  /** How many questions need no room any more: as many again may be under way. */
  readonly done: number
  /** A question is answered; what it ends the whole with, if it does. */
  answered(index: number, exit: Answer): Answer | undefined
  /** All are answered. */
  complete(): Answer
  /** The deadline of `millis` has passed; `late` says so of the question that waits for the longest time. */
  expired(millis: number, late: AskError): Answer
}

export type Answer = Exit.Exit<unknown, unknown>

export interface Limits {
  /** How many questions may be under way. */
  readonly concurrency: number
  /** After this long what is there must do. */
  readonly timeout: Duration.Input | undefined
  /** After each such time one more question may be under way. */
  readonly widen?: Duration.Input | undefined
}

/** A question under way. */
class Open implements Listener {
  private readonly gather: Gather
  readonly index: number
  readonly question: AnyEffect
  /** Where the answer comes from. */
  from: PendingAsk | Fiber.Fiber<unknown, unknown> | undefined = undefined
  previous: Open | undefined = undefined
  next: Open | undefined = undefined

  constructor(gather: Gather, index: number, question: AnyEffect) {
    this.gather = gather
    this.index = index
    this.question = question
  }

  answered(exit: Answer): void {
    this.gather.answered(this, exit)
  }
}

/** A question that no answer came to in time. */
export const tooLate = (question: AnyEffect | undefined, millis: number): AskError => {
  // An Effect that is more than an ask does not say whom it asks.
  const { actor, tag } = question instanceof Question
    ? { actor: question.target.name, tag: question.tag }
    : { actor: "unknown", tag: "unknown" }
  return new AskError({ actor, tag, reason: new AskTimeout({ millis }) })
}

export class Gather {
  private readonly context: Context.Context<never>
  private readonly questions: Iterator<AnyEffect>
  private readonly verdict: Verdict
  private readonly limits: Limits
  private concurrency: number
  /** The questions under way, the newest first. */
  private open: Open | undefined = undefined
  /** Where the first that was asked lives. */
  private system: System | undefined = undefined
  private asked = 0
  private exhausted = false
  private pumping = false
  private clocks: Array<Fiber.Fiber<unknown, unknown>> = []
  exit: Answer | undefined = undefined
  /** Called when an answer has come, or the end. */
  onAnswer: (() => void) | undefined = undefined

  constructor(
    context: Context.Context<never>,
    questions: Iterable<AnyEffect>,
    verdict: Verdict,
    limits: Limits
  ) {
    this.context = context
    this.questions = questions[Symbol.iterator]()
    this.verdict = verdict
    this.limits = limits
    this.concurrency = limits.concurrency
  }

  get done(): boolean {
    return this.exit !== undefined
  }

  /** Asks as many as may be under way, and waits for what is there at once. */
  begin(): void {
    this.pump()
    if (this.exit === undefined) this.system?.dispatcher.runFor(this)
    if (this.done) return
    const { context, limits: { timeout, widen } } = this
    if (timeout !== undefined) this.clocks.push(alarm(context, timeout, (millis) => this.expire(millis)))
    if (widen !== undefined) {
      const wider = Effect.sync(() => {
        this.concurrency++
        this.pump()
        this.onAnswer?.()
      })
      const widening = Effect.forever(Effect.andThen(Effect.sleep(widen), wider))
      this.clocks.push(Effect.runForkWith(context)(widening))
    }
  }

  /** Gives up what is under way, and waits until the fibers among it have ended. */
  giveUp(): Effect.Effect<void> {
    this.exit ??= Exit.void
    for (const clock of this.clocks) clock.interruptUnsafe()
    const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
    for (let open = this.open; open !== undefined; open = open.next) {
      const { from } = open
      if (from instanceof PendingAsk) from.giveUp()
      else if (from !== undefined) fibers.push(from)
    }
    this.open = undefined
    for (const fiber of fibers) fiber.interruptUnsafe()
    return fibers.length === 0 ? Effect.void : Effect.asVoid(Fiber.awaitAll(fibers))
  }

  /** How it ended, once nothing is under way any more. */
  result(exit: Answer): Effect.Effect<unknown, unknown> {
    return this.open === undefined && this.clocks.length === 0 ? exit : Effect.andThen(this.giveUp(), exit)
  }

  answered(open: Open, exit: Answer): void {
    if (this.exit !== undefined) return
    if (open.next !== undefined) open.next.previous = open.previous
    if (open.previous === undefined) this.open = open.next
    else open.previous.next = open.next
    const end = this.verdict.answered(open.index, exit)
    if (end === undefined) this.pump()
    else this.exit = end
    this.onAnswer?.()
  }

  private expire(millis: number): void {
    if (this.exit !== undefined) return
    let oldest = this.open
    while (oldest?.next !== undefined) oldest = oldest.next
    this.exit = this.verdict.expired(millis, tooLate(oldest?.question, millis))
    this.onAnswer?.()
  }

  private pump(): void {
    // An answer that is there at once comes while the question is asked.
    if (this.pumping) return
    this.pumping = true
    try {
      while (
        this.exit === undefined && !this.exhausted && this.asked - this.verdict.done < this.concurrency
      ) {
        const { done, value } = this.questions.next()
        if (done === true) this.exhausted = true
        else this.ask(value)
      }
    } catch (defect) {
      this.exit = Exit.die(defect)
    }
    this.pumping = false
    if (this.exit === undefined && this.exhausted && this.verdict.done === this.asked) {
      this.exit = this.verdict.complete()
    }
  }

  private ask(question: AnyEffect): void {
    const open = new Open(this, this.asked++, question)
    open.next = this.open
    if (this.open !== undefined) this.open.previous = open
    this.open = open
    // One with a deadline of its own needs a fiber for that.
    if (question instanceof Question && question.options?.timeout === undefined) {
      this.system ??= question.target.system
      const pending = question.send(this.context)
      open.from = pending
      if (pending.exit !== undefined) open.answered(pending.exit)
      else if (this.exit === undefined) pending.listen(open)
      else pending.giveUp()
    } else {
      const fiber = Effect.runForkWith(this.context)(question as Effect.Effect<unknown, unknown>)
      open.from = fiber
      // What it did may have been an answer to the others.
      if (this.exit !== undefined) fiber.interruptUnsafe()
      else fiber.addObserver((exit) => open.answered(exit))
    }
  }
}

/** Gathers answers until they are enough. Whoever is interrupted gives up what is under way. */
export const run = (make: (context: Context.Context<never>) => Gather): Effect.Effect<any, any, any> =>
  Effect.callback((resume) => {
    const gather = make(Fiber.getCurrent()!.context)
    gather.begin()
    const end = (): void => {
      if (gather.exit !== undefined) resume(gather.result(gather.exit))
    }
    gather.onAnswer = end
    end()
    return Effect.suspend(() => gather.giveUp())
  })
