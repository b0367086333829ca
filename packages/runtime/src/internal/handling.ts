/**
 * What an actor has when its handlers do more than take steps: effects that run aside, a stash, timers. All of it
 * belongs to one incarnation.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Stream from "effect/Stream"
import { ActorEnded, InvalidMessage, StashFull, Unhandled } from "../AskError.ts"
import type { Reason } from "../AskError.ts"
import { ENDING, HELD, type Message, type Replier } from "./hot/cell.ts"
import { HANDLED } from "./hot/counts.ts"
import { FAIL, Step, STOP } from "./hot/step.ts"
import { Together } from "./hot/together.ts"
import { crash, type Debt, lifeOf, notAStep, reasonOf, signal, type SystemSignal } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import { type Incarnation, OwnMessage } from "./ownMessage.ts"
import { MessageType } from "./protocol.ts"
import { isStreamReplier } from "./streaming.ts"
import { Timers } from "./timers.ts"

/** A message that waits in the stash. */
interface Stashed {
  readonly message: MessageType
  readonly payload: unknown
  readonly replier: Replier | undefined
}

export class Handling implements Incarnation {
  private readonly ref: LocalRef
  /** Its incarnation is over: nothing of it is heard of any more. */
  over = false
  /** Effects that run aside. */
  aside = 0
  private stashed: Array<Stashed> = []
  private ownTimers: Timers | undefined = undefined

  constructor(ref: LocalRef) {
    this.ref = ref
  }

  get timers(): Timers {
    return this.ownTimers ??= new Timers(this.ref, this)
  }

  /** Whether it has anything that would be lost. */
  get occupied(): boolean {
    return this.aside > 0 || this.stashed.length > 0
  }

  /** How many messages are stashed. */
  get size(): number {
    return this.stashed.length
  }

  stash(message: MessageType, payload: unknown, replier: Replier | undefined): void {
    const { ref } = this
    const { stashCapacity } = ref.host
    if (this.stashed.length < stashCapacity) {
      this.stashed.push({ message, payload, replier })
      return
    }
    ref.system.deadLetter("StashFull", ref, message.tag, payload)
    replier?.abandon(new StashFull({ capacity: stashCapacity }))
  }

  /** Puts what is stashed back before all that waits. */
  unstash(): void {
    const { ref, stashed } = this
    if (stashed.length === 0) return
    this.stashed = []
    for (let i = stashed.length - 1; i >= 0; i--) {
      const { message, payload, replier } = stashed[i]!
      ref.putFirst(message, payload, replier, ref.system.dispatcher.pool)
    }
    ref.system.dispatcher.wake(ref)
  }

  /** The actor starts again: what is stashed waits for its next incarnation, the rest is over. */
  restart(): void {
    this.unstash()
    this.close()
  }

  /** The actor ends: what is stashed reaches nobody, and its askers are told why. */
  end(because: () => Reason): void {
    const { ref, stashed } = this
    this.stashed = []
    for (const { message, payload, replier } of stashed) {
      ref.system.deadLetter("Ended", ref, message.tag, payload)
      replier?.abandon(because())
    }
    this.close()
  }

  private close(): void {
    this.over = true
    this.ownTimers?.cancelAll()
  }
}

/** An actor's handling, made when it is first needed. */
export const handlingOf = (ref: LocalRef): Handling => {
  const life = lifeOf(ref)
  if (life.handling !== undefined) return life.handling
  const handling = new Handling(ref)
  life.onRestart(() => handling.restart())
  return life.handle(handling)
}

type OnExit = (exit: Exit.Exit<unknown, unknown>) => readonly [tag: string, payload?: unknown]

class Piped extends OwnMessage {
  private readonly exit: Exit.Exit<unknown, unknown>
  private readonly onExit: OnExit

  constructor(handling: Handling, exit: Exit.Exit<unknown, unknown>, onExit: OnExit) {
    super(handling, undefined, undefined)
    this.exit = exit
    this.onExit = onExit
  }

  protected take(ref: LocalRef): boolean {
    // In the actor's turn: what it throws is the actor's failure.
    const [tag, payload] = this.onExit(this.exit)
    const made = ref.make(tag, payload)
    if (made === undefined) return false
    this.message = made.message
    this.payload = made.payload
    return true
  }
}

/** Runs an effect in the actor's scope, and makes a message to the actor of its exit. */
export const pipeToSelf = (ref: LocalRef, effect: Effect.Effect<unknown, unknown>, onExit: OnExit): void => {
  const handling = handlingOf(ref)
  aside(ref, effect, (exit) => {
    if (!handling.over) signal(ref, new Piped(handling, exit, onExit))
  })
}

/** Runs an effect in the actor's scope whose exit is the answer to a message. */
export const fork = (
  ref: LocalRef,
  effect: Effect.Effect<unknown, unknown>,
  message: SystemSignal | MessageType,
  replier: Replier | undefined
): void => {
  const handling = handlingOf(ref)
  if (replier !== undefined) lifeOf(ref).owe(replier as Debt)
  aside(ref, effect, (exit) => {
    if (Exit.isSuccess(exit)) replier?.succeed(exit.value)
    else failed(ref, handling, exit.cause, message, replier)
  })
}

/** Runs a stream in the actor's scope that is the answer to a message. */
export const stream = (
  ref: LocalRef,
  stream: Stream.Stream<unknown, unknown>,
  message: SystemSignal | MessageType,
  replier: Replier | undefined
): void => {
  // Told, not asked: it has no elements for anybody.
  if (replier === undefined) return
  if (!isStreamReplier(replier)) {
    return replier.abandon(
      new InvalidMessage({ issue: `${message.tag} is answered by a stream: ask for one` })
    )
  }
  const { source } = replier
  if (source.cancelled) return
  const handling = handlingOf(ref)
  lifeOf(ref).owe(replier)
  const fiber = aside(ref, Effect.suspend(() => source.run(stream, replier)), (exit) => {
    if (Exit.isSuccess(exit)) return replier.succeed(undefined)
    // Nobody wants it any more: that is its interruption.
    if (!source.cancelled) failed(ref, handling, exit.cause, message, replier)
  })
  source.by(fiber)
}

/** What was to answer a message has failed: with the declared error, or in a way that the actor fails too. */
const failed = (
  ref: LocalRef,
  handling: Handling,
  cause: Cause.Cause<unknown>,
  message: SystemSignal | MessageType,
  replier: Replier | undefined
): void => {
  if (handling.over || ref.status >= ENDING) return
  const error = Cause.findError(cause)
  if (error._tag === "Failure") {
    crash(ref, cause, message)
    // Whoever oversees the actor may have it go on: its other debts stay.
    replier?.abandon(reasonOf(Exit.failCause(cause)))
  } else if (replier !== undefined) {
    replier.fail(error.success)
  } else {
    ref.system.deadLetter("UnheardError", ref, message.tag, error.success)
  }
}

/**
 * Takes the step of a message that is not the one in hand, and whose answer is owed: an effect of another one may be in
 * flight.
 */
export const takeAside = (
  ref: LocalRef,
  step: Step,
  message: MessageType,
  payload: unknown,
  replier: Replier | undefined
): void => {
  if (step.kind !== STOP) return ref.system.dispatcher.apply(ref, step, message, payload, replier)
  // It ends before it answers, and whoever asked for what is in hand learns of that.
  if (replier !== undefined) lifeOf(ref).forgive(replier)
  ref.system.stop(ref)
  replier?.succeed(step.value)
}

/** Runs a handler's effect in the actor's scope that nobody waits for; what it gives is a step. */
export const interleave = (
  ref: LocalRef,
  effect: Effect.Effect<unknown, unknown>,
  message: MessageType,
  payload: unknown,
  replier: Replier | undefined
): void => {
  const handling = handlingOf(ref)
  if (replier !== undefined) lifeOf(ref).owe(replier as Debt)
  aside(ref, effect, (exit) => {
    if (handling.over || ref.status >= HELD) return replier?.abandon(new ActorEnded({}))
    const error = Exit.isSuccess(exit) ? undefined : Cause.findError(exit.cause)
    if (Exit.isSuccess(exit) && exit.value instanceof Step) {
      takeAside(ref, exit.value, message, payload, replier)
    } else if (error?._tag === "Success") {
      takeAside(ref, new Step(FAIL, ref.state, error.success), message, payload, replier)
    } else {
      const cause = Exit.isSuccess(exit) ? notAStep(ref, message) : exit.cause
      crash(ref, cause, message)
      replier?.abandon(reasonOf(Exit.failCause(cause)))
    }
  })
}

const aside = (
  ref: LocalRef,
  effect: Effect.Effect<unknown, unknown>,
  done: (exit: Exit.Exit<unknown, unknown>) => void
): Fiber.Fiber<unknown, unknown> => {
  const life = lifeOf(ref)
  const fiber = Effect.runForkWith(life.context)(effect)
  const handling = handlingOf(ref)
  handling.aside++
  Fiber.runIn(fiber, life)
  fiber.addObserver((exit) => {
    handling.aside--
    done(exit)
  })
  return fiber
}

/** Keeps a message in hand for later. */
export const stash = (
  ref: LocalRef,
  message: Message,
  payload: unknown,
  replier: Replier | undefined
): void => {
  const type = messageOf(message)
  if (type === undefined) return
  for (const [one, asker] of each(payload, replier)) {
    // It is handled when it is put back.
    ref.system.counts[HANDLED]!--
    handlingOf(ref).stash(type, one, asker)
  }
}

/** A message in hand has no place in the actor's state. */
export const unhandled = (
  ref: LocalRef,
  message: Message,
  payload: unknown,
  replier: Replier | undefined
): void => {
  const type = messageOf(message)
  if (type === undefined) return
  for (const [one, asker] of each(payload, replier)) {
    ref.system.counts[HANDLED]!--
    ref.system.deadLetter("Unhandled", ref, type.tag, one)
    asker?.abandon(new Unhandled())
  }
}

/** The messages in hand: more than one in a batch. */
const each = (
  payload: unknown,
  replier: Replier | undefined
): Iterable<readonly [payload: unknown, replier: Replier | undefined]> =>
  replier instanceof Together
    ? replier.payloads.map((one, i) => [one, replier.repliers[i]] as const)
    : [[payload, replier]]

/** The message in hand; undefined for a signal that is none. */
const messageOf = (message: Message): MessageType | undefined =>
  message instanceof MessageType ? message : message instanceof OwnMessage ? message.message : undefined
