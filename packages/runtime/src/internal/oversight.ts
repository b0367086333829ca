/** An actor of this thread that somebody oversees: held when it would end, halted, started again. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Child, Overseer } from "../Overseer.ts"
import { SpawnError } from "../SpawnError.ts"
import { ENDING, HELD, STARTING } from "./hot/cell.ts"
import { awaitEnd, crash, end, type Life, lifeOf, reasonOf } from "./life.ts"
import type { LocalRef } from "./localRef.ts"
import type { Ref } from "./ref.ts"
import { restarting } from "./refusal.ts"

export class Oversight implements Child<never> {
  private readonly actor: LocalRef
  private readonly overseer: Overseer
  /** What every incarnation begins with. */
  args: unknown
  /** What it would have ended with. */
  private exit: Exit.Exit<void, unknown> = Exit.void
  /** Ends the incarnation, or has ended it; undefined while one lives. */
  closing: Fiber.Fiber<void> | undefined = undefined
  private starting: Fiber.Fiber<void, SpawnError> | undefined = undefined
  private incarnations = 0
  private refusing = false
  /** Whether it has started once, or nobody waits for that: then its overseer is told instead. */
  told: boolean

  constructor(actor: LocalRef, args: unknown, overseer: Overseer, told: boolean) {
    this.actor = actor
    this.args = args
    this.overseer = overseer
    this.told = told
  }

  get ref(): Child<never>["ref"] {
    return this.actor as unknown as Child<never>["ref"]
  }

  get generation(): Effect.Effect<number> {
    return Effect.sync(() => this.incarnations)
  }

  /** It was spawned by an actor of another thread. */
  bornOf(parent: Ref | undefined): void {
    if (parent !== undefined) this.actor.system.parents.set(this.actor, parent)
  }

  /** The actor would end so: it is held instead, and its overseer told. */
  hold(exit: Exit.Exit<void, unknown>): void {
    if (!this.told) return end(this.actor, exit)
    const { starting } = this
    const life = this.seize(exit)
    // Whoever starts it hears that it did not start.
    if (starting === undefined) this.tell()
    else this.close()
    // Not before its overseer: who waits for this may be the one who starts it again.
    life.held(exit)
  }

  /** The actor did not start, and nobody waits for that. */
  startFailed(cause: Cause.Cause<unknown>): void {
    const exit = Exit.failCause(cause)
    const life = this.seize(exit)
    this.close()
    this.tell()
    life.held(exit)
  }

  /** It was on this thread's predecessor, and lives no more: only its messages are there. */
  lost(exit: Exit.Exit<void, unknown>): void {
    this.exit = exit
    this.closing = this.fork(Effect.void)
  }

  get resume(): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      const { life } = this.actor
      // The effect that was dropped ends first.
      return life === undefined ? Effect.succeed(false) : Effect.andThen(life.dropped, this.goOn)
    })
  }

  /** Has it refuse what comes, until it runs again. */
  refuse(): void {
    const { actor } = this
    if (actor.status !== HELD || this.refusing) return
    this.refusing = true
    // Of this actor alone: whoever does not ask for it has no look at it for each message.
    actor.admit = () => restarting
    actor.receive = ({ tag }, payload, replier, arrival) => {
      arrival.take()
      actor.mailbox?.release()
      actor.system.deadLetter("Restarting", actor, tag, payload)
      replier?.abandon(restarting.askReason)
      return true
    }
  }

  /** It runs again, or has ended: what its class says holds. */
  private admit(): void {
    if (!this.refusing) return
    this.refusing = false
    const kind = Object.getPrototypeOf(this.actor) as LocalRef
    this.actor.admit = kind.admit
    this.actor.receive = kind.receive
  }

  private readonly goOn = Effect.sync(() => {
    const { actor } = this
    if (actor.status !== HELD || this.closing !== undefined) return false
    this.admit()
    actor.system.observer?.inspector?.release(actor)
    actor.system.dispatcher.rest(actor)
    return true
  })

  get halt(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { actor } = this
      if (actor.status >= ENDING) return Effect.asVoid(awaitEnd(actor))
      if (actor.status !== HELD) this.seize(Exit.void).held(Exit.void)
      return Effect.asVoid(Fiber.await(this.close()))
    })
  }

  get start(): Effect.Effect<void, SpawnError> {
    return Effect.suspend(() => {
      const { actor } = this
      if (this.starting === undefined) {
        if (actor.status !== HELD) return Effect.void
        this.close()
        const starting = this.fork(
          Effect.andThen(Effect.suspend(() => Fiber.await(this.close())), this.begin)
        )
        if (starting.pollUnsafe() === undefined) {
          this.starting = starting
          starting.addObserver(() => {
            this.starting = undefined
          })
        }
        return Fiber.join(starting)
      }
      return Fiber.join(this.starting)
    })
  }

  get end(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.admit()
      end(this.actor, this.exit)
      return Effect.asVoid(awaitEnd(this.actor))
    })
  }

  get escalate(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { actor, exit } = this
      const parent = actor.owner?.actor
      return Effect.andThen(this.end, () => {
        if (Exit.isSuccess(exit)) return Effect.void
        if (parent === undefined) {
          return Effect.logError(`${actor.toString()} failed, and nobody is above it`, exit.cause)
        }
        crash(parent, exit.cause, { index: -1, tag: actor.toString() })
        return Effect.void
      })
    })
  }

  /** Takes the actor out of whatever it does. */
  private seize(exit: Exit.Exit<void, unknown>): Life {
    const { actor } = this
    const { replier } = actor
    this.exit = exit
    actor.status = HELD
    actor.replier = undefined
    replier?.abandon(reasonOf(exit))
    const life = lifeOf(actor)
    life.drop()
    if (this.overseer.refuses === true) this.refuse()
    return life
  }

  private tell(): void {
    const told = Effect.suspend(() => this.overseer.held(this, this.exit))
    this.fork(told).addObserver((exit) => {
      if (Exit.isFailure(exit)) end(this.actor, exit)
    })
  }

  /** Ends the incarnation that was seized, once. */
  private close(): Fiber.Fiber<void> {
    const { actor, exit } = this
    if (this.closing !== undefined) return this.closing
    const life = lifeOf(actor)
    life.abandonOwed(() => reasonOf(exit))
    actor.state = undefined
    actor.handlers = undefined
    const closed = Effect.sync(() => {
      life.watches?.clear()
      // Else it ends for good, and its life with it.
      if (actor.status === HELD) actor.life = life.next()
    })
    this.closing = this.fork(Effect.andThen(life.close(exit), closed))
    return this.closing
  }

  /** Begins another incarnation. */
  private readonly begin: Effect.Effect<void, SpawnError> = Effect.callback((resume) => {
    const { actor } = this
    const failed = (cause: unknown): Effect.Effect<void, SpawnError> =>
      Effect.fail(new SpawnError({ actor: actor.name, cause }))
    const done = (exit: Exit.Exit<void>): void => {
      if (actor.status >= ENDING) return resume(failed(new Error("it ended while it started")))
      if (Exit.isSuccess(exit) && actor.status !== HELD) {
        this.incarnations++
        this.admit()
        actor.system.dispatcher.rest(actor)
        return resume(Effect.void)
      }
      if (actor.status !== HELD) {
        const life = this.seize(exit)
        this.close()
        life.held(exit)
      }
      const cause = Exit.isFailure(exit)
        ? Cause.squash(exit.cause)
        : new Error("it was held while it started")
      // What it had acquired is released before anybody hears of it.
      resume(Effect.andThen(Fiber.await(this.close()), failed(cause)))
    }
    if (actor.status !== HELD) return done(Exit.void)
    this.closing = undefined
    // A signal may have come while it was held: this status has it looked for.
    actor.status = STARTING
    const started = actor.host.begin(actor, this.args, done)
    if (started !== undefined) done(started)
  })

  private fork<A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(this.actor.host.context)(effect)
  }
}
