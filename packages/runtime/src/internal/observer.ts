/**
 * What is observed of the messages of one thread: their numbers, their spans, and who waits for whom. Where nothing
 * is, a system has no observer, and messages pass none of this: those that are observed take other handlers, another
 * dispatcher, other links.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Tracer from "effect/Tracer"
import { Cycles } from "./cycles.ts"
import type { Handler } from "./hot/cell.ts"
import { CRASH, FAIL, FORK, INTERLEAVE, Step } from "./hot/step.ts"
import type { LocalHost } from "./localHost.ts"
import type { LocalRef } from "./localRef.ts"
import { type Inspection, Inspector } from "./inspector.ts"
import { Metrics, nanos } from "./metrics.ts"
import { carried, ObservedAsk, Told } from "./observedAsk.ts"
import type { Target } from "./ref.ts"
import type { System } from "./system.ts"
import { finish, Tracing, UNSAMPLED } from "./tracing.ts"

/** What is to be observed; the same on all threads of a system. */
export interface Observing {
  readonly metrics: boolean
  /** The share of messages with which a trace begins; undefined where nothing is traced. */
  readonly sample: number | undefined
  readonly cycles: boolean
  /** Undefined where nobody inspects. */
  readonly inspection: Inspection | undefined
}

export class Observer {
  readonly metrics: Metrics | undefined
  readonly tracing: Tracing | undefined
  readonly cycles: Cycles | undefined
  readonly inspector: Inspector | undefined

  private readonly options: Observing

  constructor(system: System, context: Context.Context<never>, options: Observing) {
    const { cycles, inspection, metrics, sample } = options
    this.options = options
    this.metrics = metrics ? new Metrics(system.thread, context) : undefined
    this.tracing = sample === undefined ? undefined : new Tracing(sample)
    this.cycles = cycles ? new Cycles(system) : undefined
    this.inspector = inspection && new Inspector(system, context, inspection)
  }

  /** There is an actor. */
  born(ref: LocalRef): void {
    this.metrics?.born(ref.name)
    this.inspector?.born(ref)
  }

  /** It has ended. */
  died(ref: LocalRef): void {
    this.metrics?.died(ref.name)
    this.inspector?.died(ref)
  }

  /** It has failed; true if it does not leave for that. */
  failed(ref: LocalRef, cause: Cause.Cause<unknown>, tag: string): boolean {
    this.metrics?.failed(ref.name)
    return this.inspector?.failed(ref, cause, tag) ?? false
  }

  /** What another thread of the system observes, from now on. */
  get observing(): Observing {
    const { inspector } = this
    const { cycles, metrics, sample } = this.options
    return {
      cycles,
      metrics,
      sample,
      inspection: inspector && { ...inspector.inspection, frozen: inspector.postMortem.frozen }
    }
  }

  /** An ask that is about to be sent. */
  ask(target: Target, tag: string, context: Context.Context<never>): ObservedAsk {
    const span = this.tracing?.client(context, `${target.name}.${tag}`)
    // Whoever times nothing needs no time.
    const now = this.metrics === undefined ? 0n : nanos(context)
    return new ObservedAsk(this, target, tag, context, now, span)
  }

  /** It is over. */
  answered(ask: ObservedAsk, exit: Exit.Exit<unknown, unknown>): void {
    this.metrics?.asked(ask)
    this.cycles?.over(ask)
    finish(ask.context, ask.span, exit)
  }

  /** What stands for the replier of a message that is told: its sender's span, if it has one. */
  told(target: Target, tag: string): Told | undefined {
    const span = this.tracing?.current
    return span === undefined ? undefined : new Told(target, tag, span)
  }

  /** The handlers of a host, in the order of its protocol, observed. */
  handlers(host: LocalHost, handlers: ReadonlyArray<Handler>): ReadonlyArray<Handler> {
    const { cycles, inspector, metrics, tracing } = this
    const observed = cycles === undefined && metrics === undefined && tracing === undefined
      ? handlers
      : handlers.map((handler, index) => this.observed(host, host.protocol.messages[index]!.tag, handler))
    return inspector === undefined ? observed : inspector.handlers(host, observed)
  }

  private observed(host: LocalHost, tag: string, handler: Handler): Handler {
    const { cycles, metrics, tracing } = this
    const row = metrics?.row(host.name)
    return (state, payload, cell) => {
      const ref = cell as LocalRef
      if (row !== undefined) metrics!.handled(row)
      if (tracing === undefined) return watched(handler(state, payload, cell))
      const { replier } = ref
      const told = replier instanceof Told
      // Whoever told it waits for no answer.
      if (told) ref.replier = undefined
      const span = tracing.server(ref, tag, carried(replier), replier !== undefined && !told)
      return tracing.within(span, () => {
        let result: unknown
        try {
          result = handler(state, payload, cell)
        } catch (error) {
          finish(host.context, span, Exit.die(error))
          throw error
        }
        if (result instanceof Step && (result.kind === FORK || result.kind === INTERLEAVE)) {
          return new Step(
            result.kind,
            result.state,
            spanned(host, span, result.value as Effect.Effect<unknown>)
          )
        }
        if (Effect.isEffect(result) && !Exit.isExit(result)) {
          return spanned(host, span, watched(result) as Effect.Effect<unknown>)
        }
        finish(host.context, span, exitOf(Exit.isExit(result) ? result : Exit.succeed(result)))
        return result
      })

      function watched(result: unknown): unknown {
        return cycles === undefined || !Effect.isEffect(result) || Exit.isExit(result)
          ? result
          : cycles.handling(ref, tag, result as Effect.Effect<unknown>)
      }
    }
  }
}

/** An effect within a span, which ends with it. */
const spanned = (
  host: LocalHost,
  span: Tracer.AnySpan,
  effect: Effect.Effect<unknown, unknown>
): Effect.Effect<unknown, unknown> => {
  const within = Effect.provideService(effect, Tracer.ParentSpan, span)
  if (span === UNSAMPLED) return within
  return Effect.onExit(within, (exit) => Effect.sync(() => finish(host.context, span, exitOf(exit))))
}

/** How a message was handled, by the step that its handler took: a declared error is a failure of the span. */
const exitOf = (exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> => {
  if (Exit.isFailure(exit) || !(exit.value instanceof Step)) return exit
  const { kind, value } = exit.value
  return kind === FAIL || kind === CRASH ? Exit.failCause(Cause.fail(value)) : Exit.void
}
