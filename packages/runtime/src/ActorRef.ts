/**
 * A reference to an actor: what one sends messages to.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import type { Pipeable } from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Types from "effect/Types"
import type { AskError } from "./AskError.ts"
import * as internal from "./internal/ending.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/runtime/ActorRef"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * A reference to an actor that understands the messages `Rpcs`.
 *
 * **Details**
 *
 * It is contravariant: a reference to an actor that understands more messages stands wherever one that
 * understands fewer is wanted. A reference to a spawned actor never reaches another one; a reference to a keyed
 * actor addresses the key, and reaches whichever incarnation lives.
 *
 * Payloads are given as the message's payload constructor takes them: defaults may be left out. On this thread a
 * payload is passed by reference, so neither side may change it afterwards; to another thread it is encoded at once.
 *
 * The methods take their types from `this`, so that nothing but the variance marker depends on `Rpcs`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorRef<in Rpcs extends Rpc.Any> extends Pipeable {
  readonly [TypeId]: { readonly _Rpcs: Types.Contravariant<Rpcs> }

  /** The name of the actor's definition. */
  readonly name: string

  /** The actor's key, if it is a keyed one. */
  readonly key: string | undefined

  /** Sends a message and goes on. What cannot be delivered becomes a dead letter. */
  tell<R extends Rpc.Any, const Tag extends R["_tag"]>(
    this: ActorRef<R>,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): Effect.Effect<void>

  /** Sends a message and tells whether it was accepted. What is not accepted is no dead letter: the caller knows. */
  offer<R extends Rpc.Any, const Tag extends R["_tag"]>(
    this: ActorRef<R>,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): Effect.Effect<boolean>

  /** `tell` without an Effect, for hot paths: true when the message was accepted. */
  tellUnsafe<R extends Rpc.Any, const Tag extends R["_tag"]>(
    this: ActorRef<R>,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): boolean

  /**
   * Sends a message and waits for its answer: the message's success value, its declared error, or an `AskError`
   * that says why no answer came. Interrupting the caller does not interrupt the actor. A question that reached nobody
   * is a dead letter too, on whichever thread that was found out.
   */
  ask<R extends Rpc.Any, const Tag extends R["_tag"]>(
    this: ActorRef<R>,
    tag: Tag,
    ...args: AskArgs<Rpc.ExtractTag<R, Tag>>
  ): Effect.Effect<Rpc.Success<Rpc.ExtractTag<R, Tag>>, Rpc.Error<Rpc.ExtractTag<R, Tag>> | AskError>
}

/**
 * How long an ask waits.
 *
 * @category models
 * @since 0.1.0
 */
export interface AskOptions {
  /** After this long the ask fails with an `AskTimeout`. (Default: it waits until the actor answers or ends.) */
  readonly timeout?: Duration.Input | undefined
}

/**
 * What follows the tag in a tell: the payload, or nothing for a message without one.
 *
 * @category models
 * @since 0.1.0
 */
export type TellArgs<R extends Rpc.Any> = PayloadArgs<Rpc.PayloadConstructor<R>>

/**
 * A payload as an argument: none where it is void, optional where it may be void.
 *
 * @category models
 * @since 0.1.0
 */
export type PayloadArgs<Payload> = [Payload] extends [void] ? readonly []
  : [void] extends [Payload] ? readonly [payload?: Payload]
  : readonly [payload: Payload]

/**
 * What follows the tag in an ask: the payload (undefined for a message without one), then options.
 *
 * @category models
 * @since 0.1.0
 */
export type AskArgs<R extends Rpc.Any> = [void] extends [Rpc.PayloadConstructor<R>]
  ? readonly [payload?: Rpc.PayloadConstructor<R> | undefined, options?: AskOptions]
  : readonly [payload: Rpc.PayloadConstructor<R>, options?: AskOptions]

/**
 * Whether a value is a reference to an actor.
 *
 * @category guards
 * @since 0.1.0
 */
export const isActorRef = (u: unknown): u is ActorRef<never> => hasProperty(u, TypeId)

const await_: (self: ActorRef<never>) => Effect.Effect<Exit.Exit<void, unknown>> = internal.awaitExit

export {
  /**
   * Waits until an actor has ended, finalizers included; how it did. A restart is not an end. Of a key, it is the
   * incarnation that lives now.
   *
   * @category life
   * @since 0.1.0
   */
  await_ as await
}

/**
 * Has an actor stop, and waits until it has ended: when what is queued is handled, or, with `now`, after the message in
 * hand. Of one that an overseer holds instead, this waits for that.
 *
 * **Gotchas**
 *
 * An actor that waits so for itself waits for ever: its handlers return `Actor.stop()`.
 *
 * @category life
 * @since 0.1.0
 */
export const stop: {
  (options?: { readonly now?: boolean | undefined }): (self: ActorRef<never>) => Effect.Effect<void>
  (self: ActorRef<never>, options?: { readonly now?: boolean | undefined }): Effect.Effect<void>
} = dual(
  (args) => isActorRef(args[0]),
  (self: ActorRef<never>, options?: { readonly now?: boolean | undefined }) =>
    internal.stop(self, options?.now === true ? "next" : "queued")
)

/**
 * Interrupts whatever an actor has in hand, runs its finalizers, and waits until it has ended. It has failed then, with
 * an interruption: an overseer may hold it instead, and this waits for that.
 *
 * @category life
 * @since 0.1.0
 */
export const kill = (self: ActorRef<never>): Effect.Effect<void> => internal.stop(self, "kill")
