/**
 * What an actor has besides its cell once it needs it: a fiber for its effects, a scope for its resources, and the
 * answers that it owes. Here too is how an actor ends.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { ActorEnded } from "../AskError.ts"
import { ENDED, ENDING, type Replier, type Taken } from "./hot/cell.ts"
import { FAIL, Step } from "./hot/step.ts"
import type { LocalRef } from "./localRef.ts"
import type { MessageType } from "./protocol.ts"

/** Owed answers that are looked through for settled ones when there are more than this, doubling. */
const PRUNE_OWED = 16

export class Life {
  readonly ref: LocalRef
  readonly scope: Scope.Closeable = Scope.makeUnsafe()
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** Resumes the parked fiber with a handler's effect. */
  private resume: ((effect: Effect.Effect<Exit.Exit<unknown, unknown>>) => void) | undefined = undefined
  /** The first effect, until the fiber takes it up. */
  private first: Effect.Effect<Exit.Exit<unknown, unknown>> | undefined = undefined
  /** The message whose effect is in flight. */
  private message: MessageType | undefined = undefined
  private owed: Array<Replier> | undefined = undefined
  private pruneAt = PRUNE_OWED
  /** Called when the actor has ended. */
  waiters: Array<() => void> | undefined = undefined
  private readonly park: Effect.Effect<Exit.Exit<unknown, unknown>>

  constructor(ref: LocalRef) {
    this.ref = ref
    this.park = Effect.callback((resume) => {
      this.resume = resume
    })
  }

  get context(): Context.Context<never> {
    return Context.add(this.ref.host.context, Scope.Scope, this.scope) as Context.Context<never>
  }

  /** Runs a handler's effect on the actor's fiber, which is made now if this is its first. */
  run(effect: Effect.Effect<unknown, unknown>, message: MessageType): void {
    this.message = message
    const exit = Effect.exit(effect)
    const resume = this.resume
    if (resume !== undefined) {
      this.resume = undefined
      resume(exit)
    } else {
      this.first = exit
      this.fiber = Effect.runForkWith(this.context)(Effect.whileLoop(this))
    }
  }

  /** The start is in flight on this fiber. */
  starting(fiber: Fiber.Fiber<unknown, unknown>): void {
    this.fiber = fiber
  }

  // The fiber's loop: `Effect.whileLoop` calls these three on this object, so that a loop costs no closures.

  while(): boolean {
    return true
  }

  body(): Effect.Effect<Exit.Exit<unknown, unknown>> {
    const first = this.first
    if (first === undefined) return this.park
    this.first = undefined
    return first
  }

  step(exit: Exit.Exit<unknown, unknown>): void {
    if (this.ref.status < ENDING) settle(this.ref, exit, this.message!)
  }

  owe(replier: Replier & { readonly done: boolean }): void {
    const owed = this.owed ??= []
    if (owed.length >= this.pruneAt) {
      const open = owed.filter((one) => !(one as typeof replier).done)
      this.pruneAt = Math.max(PRUNE_OWED, open.length * 2)
      this.owed = open
    }
    this.owed.push(replier)
  }

  abandonOwed(reason: ActorEnded): void {
    this.owed?.forEach((replier) => replier.abandon(reason))
    this.owed = undefined
  }

  /** Interrupts the effect in flight, then closes the scope. */
  close(exit: Exit.Exit<void, unknown>): Effect.Effect<void> {
    const fiber = this.fiber
    const closed = Scope.close(this.scope, exit)
    return fiber === undefined ? closed : Effect.andThen(Fiber.interrupt(fiber), closed)
  }
}

/** The actor's life, made when it is first needed. */
export const lifeOf = (ref: LocalRef): Life => ref.life ??= new Life(ref)

/** Applies what a handler's effect came to. */
export const settle = (ref: LocalRef, exit: Exit.Exit<unknown, unknown>, message: MessageType): void => {
  if (Exit.isSuccess(exit)) {
    if (exit.value instanceof Step) ref.system.dispatcher.complete(ref, exit.value, message)
    else crash(ref, notAStep(ref, message), message)
    return
  }
  const error = Cause.findError(exit.cause)
  if (error._tag === "Success") {
    ref.system.dispatcher.complete(ref, new Step(FAIL, ref.state, error.success), message)
  } else {
    crash(ref, exit.cause, message)
  }
}

const notAStep = (ref: LocalRef, message: MessageType): Cause.Cause<never> =>
  Cause.die(
    new TypeError(`the handler ${message.tag} of ${ref.name} gave neither a step nor an Effect of one`)
  )

/** A handler threw, died, or was interrupted: the actor fails. */
export const crash = (ref: LocalRef, cause: Cause.Cause<unknown>, message: MessageType): void => {
  const what = `${ref.toString()} failed in ${message.tag}`
  Effect.runForkWith(ref.host.context)(Effect.logError(what, cause))
  end(ref, cause)
}

/** Ends an actor: what is in hand is interrupted, what waits becomes dead letters, then its finalizers run. */
export const end = (ref: LocalRef, failure: Cause.Cause<unknown> | undefined): void => {
  if (ref.status >= ENDING) return
  ref.status = ENDING
  ref.owner?.remove(ref)
  const { life, replier, system } = ref
  const reason = failure === undefined
    ? new ActorEnded({})
    : new ActorEnded({ failure: Cause.prettyErrors(failure)[0]?.message ?? "interrupted" })
  ref.replier = undefined
  replier?.abandon(reason)
  life?.abandonOwed(reason)
  const taken: Taken = { message: { index: 0 }, payload: undefined, replier: undefined }
  while (ref.size > 0) {
    ref.take(taken)
    system.deadLetter("Ended", ref, (taken.message as MessageType).tag, taken.payload)
    taken.replier?.abandon(reason)
  }
  ref.release(system.dispatcher.pool)
  ref.state = undefined
  ref.handlers = undefined
  if (life === undefined) {
    ended(ref)
  } else {
    const exit = failure === undefined ? Exit.void : Exit.failCause(failure)
    Effect.runForkWith(ref.host.context)(life.close(exit)).addObserver(() => ended(ref))
  }
}

const ended = (ref: LocalRef): void => {
  ref.status = ENDED
  const waiters = ref.life?.waiters
  ref.life = undefined
  ref.host.ended(ref)
  waiters?.forEach((waiter) => waiter())
}

/** Waits until an actor has ended, finalizers included. */
export const awaitEnd = (ref: LocalRef): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (ref.status === ENDED) resume(Effect.void)
    else (lifeOf(ref).waiters ??= []).push(() => resume(Effect.void))
  })
