/**
 * Spans of messages. One who is asked, or told, has a span whose parent is the sender's; an asker has one as well,
 * from the question to the answer. What a handler sends, plainly or in its effect, belongs to its span.
 */
import * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Tracer from "effect/Tracer"
import type { LocalRef } from "./localRef.ts"
import { nanos } from "./metrics.ts"

/** Stands for the span of a message that is not traced: what comes of it is not either. */
export const UNSAMPLED: Tracer.AnySpan = Tracer.externalSpan({
  traceId: "0".repeat(32),
  spanId: "0".repeat(16),
  sampled: false
})

export class Tracing {
  /** The share of the messages from outside of any trace with which one begins. */
  private readonly sample: number
  /** The span of the plain handler that runs now, and the fiber within which it does. */
  private span: Tracer.AnySpan | undefined = undefined
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined

  constructor(sample: number) {
    this.sample = sample
  }

  /** The span within which this is called: a plain handler's, or that of the fiber that runs. */
  get current(): Tracer.AnySpan | undefined {
    const fiber = Fiber.getCurrent()
    // A handler may resume a fiber, which then runs within it.
    if (this.span !== undefined && fiber === this.fiber) return this.span
    return fiber === undefined ? undefined : spanOf(fiber.context)
  }

  /** Runs a plain function within a span. */
  within<A>(span: Tracer.AnySpan, run: () => A): A {
    const { fiber, span: outer } = this
    this.span = span
    this.fiber = Fiber.getCurrent()
    try {
      return run()
    } finally {
      this.span = outer
      this.fiber = fiber
    }
  }

  /** An asker's span. */
  client(context: Context.Context<never>, name: string): Tracer.AnySpan {
    return this.start(context, name, "client", spanOf(context))
  }

  /** The span of a message that is handled. */
  server(ref: LocalRef, tag: string, parent: Tracer.AnySpan | undefined, asked: boolean): Tracer.AnySpan {
    const name = `${ref.name}.${tag}`
    const span = this.start(ref.host.context, name, asked ? "server" : "consumer", parent)
    if (span._tag === "Span") {
      if (ref.key !== undefined) span.attribute("actor.key", ref.key)
      span.attribute("actor.thread", ref.system.thread)
    }
    return span
  }

  private start(
    context: Context.Context<never>,
    name: string,
    kind: Tracer.SpanKind,
    parent: Tracer.AnySpan | undefined
  ): Tracer.AnySpan {
    const sampled = parent === undefined
      ? Context.get(context, Random.Random).nextDoubleUnsafe() < this.sample
      : parent.sampled
    if (!sampled) return UNSAMPLED
    return Context.get(context, Tracer.Tracer).span({
      name,
      parent: Option.fromUndefinedOr(parent),
      annotations: Context.empty(),
      links: [],
      startTime: nanos(context),
      kind,
      root: parent === undefined,
      sampled: true
    })
  }
}

/** What is done is over. */
export const finish = (
  context: Context.Context<never>,
  span: Tracer.AnySpan | undefined,
  exit: Exit.Exit<unknown, unknown>
): void => {
  if (span?._tag === "Span") span.end(nanos(context), exit)
}

export const spanOf = (context: Context.Context<never>): Tracer.AnySpan | undefined =>
  Option.getOrUndefined(Context.getOption(context as Context.Context<Tracer.ParentSpan>, Tracer.ParentSpan))
