/**
 * A reference to an actor: what one sends messages to.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Equivalence_ from "effect/Equivalence"
import type * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import * as Order_ from "effect/Order"
import type { Pipeable } from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type * as RpcSchema from "effect/rpc/RpcSchema"
import type * as Schema from "effect/Schema"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import type * as Types from "effect/Types"
import * as ActorId_ from "./ActorId.ts"
import type { ActorId } from "./ActorId.ts"
import type { AskError } from "./AskError.ts"
import type * as Step from "./Step.ts"
import * as internal from "./internal/ending.ts"
import * as Adapter from "./internal/adapter.ts"
import { refTypeId } from "./internal/keys.ts"
import { compile, type Group } from "./internal/protocol.ts"
import * as refs from "./internal/ref.ts"
import * as refSchema from "./internal/refSchema.ts"
import { fits } from "./internal/resolve.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = refTypeId

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
export interface ActorRef<in Rpcs extends Rpc.Any> extends Pipeable, Equal.Equal {
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
  ask<R extends Rpc.Any, const Tag extends AskTag<R>>(
    this: ActorRef<R>,
    tag: Tag,
    ...args: AskArgs<Rpc.ExtractTag<R, Tag>>
  ): Effect.Effect<Rpc.Success<Rpc.ExtractTag<R, Tag>>, Rpc.Error<Rpc.ExtractTag<R, Tag>> | AskError>

  /**
   * The elements of a message's answer, for messages that are declared with `stream: true`. Each run of the stream
   * sends the message anew. Elements come no faster than they are taken; who takes no more of them, or is interrupted,
   * interrupts what makes them.
   */
  stream<R extends Rpc.Any, const Tag extends StreamTag<R>>(
    this: ActorRef<R>,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): Stream.Stream<Element<Rpc.ExtractTag<R, Tag>>, Failure<Rpc.ExtractTag<R, Tag>> | AskError>
}

/**
 * The tags of the messages that have one answer.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type AskTag<R extends Rpc.Any> = R extends Rpc.Any ? IsStream<R> extends true ? never : R["_tag"]
  : never

/**
 * The tags of the messages that are declared with `stream: true`.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type StreamTag<R extends Rpc.Any> = R extends Rpc.Any ? IsStream<R> extends true ? R["_tag"] : never
  : never

/**
 * What a handler answers a message with: its success, or what `Actor.stream` gives.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type Answer<R extends Rpc.Any> = IsStream<R> extends true ? Step.Streamed<Element<R>, Failure<R>>
  : Rpc.Success<R>

type IsStream<R extends Rpc.Any> = Rpc.SuccessSchema<R> extends RpcSchema.Stream<Schema.Top, Schema.Top>
  ? true
  : false

/**
 * A message's declared error.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type Failure<R extends Rpc.Any> = Rpc.SuccessSchema<R> extends RpcSchema.Stream<infer _A, infer E> ?
  E["Type"]
  : Rpc.Error<R>

/**
 * An element of a streamed answer.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type Element<R extends Rpc.Any> = Rpc.SuccessSchema<R> extends RpcSchema.Stream<infer A, infer _E> ?
  A["Type"]
  : never

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

/**
 * The schema of references to actors that understand these messages, of whatever kind the actors are: they travel in
 * messages, and are kept as text.
 *
 * **Details**
 *
 * A reference that is sent to another thread reaches the same actor from there, and is the local one where the actor
 * lives; equal references are `Equal`, and hash alike, wherever they have been. It keeps no actor alive: what is sent
 * to one that has ended is a dead letter, as ever. An actor whose reference was sent takes a place in a table of its
 * thread until it ends.
 *
 * As JSON it is its text, see `format`. Decoding that needs the system: `ActorSystem` among the services, or else the
 * one that the thread has made last.
 *
 * **Example** (Whom to answer, in a message)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, ActorRef } from "@troupe/runtime"
 *
 * const Listener = RpcGroup.make(Rpc.make("Heard", { payload: { line: Schema.String } }))
 *
 * const Radio = Actor.make("Radio", {
 *   protocol: RpcGroup.make(
 *     Rpc.make("Listen", { payload: { listener: ActorRef.ActorRef(Listener) } }),
 *     Rpc.make("Say", { payload: { line: Schema.String } })
 *   )
 * })
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const ActorRef = <Rpcs extends Rpc.Any>(
  protocol: RpcGroup.RpcGroup<Rpcs>
): Schema.declare<ActorRef<Rpcs>> => refSchema.make({ name: undefined, group: protocol }) as never

/**
 * A reference as text: `Account/ada` for a key, `Account:2_1F.3@0:9e3779b97f4a7c15` for a spawned actor, which is its
 * kind, its identity, and what no other system has. The first means the same whenever a system hosts the kind; the
 * second means nobody in any other run than its own.
 *
 * @category conversions
 * @since 0.1.0
 */
export const format = (self: ActorRef<never>): string => refs.format(self as unknown as refs.Ref)

/**
 * The identity of a spawned actor, or of whatever else is no key; none for a key.
 *
 * @category getters
 * @since 0.1.0
 */
export const id = (self: ActorRef<never>): Option.Option<ActorId> =>
  Option.fromUndefinedOr((self as unknown as refs.Ref).id)

/**
 * Whether the actor understands all messages of a protocol: a reference by protocol of whatever kind of actor.
 *
 * @category predicates
 * @since 0.1.0
 */
export const understands: {
  <Rpcs extends Rpc.Any>(
    protocol: RpcGroup.RpcGroup<Rpcs>
  ): (self: ActorRef<never>) => self is ActorRef<Rpcs>
  <Rpcs extends Rpc.Any>(self: ActorRef<never>, protocol: RpcGroup.RpcGroup<Rpcs>): self is ActorRef<Rpcs>
} = dual(
  2,
  (self: ActorRef<never>, protocol: RpcGroup.RpcGroup<Rpc.Any>): boolean =>
    fits(self as unknown as refs.Ref, { name: undefined, group: protocol })
) as never

/**
 * By the name of the kind; then keys in the order of their text, then the others in that of their identities.
 *
 * @category instances
 * @since 0.1.0
 */
export const Order: Order_.Order<ActorRef<never>> = Order_.make((self, that) => {
  const one = self as unknown as refs.Ref
  const other = that as unknown as refs.Ref
  if (one.name !== other.name) return one.name < other.name ? -1 : 1
  if (one.key !== undefined && other.key !== undefined) return Order_.String(one.key, other.key)
  if (one.key !== undefined) return -1
  return other.key !== undefined ? 1 : ActorId_.Order(one.id!, other.id!)
})

/**
 * Whether two references reach the same actor.
 *
 * @category instances
 * @since 0.1.0
 */
export const Equivalence: Equivalence_.Equivalence<ActorRef<never>> = Equal.asEquivalence()

/**
 * What a message of one protocol may become in another: a message whose answer is an answer to it.
 *
 * @category models
 * @since 0.1.0
 */
export type Adapted<Rpcs extends Rpc.Any, Current extends Rpc.Any> = {
  readonly [R in Rpcs as R["_tag"]]: [Rpc.Success<R>, Rpc.Error<R>] extends [
    [Rpc.Success<Current>] extends [void] ? unknown : Rpc.Success<Current>,
    Rpc.Error<Current>
  ] ? readonly [tag: R["_tag"], ...payload: TellArgs<R>]
    : never
}[Rpcs["_tag"]]

/**
 * For each message of a protocol, what it becomes.
 *
 * @category models
 * @since 0.1.0
 */
export type Adaptation<Rpcs extends Rpc.Any, Adapting extends Rpc.Any> = {
  readonly [R in Adapting as R["_tag"]]: (payload: Rpc.Payload<R>) => Adapted<Rpcs, R>
}

/**
 * A reference for those who speak another protocol: it makes messages of its actor's of theirs. So an actor takes part
 * in what it was not written for, or is told by others in words of its own.
 *
 * **Details**
 *
 * The functions run where the reference was made, on behalf of whoever sends; an answer goes back as it is. The
 * reference can be sent to other threads, and is then kept here until the actor ends; make such ones once, not for each
 * message.
 *
 * **Example** (A thermostat that listens to a weather station)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, ActorRef } from "@troupe/runtime"
 *
 * const Observing = RpcGroup.make(Rpc.make("Observed", { payload: { celsius: Schema.Number } }))
 * const Station = Actor.make("Station", {
 *   protocol: RpcGroup.make(Rpc.make("Observe", { payload: { by: ActorRef.ActorRef(Observing) } }))
 * })
 * const Thermostat = Actor.make("Thermostat", {
 *   protocol: RpcGroup.make(Rpc.make("Outside", { payload: { kelvin: Schema.Number } }))
 * })
 *
 * const program = Effect.gen(function*() {
 *   const thermostat = yield* Thermostat.spawn()
 *   const station = yield* Station.keyed("roof")
 *   const by = ActorRef.contramap(thermostat, Observing, {
 *     Observed: ({ celsius }) => ["Outside", { kelvin: celsius + 273.15 }]
 *   })
 *   yield* station.tell("Observe", { by })
 * })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const contramap: {
  <Rpcs extends Rpc.Any, Adapting extends Rpc.Any>(
    protocol: RpcGroup.RpcGroup<Adapting>,
    adaptation: Adaptation<Rpcs, Adapting>
  ): (self: ActorRef<Rpcs>) => ActorRef<Adapting>
  <Rpcs extends Rpc.Any, Adapting extends Rpc.Any, A extends Adaptation<Rpcs, Adapting>>(
    self: ActorRef<Rpcs>,
    protocol: RpcGroup.RpcGroup<Adapting>,
    adaptation: A
  ): ActorRef<Adapting>
} = dual(
  3,
  (self: refs.Ref, group: Group, adaptation: Adapter.Adaptation) =>
    new Adapter.AdapterRef(self, compile(group, self.system.validate), adaptation)
) as never

/**
 * How a stream is fed to an actor.
 *
 * @category models
 * @since 0.1.0
 */
export interface FeedOptions extends AskOptions {
  /** How many elements the actor may have been sent and not have handled. (Default: 1) */
  readonly concurrency?: number | undefined
}

/**
 * Sends an actor a message for each element of a stream, in order, no faster than it handles them. What it answers is
 * dropped; a declared error, or that no answer came, fails the stream.
 *
 * **Example** (A log that is fed)
 *
 * ```ts
 * import { Effect, Schema, Stream } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, ActorRef } from "@troupe/runtime"
 *
 * const Log = Actor.make("Log", {
 *   protocol: RpcGroup.make(Rpc.make("Append", { payload: { line: Schema.String } }))
 * })
 *
 * const program = Effect.gen(function*() {
 *   const log = yield* Log.keyed("today")
 *   const lines = Stream.map(Stream.range(1, 1000), (n) => ({ line: `line ${n}` }))
 *   yield* Stream.run(lines, ActorRef.sink(log, "Append", { concurrency: 16 }))
 * })
 * ```
 *
 * @category streams
 * @since 0.1.0
 */
export const sink = <R extends Rpc.Any, const Tag extends AskTag<R>>(
  self: ActorRef<R>,
  tag: Tag,
  options?: FeedOptions
): Sink.Sink<
  void,
  Rpc.PayloadConstructor<Rpc.ExtractTag<R, Tag>>,
  never,
  Rpc.Error<Rpc.ExtractTag<R, Tag>> | AskError
> =>
  Sink.forEachArray((payloads) =>
    Effect.forEach(payloads, (payload) => asking(self, tag, payload, options), {
      concurrency: options?.concurrency ?? 1,
      discard: true
    })
  )

/**
 * Has an actor make one stream of another: each element is asked, in order, no faster than answers are taken, and its
 * answer is an element of the result, in the same order.
 *
 * **Example** (Prices, one after the other)
 *
 * ```ts
 * import { Effect, Schema, Stream } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, ActorRef } from "@troupe/runtime"
 *
 * const Shop = Actor.make("Shop", {
 *   protocol: RpcGroup.make(Rpc.make("Price", { payload: { item: Schema.String }, success: Schema.Int }))
 * })
 *
 * const prices = Effect.gen(function*() {
 *   const shop = yield* Shop.keyed("corner")
 *   return Stream.make({ item: "pear" }, { item: "plum" }).pipe(ActorRef.through(shop, "Price"))
 * })
 * ```
 *
 * @category streams
 * @since 0.1.0
 */
export const through = <R extends Rpc.Any, const Tag extends AskTag<R>>(
  self: ActorRef<R>,
  tag: Tag,
  options?: FeedOptions
) =>
<E, Services>(
  stream: Stream.Stream<Rpc.PayloadConstructor<Rpc.ExtractTag<R, Tag>>, E, Services>
): Stream.Stream<
  Rpc.Success<Rpc.ExtractTag<R, Tag>>,
  E | Rpc.Error<Rpc.ExtractTag<R, Tag>> | AskError,
  Services
> =>
  Stream.mapEffect(stream, (payload) => asking(self, tag, payload, options), {
    concurrency: options?.concurrency ?? 1
  })

/** An ask whose payload is there, if it has one at all. */
const asking = <R extends Rpc.Any, const Tag extends AskTag<R>>(
  self: ActorRef<R>,
  tag: Tag,
  payload: unknown,
  options: AskOptions | undefined
): Effect.Effect<Rpc.Success<Rpc.ExtractTag<R, Tag>>, Rpc.Error<Rpc.ExtractTag<R, Tag>> | AskError> =>
  (self as unknown as refs.Asking).ask(tag, payload, options)
