/** Handlers that are more than a function of one message: of many, and of those that do not wait for an effect. */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { ActorRef } from "../ActorRef.ts"
import { hasProperty } from "effect/Predicate"
import type { Handler, Replier } from "./hot/cell.ts"
import type { Dispatcher } from "./hot/dispatcher.ts"
import { INTERLEAVE, Step } from "./hot/step.ts"
import type { LocalRef } from "./localRef.ts"
import type { MessageType } from "./protocol.ts"

/** A handler of many messages, as a table of handlers has it. */
interface Batch {
  readonly batch: Handler
  readonly max?: number | undefined
}

/** Messages that are handled at once, unless the handler says otherwise: as many as a turn handles. */
const BATCH_MESSAGES = 256

export const isBatch = (u: unknown): u is Batch => hasProperty(u, "batch") && typeof u.batch === "function"

/** Hands over all messages like the one in hand that wait next. */
export const batched = (
  dispatcher: Dispatcher,
  message: MessageType,
  { batch: handler, max = BATCH_MESSAGES }: Batch
): Handler => {
  if (!Number.isInteger(max) || max < 1) {
    throw new RangeError(`${message.tag}: a batch has at least 1 message, not ${max}`)
  }
  return (state, payload, cell) =>
    // One that interleaves is handled beside others, alone.
    handler(
      state,
      cell instanceof Aside ? [payload] : dispatcher.batch(cell as LocalRef, message, payload, max),
      cell
    )
}

/** Gives a handler a context of its own, since others have their turn before its effect is done. */
export const interleaved = (handler: Handler): Handler => (state, payload, cell) => {
  const aside = cell instanceof Aside ? cell : new Aside(cell as LocalRef, (cell as LocalRef).replier)
  const result = handler(state, payload, aside)
  return Effect.isEffect(result) ? new Step(INTERLEAVE, state, result) : result
}

/** The context of a handler whose message is not the one in hand. */
export class Aside {
  private readonly ref: LocalRef
  replier: Replier | undefined

  constructor(ref: LocalRef, replier: Replier | undefined) {
    this.ref = ref
    this.replier = replier
  }

  // What a handler's context has.

  get self(): LocalRef["self"] {
    return this.ref.self
  }

  get key(): string | undefined {
    return this.ref.key
  }

  get parent(): LocalRef["parent"] {
    return this.ref.parent
  }

  get children(): LocalRef["children"] {
    return this.ref.children
  }

  get timers(): LocalRef["timers"] {
    return this.ref.timers
  }

  get stashed(): number {
    return this.ref.stashed
  }

  send(ref: LocalRef, tag: string, payload?: unknown): boolean {
    return this.ref.send(ref, tag, payload)
  }

  spawn(...args: Parameters<LocalRef["spawn"]>): ActorRef<never> {
    return this.ref.spawn(...args)
  }

  stop(...args: Parameters<LocalRef["stop"]>): void {
    this.ref.stop(...args)
  }

  watch(ref: ActorRef<never>): void {
    this.ref.watch(ref)
  }

  unwatch(ref: ActorRef<never>): void {
    this.ref.unwatch(ref)
  }

  link(ref: ActorRef<never>): void {
    this.ref.link(ref)
  }

  unlink(ref: ActorRef<never>): void {
    this.ref.unlink(ref)
  }

  pipeToSelf(
    effect: Effect.Effect<unknown, unknown>,
    onExit: (exit: Exit.Exit<unknown, unknown>) => readonly [tag: string, payload?: unknown]
  ): void {
    this.ref.pipeToSelf(effect, onExit)
  }

  unstashAll(): void {
    this.ref.unstashAll()
  }

  // What those who observe it look at.

  get name(): string {
    return this.ref.name
  }

  get host(): LocalRef["host"] {
    return this.ref.host
  }

  get system(): LocalRef["system"] {
    return this.ref.system
  }

  get inspected(): LocalRef["inspected"] {
    return this.ref.inspected
  }

  toJSON(): string {
    return this.ref.toJSON()
  }
}
