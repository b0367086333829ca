/**
 * What a handler knows and can do besides its state: its third argument.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { SpawnArgs, Spawner } from "./Actor.ts"
import type { ActorRef, Answer, Failure, TellArgs } from "./ActorRef.ts"

/**
 * The context of an actor that understands `Rpcs`.
 *
 * **Details**
 *
 * It belongs to one incarnation of one actor, and may be kept by an effect of its handlers. All of it is
 * synchronous, so that plain handlers can use it.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorContext<in out Rpcs extends Rpc.Any> {
  /** The actor itself. */
  readonly self: ActorRef<Rpcs>

  /** The actor's key, if it is a keyed one. */
  readonly key: string | undefined

  /** Sends a message: `ref.tellUnsafe`, and false when it was not accepted. */
  send<R extends Rpc.Any, const Tag extends R["_tag"]>(
    ref: ActorRef<R>,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): boolean

  /** The actor in whose scope this one was spawned; undefined where that is no actor's scope. */
  readonly parent: ActorRef<never> | undefined

  /** The actors that were spawned in this one's scope and have not ended, in the order of their starts. */
  readonly children: ReadonlyArray<ActorRef<never>>

  /**
   * Spawns a child, which ends with this actor, and does not wait for its start: what it is sent waits. If its `initial`
   * fails, it has ended so for those that watch it.
   */
  spawn<R extends Rpc.Any, Args extends Schema.Top>(
    spawner: Spawner<R, Args>,
    ...args: SpawnArgs<Args>
  ): ActorRef<R>

  /** Has an actor stop, as `ActorRef.stop` does, and does not wait for its end. */
  stop(ref: ActorRef<never>, options?: { readonly now?: boolean | undefined }): void

  /**
   * Has the behaviour told, by its signal `Terminated`, when an actor has ended; at once, if it has already. A restart
   * is not an end. Of a key, the incarnation that lives now is watched. What an incarnation watches, the next one does
   * not.
   */
  watch(ref: ActorRef<never>): void

  /** Watches no longer: a signal that waits already is not handled. */
  unwatch(ref: ActorRef<never>): void

  /**
   * Has this actor fail when the other one does, and the other way round. Who handles the signal `LinkBroken` is told
   * instead, also of an end that is no failure.
   */
  link(ref: ActorRef<never>): void

  /** Unties both ends. */
  unlink(ref: ActorRef<never>): void

  /**
   * Runs an Effect in the actor's scope while the actor goes on, and then handles the message that `onExit` makes of
   * its Exit, before those that wait. What the Effect needs it is given where the behaviour is made: `toLayer` takes
   * an Effect of a behaviour.
   *
   * @see {@link Step.fork} for an Effect whose result is the answer to an ask
   */
  pipeToSelf<A, E>(
    effect: Effect.Effect<A, E, Scope.Scope>,
    onExit: (exit: Exit.Exit<A, E>) => Envelope<Rpcs>
  ): void

  /** Messages to the actor itself, after a time. */
  readonly timers: Timers<Rpcs>

  /** How many messages `Actor.stash` keeps now. */
  readonly stashed: number

  /** Puts what `Actor.stash` has kept back before all that waits, in the order in which it came. */
  unstashAll(): void
}

/**
 * A message as a value: its tag, and its payload if it has one.
 *
 * @category models
 * @since 0.1.0
 */
export type Envelope<Rpcs extends Rpc.Any> = Rpcs extends Rpc.Any ?
  readonly [tag: Rpcs["_tag"], ...TellArgs<Rpcs>]
  : never

/**
 * Messages to the actor itself, after a time, by keys.
 *
 * **Details**
 *
 * A timer that is started takes the place of the one with its key. One that was replaced or cancelled is heard of no
 * more, even if it has run off already; and what it says does not wait behind other messages. Timers end with their
 * incarnation. They keep the time of the system's `Clock`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timers<in out Rpcs extends Rpc.Any> {
  /** Tells the actor the message once, after the delay. */
  startOnce<const Tag extends Rpcs["_tag"]>(
    key: unknown,
    delay: Duration.Input,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<Rpcs, Tag>>
  ): void
  /**
   * Tells the actor the message again and again, at a fixed rate from now on. What is due while it has not yet handled
   * the one before is left out.
   */
  startEvery<const Tag extends Rpcs["_tag"]>(
    key: unknown,
    interval: Duration.Input,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<Rpcs, Tag>>
  ): void
  /** Cancels the timer with this key; false when there is none. */
  cancel(key: unknown): boolean
  cancelAll(): void
  /** Whether the timer with this key will be heard of. */
  isActive(key: unknown): boolean
}

/**
 * The context of a handler of the message `Current`.
 *
 * @category models
 * @since 0.1.0
 */
export interface HandlerContext<in out Rpcs extends Rpc.Any, Current extends Rpc.Any>
  extends ActorContext<Rpcs>
{
  /**
   * Who awaits the answer to the message in hand; undefined when it was told. Take it with `Actor.later`, and
   * answer whenever the answer is there: the first answer counts.
   */
  readonly replier: Replier<Answer<Current>, Failure<Current>> | undefined
}

/**
 * The right to answer one ask, once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Replier<in A, in E> {
  /** Answers with a value. */
  succeed(value: A): void
  /** Answers with the message's declared error. */
  fail(error: E): void
}
