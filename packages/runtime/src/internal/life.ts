/**
 * What an incarnation of an actor has besides its cell once it needs it: a fiber for its effects, a scope for its
 * resources, the answers that it owes, and whom its end concerns. Here too is how an actor ends.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { ActorEnded } from "../AskError.ts"
import { type Debt, Debts } from "./debts.ts"
import * as Failure from "./failure.ts"
import type { Handling } from "./handling.ts"
import { BUSY, ENDED, ENDING, HELD, type Replier, type Signal } from "./hot/cell.ts"
import { FAIL, Step, STOP } from "./hot/step.ts"
import type { LocalRef } from "./localRef.ts"
import type { Oversight } from "./oversight.ts"
import type { MessageType } from "./protocol.ts"
import type { Watches } from "./watch.ts"

export type { Debt }

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
  private hand: Resume | Hand | undefined = undefined
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
  run(effect: Effect.Effect<unknown, unknown>, message: Told, payload: unknown): void {
    this.fiber ??= Effect.runForkWith(this.context)(Effect.whileLoop(this))
    const resume = this.hand
    this.hand = new Hand(message, payload)
    if (typeof resume === "function") resume(Effect.exit(effect))
    // The fiber has yielded on its way to where it parks.
    else this.rarely().next = Effect.exit(effect)
    if (this.ref.status === BUSY && this.rare?.watched !== true) this.watch()
  }

  /** The message whose effect is in flight. */
  private get message(): Told {
    return (this.hand as Hand).message
  }

  private rarely(): Rare {
    return this.rare ??= new Rare()
  }

  /** An effect takes its time: if somebody interrupts its fiber meanwhile, the actor fails. */
  private watch(): void {
    this.rarely().watched = true
    this.fiber!.addObserver((exit) => {
      if (this.ref.status < HELD && Exit.isFailure(exit)) crash(this.ref, exit.cause, this.message)
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
    if (this.ref.status >= HELD) return
    const { message, payload } = this.hand as Hand
    settle(this.ref, exit, message, payload)
  }

  /** The start is in flight on this fiber, or is done. */
  starting(fiber: Fiber.Fiber<unknown, unknown> | undefined): void {
    this.fiber = fiber
  }

  owe(replier: Debt): void {
    ;(this.rarely().debts ??= new Debts()).add(replier)
  }

  /** It is not owed any more. */
  forgive(replier: Replier): void {
    this.rare?.debts?.remove(replier)
  }

  abandonOwed(because: () => ActorEnded): void {
    this.rare?.debts?.abandon(because)
  }

  /** What it has because its handlers do more than take steps. */
  get handling(): Handling | undefined {
    return this.rare?.handling
  }

  handle(handling: Handling): Handling {
    return this.rarely().handling = handling
  }

  signal(signal: SystemSignal): void {
    ;(this.rarely().lane ??= []).push(signal)
  }

  /** The system lane, if anything was ever in it. */
  get lane(): Array<SystemSignal> | undefined {
    return this.rare?.lane
  }

  /** Tells when the actor has ended. */
  observe(observer: EndObserver): void {
    ;(this.rarely().observers ??= new Set()).add(observer)
  }

  unobserve(observer: EndObserver): void {
    this.rare?.observers?.delete(observer)
  }

  /** Whether something would be lost if it ended now that its mailbox is empty. */
  get occupied(): boolean {
    const { rare } = this
    if (rare === undefined) return this.hasChildren
    return (rare.debts?.any ?? false) || (rare.handling?.occupied ?? false) || (rare.lane?.length ?? 0) > 0 ||
      this.hasChildren
  }

  private get hasChildren(): boolean {
    return this.ref.system.owners.get(this)?.last !== undefined
  }

  /** Whose ends this incarnation wants to be told of, if it ever did. */
  get watches(): Watches | undefined {
    return this.rare?.watches
  }

  set watches(watches: Watches) {
    this.rarely().watches = watches
  }

  /** Who decides when the actor would end of itself; undefined for most: those end. */
  get oversight(): Oversight | undefined {
    return this.rare?.oversight
  }

  set oversight(oversight: Oversight) {
    this.rarely().oversight = oversight
  }

  /** Calls back when this incarnation is over and another one will begin, before any message is taken. */
  onRestart(hook: () => void): void {
    ;(this.rarely().hooks ??= []).push(hook)
  }

  /** The life of the incarnation after this one, which concerns the same others. */
  next(): Life {
    const { rare } = this
    const next = new Life(this.ref)
    if (rare !== undefined) {
      const { observers, oversight } = rare
      // That it should stop was meant for this one.
      const lane = rare.lane?.filter((signal) => signal !== stopNext)
      Object.assign(next.rarely(), { lane, observers, oversight })
      rare.hooks?.forEach((hook) => hook())
    }
    return next
  }

  /** Nobody is watched any more, and those that wait for the end are told. */
  ended(exit: Exit.Exit<void, unknown>): void {
    this.rare?.watches?.clear()
    this.rare?.observers?.forEach((observer) => observer.ended(exit))
  }

  /** Its overseer has it in hand. */
  held(exit: Exit.Exit<void, unknown>): void {
    this.rare?.observers?.forEach((observer) => observer.held?.(exit))
  }

  /** Interrupts the effect in flight, and does not wait for that. */
  drop(): void {
    const { fiber } = this
    if (fiber === undefined) return
    const rare = this.rarely()
    rare.dropped = fiber
    rare.next = undefined
    rare.watched = false
    this.fiber = undefined
    this.hand = undefined
    fiber.interruptUnsafe()
  }

  /** Waits until what was dropped is interrupted. */
  get dropped(): Effect.Effect<void> {
    const dropped = this.rare?.dropped
    return dropped === undefined ? Effect.void : Effect.asVoid(Fiber.await(dropped))
  }

  /** Interrupts the effect in flight, then ends the children, then runs the finalizers. */
  close(exit: Exit.Exit<void, unknown>): Effect.Effect<void> {
    const { fiber } = this
    const children = this.ref.system.owners.get(this)
    // Their own finalizer may come later than those of what they use.
    const closed = children === undefined
      ? Scope.close(this, exit)
      : Effect.andThen(children.close, Scope.close(this, exit))
    if (fiber !== undefined) return Effect.andThen(Fiber.interrupt(fiber), closed)
    return this.rare?.dropped === undefined ? closed : Effect.andThen(this.dropped, closed)
  }
}

/** Who is told when an actor has ended. */
export interface EndObserver {
  ended(exit: Exit.Exit<void, unknown>): void
  /** It would have ended so, and its overseer has it in hand now. */
  held?(exit: Exit.Exit<void, unknown>): void
}

type Resume = (effect: Effect.Effect<Exit.Exit<unknown, unknown>>) => void

class Rare {
  /** A handler's effect that came before the fiber was parked. */
  next: Effect.Effect<Exit.Exit<unknown, unknown>> | undefined = undefined
  /** Whether the fiber's end is heard of. */
  watched = false
  /** The fiber whose effect in flight is dropped. */
  dropped: Fiber.Fiber<unknown, unknown> | undefined = undefined
  debts: Debts | undefined = undefined
  observers: Set<EndObserver> | undefined = undefined
  watches: Watches | undefined = undefined
  oversight: Oversight | undefined = undefined
  hooks: Array<() => void> | undefined = undefined
  handling: Handling | undefined = undefined
  /** The system lane: what goes before the messages. Ending is not in it: that takes effect at once. */
  lane: Array<SystemSignal> | undefined = undefined
}

/** A message in hand. */
class Hand {
  readonly message: Told
  readonly payload: unknown
  constructor(message: Told, payload: unknown) {
    this.message = message
    this.payload = payload
  }
}

/** A message or a signal, as far as a failure names it. */
type Told = Pick<MessageType, "index" | "tag">

/** A signal, with its name for those who read why an actor failed. */
export interface SystemSignal extends Signal {
  readonly tag: string
}

/** Ends an incarnation after the message in hand. */
export const stopNext: SystemSignal = {
  index: -1,
  tag: "stop",
  handle: () => new Step(STOP, undefined, undefined)
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
export const settle = (
  ref: LocalRef,
  exit: Exit.Exit<unknown, unknown>,
  message: Told,
  payload: unknown
): void => {
  if (Exit.isSuccess(exit)) {
    if (exit.value instanceof Step) ref.system.dispatcher.complete(ref, exit.value, message, payload)
    else crash(ref, notAStep(ref, message), message)
    return
  }
  const error = Cause.findError(exit.cause)
  if (error._tag === "Success") {
    ref.system.dispatcher.complete(ref, new Step(FAIL, ref.state, error.success), message, payload)
  } else {
    crash(ref, exit.cause, message)
  }
}

/** The reason that those are given who wait for an answer. */
export const reasonOf = (exit: Exit.Exit<void, unknown>): ActorEnded =>
  Exit.isSuccess(exit) ? new ActorEnded({}) : new ActorEnded({ failure: Failure.ofCause(exit.cause) })

export const notAStep = (ref: LocalRef, message: Told): Cause.Cause<never> =>
  Cause.die(
    new TypeError(`the handler ${message.tag} of ${ref.name} gave neither a step nor an Effect of one`)
  )

/** A handler threw, died, or was interrupted: the actor fails. */
export const crash = (ref: LocalRef, cause: Cause.Cause<unknown>, message: Told): void => {
  if (ref.system.observer?.failed(ref, cause, message.tag) === true) return
  // An overseer says itself what it was told.
  if (ref.life?.oversight === undefined) {
    const what = `${ref.toString()} failed in ${message.tag}`
    Effect.runForkWith(ref.host.context)(Effect.logError(what, cause))
  }
  leave(ref, Exit.failCause(cause))
}

/** An actor would end, of itself or because somebody told it to. If it has an overseer, that one decides. */
export const leave = (ref: LocalRef, exit: Exit.Exit<void, unknown>): void => {
  // Who is suspended can be ended all the same.
  if (ref.status >= HELD && ref.system.observer?.inspector?.release(ref) !== true) return
  const oversight = ref.life?.oversight
  if (oversight === undefined) return end(ref, exit)
  oversight.hold(exit)
}

/** Ends an actor: what is in hand is interrupted, what waits becomes dead letters, then its finalizers run. */
export const end = (ref: LocalRef, exit: Exit.Exit<void, unknown>): void => {
  if (ref.status >= ENDING) return
  ref.status = ENDING
  const { life, replier, system } = ref
  ref.replier = undefined
  // A failure is put into words only where somebody waits for them: that takes longer than all the rest.
  let reason: ActorEnded | undefined
  const because = (): ActorEnded => reason ??= reasonOf(exit)
  replier?.abandon(because())
  life?.abandonOwed(because)
  life?.handling?.end(because)
  while (ref.size > 0) {
    const { asker, message, payload } = ref
    ref.drop()
    if (message !== ref.host.pill) system.deadLetter("Ended", ref, (message as MessageType).tag, payload)
    asker?.abandon(because())
  }
  // Who waits for room is refused, or waits for the key's next incarnation.
  ref.mailbox?.wake()
  ref.release(system.dispatcher.pool)
  ref.state = undefined
  ref.handlers = undefined
  if (life === undefined) return ended(ref, exit)
  const closing = life.oversight?.closing
  const closed = closing ?? Effect.runForkWith(ref.host.context)(life.close(exit))
  closed.addObserver(() => ended(ref, exit))
}

const ended = (ref: LocalRef, exit: Exit.Exit<void, unknown>): void => {
  ref.status = ENDED
  // Who asks later how it ended finds it where its state was.
  ref.state = exit
  const life = ref.life
  ref.life = undefined
  ref.host.ended(ref)
  // Not before: whoever closes the owner waits for its finalizers too.
  ref.owner?.remove(ref)
  life?.ended(exit)
}

/** How an actor that has ended did so. */
export const exitOf = (ref: LocalRef): Exit.Exit<void, unknown> => ref.state as Exit.Exit<void, unknown>

/** Waits until an actor has ended, finalizers included; how it did. */
export const awaitEnd = (ref: LocalRef): Effect.Effect<Exit.Exit<void, unknown>> =>
  Effect.callback((resume) => {
    if (ref.status === ENDED) return resume(Effect.succeed(exitOf(ref)))
    const life = lifeOf(ref)
    const observer: EndObserver = { ended: (exit) => resume(Effect.succeed(exit)) }
    life.observe(observer)
    return Effect.sync(() => ref.life?.unobserve(observer))
  })
