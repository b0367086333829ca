/**
 * Messages that follow from events, and get there for certain: they are sent until they are answered, also after a restart,
 * and handled once.
 *
 * **Example** (A transfer between two accounts)
 *
 * ```ts
 * import { EventSourced, Outbox } from "@troupe/persistence"
 * import { Actor } from "@troupe/runtime"
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 *
 * const Account = Actor.make("Account", {
 *   protocol: RpcGroup.make(
 *     Rpc.make("Send", { payload: { to: Schema.String, amount: Schema.Int } }),
 *     Rpc.make("Receive", { payload: { amount: Schema.Int, delivery: Outbox.Delivery } })
 *   )
 * })
 *
 * const Event = Schema.Union([
 *   Schema.TaggedStruct("Sent", { to: Schema.String, amount: Schema.Int }),
 *   Schema.TaggedStruct("Received", { amount: Schema.Int })
 * ])
 *
 * const AccountLive = EventSourced.toLayer(Account, {
 *   state: Schema.Int,
 *   events: Event,
 *   initial: () => 100,
 *   apply: (balance, event) => event._tag === "Sent" ? balance - event.amount : balance + event.amount,
 *   commands: {
 *     Send: (_, { amount, to }) => EventSourced.persist({ _tag: "Sent", to, amount }),
 *     Receive: (_, { amount }) => EventSourced.persist({ _tag: "Received", amount })
 *   },
 *   outbox: (event) =>
 *     event._tag === "Received" ? [] : Effect.map(Account.byKey, (account) => [
 *       Outbox.send(account(event.to), "Receive", { amount: event.amount })
 *     ])
 * })
 * ```
 *
 * @since 0.1.0
 */
import type { ActorRef } from "@troupe/runtime/ActorRef"
import type * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"

/**
 * Which delivery a message is. A message that is to come out of an outbox has it as its field `delivery`, and no answer
 * but that it was handled. Its receiver, if it is event-sourced, answers one that it has handled already, and does nothing.
 *
 * @category models
 * @since 0.1.0
 */
export const Delivery = Schema.Struct({
  /** The id of the sender. */
  from: Schema.String,
  /** The sequence of the event that it follows from. */
  sequence: Schema.Int,
  /** Its place among the messages that follow from the same event. */
  index: Schema.Int
})

/**
 * @category models
 * @since 0.1.0
 */
export interface Delivery extends Schema.Schema.Type<typeof Delivery> {}

/**
 * A message that is to be sent until it is answered.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sending {
  readonly to: ActorRef<never>
  readonly tag: string
  readonly payload: object
}

/** The messages of a protocol that an outbox may send. */
type Deliverable<R extends Rpc.Any> = R extends Rpc.Any
  ? Rpc.Payload<R> extends { readonly delivery: Delivery } ? R : never
  : never

/**
 * A message for an actor; the outbox adds the field `delivery`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const send = <R extends Rpc.Any, const Tag extends Deliverable<R>["_tag"]>(
  to: ActorRef<R>,
  tag: Tag,
  payload: Omit<Rpc.PayloadConstructor<Rpc.ExtractTag<R, Tag>>, "delivery">
): Sending => ({ to: to as ActorRef<never>, tag, payload })
