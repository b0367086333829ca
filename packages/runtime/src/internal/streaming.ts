/**
 * Streamed replies: the one who asked for elements and the actor's fiber that makes them, with credits in between. On
 * one thread the two meet here, between threads in `remoteStream.ts`.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { AskError, type Reason } from "../AskError.ts"
import type { Debt } from "./life.ts"
import { overflow, Waiter } from "./mailbox.ts"
import type { Target } from "./ref.ts"

/** Elements that may wait for whoever asked for them. */
export const WINDOW = 128
/** Credits that are given together: what each of them costs between threads. */
const GRANT = WINDOW / 2

type Values = ReadonlyArray<unknown>

/** Whom the elements go to. The end of the stream is `succeed`, its failure `fail`. */
export interface StreamReplier extends Debt {
  readonly source: Source
  elements(values: Values, from: number, to: number): void
  element(value: unknown): void
  /** The elements come from another thread. */
  from(upstream: Upstream): void
}

export const isStreamReplier = (replier: object): replier is StreamReplier => "source" in replier

/** What a consumer asks of where its elements come from. */
export interface Upstream {
  /** So many more may come. */
  grant(credits: number): void
  /** Nobody wants them any more. */
  cancel(): void
}

/** The end at which the elements are made. */
export class Source implements Upstream {
  private credits = WINDOW
  private resume: (() => void) | undefined = undefined
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  cancelled = false

  grant(credits: number): void {
    this.credits += credits
    const { resume } = this
    this.resume = undefined
    resume?.()
  }

  cancel(): void {
    this.cancelled = true
    this.fiber?.interruptUnsafe()
  }

  /** This fiber makes them. */
  by(fiber: Fiber.Fiber<unknown, unknown>): void {
    this.fiber = fiber
    if (this.cancelled) fiber.interruptUnsafe()
  }

  /** Runs a stream into a replier, no faster than there are credits. */
  run(stream: Stream.Stream<unknown, unknown>, to: StreamReplier): Effect.Effect<void, unknown> {
    return Stream.runForEachArray(stream, (values) => this.push(values, 0, to))
  }

  private push(values: Values, from: number, to: StreamReplier): Effect.Effect<void> {
    return Effect.suspend(() => {
      const end = Math.min(values.length, from + this.credits)
      this.credits -= end - from
      if (end > from) to.elements(values, from, end)
      return end === values.length ? Effect.void : Effect.andThen(this.room, this.push(values, end, to))
    })
  }

  private readonly room = Effect.callback<void>((resume) => {
    if (this.credits > 0) return resume(Effect.void)
    this.resume = () => resume(Effect.void)
  })
}

/** The end at which the elements are wanted. */
export class PendingStream implements StreamReplier {
  private readonly target: Target
  private readonly tag: string
  readonly source = new Source()
  private upstream: Upstream = this.source
  private values: Array<unknown> = []
  /** Elements taken that were not yet granted again. */
  private taken = 0
  private exit: Exit.Exit<never, unknown> | undefined = undefined
  private resume: (() => void) | undefined = undefined
  private waiter: Waiter | undefined = undefined

  constructor(target: Target, tag: string) {
    this.target = target
    this.tag = tag
  }

  get done(): boolean {
    return this.exit !== undefined
  }

  from(upstream: Upstream): void {
    this.upstream = upstream
  }

  send(payload: unknown): void {
    const { tag, target } = this
    const span = target.system.observer?.tracing?.current
    // It goes with the message, as an asker's does.
    if (span !== undefined) Object.assign(this, { span })
    const refusal = target.deliver(tag, payload, this)
    if (refusal === undefined) return
    if (refusal.mailbox?.bounds.overflow === "suspend") {
      this.waiter = new Waiter(target, tag, payload, this, undefined)
      refusal.mailbox.wait(this.waiter)
    } else if (!overflow(target, refusal, tag, payload, this)) {
      this.abandon(refusal.askReason)
    }
  }

  elements(values: Values, from: number, to: number): void {
    if (this.done) return
    for (let i = from; i < to; i++) this.values.push(values[i])
    this.wake()
  }

  element(value: unknown): void {
    if (this.done) return
    this.values.push(value)
    this.wake()
  }

  succeed(): void {
    this.finish(Exit.fail(Cause.Done()))
  }

  fail(error: unknown): void {
    this.finish(Exit.fail(error))
  }

  abandon(reason: Reason): void {
    this.finish(Exit.fail(new AskError({ actor: this.target.name, tag: this.tag, reason })))
  }

  /** What has come, or the end; waits for either. */
  readonly pull: Pull.Pull<ReadonlyArray<unknown>, unknown> = Effect.suspend(() =>
    this.ready ? this.take() : Effect.callback((resume) => {
      this.resume = () => resume(this.take())
      return Effect.sync(() => {
        this.resume = undefined
      })
    })
  )

  /** Nobody wants what is still to come. */
  giveUp(): void {
    if (this.done) return
    this.exit = Exit.fail(Cause.Done())
    if (this.waiter !== undefined) this.target.mailbox?.leave(this.waiter)
    this.upstream.cancel()
  }

  private get ready(): boolean {
    return this.values.length > 0 || this.exit !== undefined
  }

  private take(): Effect.Effect<ReadonlyArray<unknown>, unknown> {
    const { values } = this
    if (values.length === 0) return this.exit!
    this.values = []
    this.taken += values.length
    if (this.taken >= GRANT && !this.done) {
      this.upstream.grant(this.taken)
      this.taken = 0
    }
    return Effect.succeed(values)
  }

  private finish(exit: Exit.Exit<never, unknown>): void {
    if (this.exit !== undefined) return
    this.exit = exit
    this.wake()
  }

  private wake(): void {
    const { resume } = this
    if (resume === undefined) return
    this.resume = undefined
    // When the slice is over: until then there may be more.
    this.target.system.soon(resume)
  }
}

/** The elements of an actor's streamed reply. */
export const make = (target: Target, tag: string, payload: unknown): Stream.Stream<any, any> =>
  Stream.suspend(() => {
    const pending = new PendingStream(target, tag)
    return Stream.ensuring(
      Stream.fromPull(Effect.sync(() => {
        pending.send(payload)
        return pending.pull as Pull.Pull<readonly [unknown, ...Array<unknown>], unknown>
      })),
      Effect.sync(() => pending.giveUp())
    )
  })
