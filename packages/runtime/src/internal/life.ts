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
import * as Failure from "./failure.ts"
import { BUSY, ENDED, ENDING, type Replier, type Signal } from "./hot/cell.ts"
import { FAIL, Step } from "./hot/step.ts"
import type { LocalRef } from "./localRef.ts"
import type { MessageType } from "./protocol.ts"

const empty: Scope.State.Empty = { _tag: "Empty" }

export class Life implements Scope.Closeable {
  // The actor's scope is its life itself: a scope of its own would be another 100 bytes an actor.

  get ["~effect/Scope"](): "~effect/Scope" {
    return "~effect/Scope"
  }

  get ["~effect/Scope/Closeable"](): "~effect/Scope/Closeable" {
    return "~effect/Scope/Closeable"
  }

  get strategy(): "sequential" {
    return "sequential"
  }

  get parent(): undefined {
    return undefined
  }

  state: Scope.State.Open | Scope.State.Closed | Scope.State.Empty = empty

  readonly ref: LocalRef
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** While the fiber is parked, what resumes it with a handler's effect; else the message whose effect is in flight. */
  private hand: Resume | Told | undefined = undefined
  /** What few actors have, apart, so that the others are smaller. */
  private rare: Rare | undefined = undefined

  constructor(ref: LocalRef) {
    this.ref = ref
  }

  /** The services of this actor's effects. */
  get context(): Context.Context<never> {
    return Context.add(this.ref.host.context, Scope.Scope, this) as Context.Context<never>
  }

  /** Runs a handler's effect on the actor's fiber, which is made now if this is its first. */
  run(effect: Effect.Effect<unknown, unknown>, message: Told): void {
    this.fiber ??= Effect.runForkWith(this.context)(Effect.whileLoop(this))
    const resume = this.hand
    this.hand = message
    if (typeof resume === "function") resume(Effect.exit(effect))
    // The fiber has yielded on its way to where it parks.
    else this.rarely().next = Effect.exit(effect)
    if (this.ref.status === BUSY && this.rare?.watched !== true) this.watch()
  }

  /** The message whose effect is in flight. */
  private get message(): Told {
    return this.hand as Told
  }

  private rarely(): Rare {
    return this.rare ??= new Rare()
  }

  /** An effect takes its time: if somebody interrupts its fiber meanwhile, the actor fails. */
  private watch(): void {
    this.rarely().watched = true
    this.fiber!.addObserver((exit) => {
      if (this.ref.status < ENDING && Exit.isFailure(exit)) crash(this.ref, exit.cause, this.message)
    })
  }

  // The fiber's loop: `Effect.whileLoop` calls these three on this object, so that a loop costs no closures.

  while(): boolean {
    return true
  }

  /** Parks the fiber. Made anew each time: while parked, only the resumption is kept. */
  body(): Effect.Effect<Exit.Exit<unknown, unknown>> {
    return Effect.callback((resume) => {
      const next = this.rare?.next
      if (next === undefined) {
        this.hand = resume
      } else {
        this.rare!.next = undefined
        resume(next)
      }
    })
  }

  step(exit: Exit.Exit<unknown, unknown>): void {
    if (this.ref.status < ENDING) settle(this.ref, exit, this.message)
  }

  /** The start is in flight on this fiber, or is done. */
  starting(fiber: Fiber.Fiber<unknown, unknown> | undefined): void {
    this.fiber = fiber
  }

  owe(replier: Debt): void {
    ;(this.rarely().debts ??= new Debts()).add(replier)
  }

  abandonOwed(reason: ActorEnded): void {
    this.rare?.debts?.abandon(reason)
  }

  signal(signal: SystemSignal): void {
    ;(this.rarely().lane ??= []).push(signal)
  }

  /** The system lane, if anything was ever in it. */
  get lane(): Array<SystemSignal> | undefined {
    return this.rare?.lane
  }

  /** Calls back when the actor has ended. */
  onEnd(waiter: () => void): void {
    ;(this.rarely().waiters ??= []).push(waiter)
  }

  ended(): void {
    this.rare?.waiters?.forEach((waiter) => waiter())
  }

  /** Interrupts the effect in flight, then runs the finalizers. */
  close(exit: Exit.Exit<void, unknown>): Effect.Effect<void> {
    const fiber = this.fiber
    const closed = Scope.close(this, exit)
    return fiber === undefined ? closed : Effect.andThen(Fiber.interrupt(fiber), closed)
  }
}

type Resume = (effect: Effect.Effect<Exit.Exit<unknown, unknown>>) => void

class Rare {
  /** A handler's effect that came before the fiber was parked. */
  next: Effect.Effect<Exit.Exit<unknown, unknown>> | undefined = undefined
  /** Whether the fiber's end is heard of. */
  watched = false
  debts: Debts | undefined = undefined
  waiters: Array<() => void> | undefined = undefined
  /** The system lane: what goes before the messages. Ending is not in it: that takes effect at once. */
  lane: Array<SystemSignal> | undefined = undefined
}

/** An answer that is owed. */
export interface Debt extends Replier {
  readonly done: boolean
}

/** The answers that an actor owes. */
class Debts {
  private open: Array<Debt> = []
  /** The settled ones are looked for when there are this many, and half of them are open at most. */
  private pruneAt = 16

  add(debt: Debt): void {
    if (this.open.length >= this.pruneAt) {
      this.open = this.open.filter((one) => !one.done)
      this.pruneAt = Math.max(16, this.open.length * 2)
    }
    this.open.push(debt)
  }

  abandon(reason: ActorEnded): void {
    for (const debt of this.open) debt.abandon(reason)
  }
}

/** A message or a signal, as far as a failure names it. */
type Told = Pick<MessageType, "index" | "tag">

/** A signal, with its name for those who read why an actor failed. */
export interface SystemSignal extends Signal {
  readonly tag: string
}

/** Tells an actor something of the system's; false when it has ended. */
export const signal = (ref: LocalRef, signal: SystemSignal): boolean => {
  if (ref.status >= ENDING) return false
  lifeOf(ref).signal(signal)
  ref.system.dispatcher.signal(ref)
  return true
}

/** The actor's life, made when it is first needed. */
export const lifeOf = (ref: LocalRef): Life => ref.life ??= new Life(ref)

/** Applies what a handler's effect came to. */
export const settle = (ref: LocalRef, exit: Exit.Exit<unknown, unknown>, message: Told): void => {
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

const notAStep = (ref: LocalRef, message: Told): Cause.Cause<never> =>
  Cause.die(
    new TypeError(`the handler ${message.tag} of ${ref.name} gave neither a step nor an Effect of one`)
  )

/** A handler threw, died, or was interrupted: the actor fails. */
export const crash = (ref: LocalRef, cause: Cause.Cause<unknown>, message: Told): void => {
  const what = `${ref.toString()} failed in ${message.tag}`
  Effect.runForkWith(ref.host.context)(Effect.logError(what, cause))
  end(ref, cause)
}

/** Ends an actor: what is in hand is interrupted, what waits becomes dead letters, then its finalizers run. */
export const end = (ref: LocalRef, failure: Cause.Cause<unknown> | undefined): void => {
  if (ref.status >= ENDING) return
  ref.status = ENDING
  const { life, replier, system } = ref
  const reason = failure === undefined
    ? new ActorEnded({})
    : new ActorEnded({ failure: Failure.ofCause(failure) })
  ref.replier = undefined
  replier?.abandon(reason)
  life?.abandonOwed(reason)
  while (ref.size > 0) {
    const { asker, message, payload } = ref
    ref.drop()
    system.deadLetter("Ended", ref, (message as MessageType).tag, payload)
    asker?.abandon(reason)
  }
  // Who waits for room is refused, or waits for the key's next incarnation.
  ref.mailbox?.wake()
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
  const life = ref.life
  ref.life = undefined
  // Not before: whoever closes the owner waits for its finalizers too.
  ref.owner?.remove(ref)
  ref.host.ended(ref)
  life?.ended()
}

/** Waits until an actor has ended, finalizers included. */
export const awaitEnd = (ref: LocalRef): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (ref.status === ENDED) resume(Effect.void)
    else lifeOf(ref).onEnd(() => resume(Effect.void))
  })
