/**
 * What a handler knows and can do besides its state: its third argument.
 *
 * @since 0.1.0
 */
import type * as Rpc from "effect/rpc/Rpc"
import type { ActorRef, TellArgs } from "./ActorRef.ts"

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
  readonly replier: Replier<Rpc.Success<Current>, Rpc.Error<Current>> | undefined
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
