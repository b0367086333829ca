/** What goes with a message where something is observed: its sender's span, and who waits for its answer. */
import type * as Context from "effect/Context"
import * as Exit from "effect/Exit"
import type * as Tracer from "effect/Tracer"
import { PendingAsk } from "./ask.ts"
import type { InFlight } from "./cycles.ts"
import type { Replier } from "./hot/cell.ts"
import type { Observer } from "./observer.ts"
import type { Target } from "./ref.ts"

/** An ask in flight that is observed. */
export class ObservedAsk extends PendingAsk {
  private readonly observer: Observer
  readonly target: Target
  /** The services of whoever asks. */
  readonly context: Context.Context<never>
  readonly startedAt: bigint
  readonly span: Tracer.AnySpan | undefined
  /** The message in whose handler it is asked, where that matters; and its own number. */
  handling: InFlight | undefined = undefined
  number = 0

  constructor(
    observer: Observer,
    target: Target,
    tag: string,
    context: Context.Context<never>,
    startedAt: bigint,
    span: Tracer.AnySpan | undefined
  ) {
    super(target.name, tag)
    this.observer = observer
    this.target = target
    this.context = context
    this.startedAt = startedAt
    this.span = span
  }

  protected override settle(exit: Exit.Exit<unknown, unknown>): void {
    if (this.exit !== undefined) return
    this.observer.answered(this, exit)
    super.settle(exit)
  }

  override giveUp(): void {
    if (this.exit !== undefined) return
    this.observer.answered(this, Exit.interrupt())
    super.giveUp()
  }
}

/** Stands for the replier of a message that was told, and carries its sender's span: nobody waits for the answer. */
export class Told implements Replier {
  private readonly target: Target
  private readonly tag: string
  readonly span: Tracer.AnySpan
  readonly done = true

  constructor(target: Target, tag: string, span: Tracer.AnySpan) {
    this.target = target
    this.tag = tag
    this.span = span
  }

  succeed(): void {}

  fail(error: unknown): void {
    this.target.system.deadLetter("UnheardError", this.target, this.tag, error)
  }

  abandon(): void {}
}

/** The span that came with a message, by what stands for its replier. */
export const carried = (replier: Replier | undefined): Tracer.AnySpan | undefined =>
  replier !== undefined && "span" in replier ? replier.span as Tracer.AnySpan | undefined : undefined
