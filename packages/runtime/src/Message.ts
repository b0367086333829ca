/**
 * What a contract says of a message beyond its schemas: annotations of an Rpc that decide when, and whether, it is
 * handled. An actor whose contract has none of them has none of their costs.
 *
 * **Details**
 *
 * | annotation | the message |
 * | --- | --- |
 * | `coalesceBy(key)` | replaces the one with the same key that waits |
 * | `priority(n)` | goes before those of lower priority that wait |
 * | `interleave` | does not wait for another one's effect |
 * | `interruptible` | is given up with its ask |
 * | `essential` | is handled also in post-mortem |
 *
 * **Example** (Prices, of which only the last counts, and an order to stop)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Message } from "@troupe/runtime"
 *
 * const Trader = Actor.make("Trader", {
 *   protocol: RpcGroup.make(
 *     Rpc.make("Price", { payload: { symbol: Schema.String, price: Schema.Number } }).pipe(
 *       Message.coalesceBy(({ symbol }) => symbol)
 *     ),
 *     Rpc.make("Halt").pipe(Message.priority(10), Message.essential)
 *   )
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import { dual } from "effect/Function"
import type * as Rpc from "effect/rpc/Rpc"

/**
 * By what messages of one kind are the same.
 *
 * @category models
 * @since 0.1.0
 */
export type Key = string | number | bigint | boolean | symbol | null | undefined

/**
 * The key of a message that replaces older ones. (Default: none)
 *
 * @category annotations
 * @since 0.1.0
 */
// oxlint-disable-next-line typescript/no-explicit-any -- `coalesceBy` gives it its type
export const CoalesceBy = Context.Reference<((payload: any) => Key) | undefined>(
  "@troupe/runtime/Message/CoalesceBy",
  { defaultValue: () => undefined }
)

/**
 * A message's priority. (Default: 0)
 *
 * @category annotations
 * @since 0.1.0
 */
export const Priority = Context.Reference<number>("@troupe/runtime/Message/Priority", {
  defaultValue: () => 0
})

/**
 * Whether a message may be handled while another one's effect is in flight. (Default: false)
 *
 * @category annotations
 * @since 0.1.0
 */
export const Interleave = Context.Reference<boolean>("@troupe/runtime/Message/Interleave", {
  defaultValue: () => false
})

/**
 * Whether a message's handler is interrupted when its asker gives up. (Default: false)
 *
 * @category annotations
 * @since 0.1.0
 */
export const Interruptible = Context.Reference<boolean>("@troupe/runtime/Message/Interruptible", {
  defaultValue: () => false
})

/**
 * Whether a message is handled in post-mortem. (Default: false)
 *
 * @category annotations
 * @since 0.1.0
 */
export const Essential = Context.Reference<boolean>("@troupe/runtime/Message/Essential", {
  defaultValue: () => false
})

const annotate = <R extends Rpc.Any, I, S>(self: R, key: Context.Key<I, S>, value: S): R =>
  (self as unknown as Rpc.AnyWithProps & { annotate(key: Context.Key<I, S>, value: S): R }).annotate(
    key,
    value
  )

/**
 * A message that waits is replaced, in its place, by a newer one with the same key: whoever asked with the older one
 * gets the newer one's answer. One whose key cannot be computed replaces none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const coalesceBy: {
  <R extends Rpc.Any>(key: (payload: Rpc.Payload<R>) => Key): (self: R) => R
  <R extends Rpc.Any>(self: R, key: (payload: Rpc.Payload<R>) => Key): R
} = dual(
  2,
  <R extends Rpc.Any>(self: R, key: (payload: Rpc.Payload<R>) => Key): R => annotate(self, CoalesceBy, key)
)

/**
 * A message goes before those of lower priority that wait, and behind those of its own; 0 is that of all others.
 *
 * @category combinators
 * @since 0.1.0
 */
export const priority: {
  (priority: number): <R extends Rpc.Any>(self: R) => R
  <R extends Rpc.Any>(self: R, priority: number): R
} = dual(2, <R extends Rpc.Any>(self: R, priority: number): R => annotate(self, Priority, priority))

/**
 * A message may be handled while another one's effect is in flight, with the state as it was before that; and its own
 * effect lets other messages be handled.
 *
 * **Gotchas**
 *
 * The state is that of the step that was taken last. What an interleaved handler keeps is lost when the effect in
 * flight gives its step, so such handlers look at the state, or change what is mutable in it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const interleave = <R extends Rpc.Any>(self: R): R => annotate(self, Interleave, true)

/**
 * A message is given up when its asker gives up, because its deadline has passed or it is interrupted; and with it what
 * its handler asks in turn. Any other is handled all the same.
 *
 * **Details**
 *
 * The handler's Effect is interrupted, its finalizers included, and the state stays as it was before the message. One
 * that still waits in the mailbox then is not handled any more. A message that is told, and a plain handler, know
 * nothing of it.
 *
 * **Example** (A search that nobody waits for)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Message } from "@troupe/runtime"
 *
 * const Index = Actor.make("Index", {
 *   protocol: RpcGroup.make(
 *     Rpc.make("Search", { payload: { text: Schema.String }, success: Schema.Array(Schema.String) }).pipe(
 *       Message.interruptible
 *     )
 *   )
 * })
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const interruptible = <R extends Rpc.Any>(self: R): R => annotate(self, Interruptible, true)

/**
 * A message is handled also in post-mortem, when the others wait.
 *
 * @category combinators
 * @since 0.1.0
 */
export const essential = <R extends Rpc.Any>(self: R): R => annotate(self, Essential, true)
