/**
 * Handlers of many messages at once.
 *
 * @since 0.1.0
 */
import { hasProperty } from "effect/Predicate"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/runtime/Batch"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * A handler of many messages of one kind at once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Batch<out F> {
  readonly [TypeId]: typeof TypeId
  readonly handle: F
  readonly max: number
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How many messages are handled at once. From 1. (Default: 256) */
  readonly max?: number | undefined
}

/** As many as a turn handles: others wait no longer than for an actor without batches. */
const MAX = 256

/**
 * A handler that is given the payloads of all messages like the one in hand that wait next in the mailbox, in order:
 * one at least, and none is taken past a message of another kind. Its step answers all of them, or leaves all of them
 * unhandled, stashes them, or fails them.
 *
 * **When to use**
 *
 * Where many cost little more than one: rows for a database, points for a chart. An effectful handler finds in its
 * batch what came while the one before was at work.
 *
 * **Example** (Rows, written together)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor } from "@troupe/runtime"
 *
 * const Log = Actor.make("Log", {
 *   protocol: RpcGroup.make(Rpc.make("Append", { payload: { line: Schema.String } }))
 * })
 *
 * declare const insert: (lines: ReadonlyArray<string>) => Effect.Effect<void>
 *
 * const LogLive = Log.toLayer({
 *   state: Schema.Int,
 *   initial: () => 0,
 *   handlers: {
 *     Append: Actor.batch((written, rows) =>
 *       Effect.as(insert(rows.map(({ line }) => line)), Actor.next(written + rows.length)), { max: 1000 })
 *   }
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
// oxlint-disable-next-line typescript/no-explicit-any -- what it is given is known where it stands
export const batch = <F extends (state: any, payloads: any, ctx: any) => unknown>(
  handle: F,
  options?: Options
): Batch<F> => {
  const max = options?.max ?? MAX
  if (!Number.isInteger(max) || max < 1) throw new RangeError(`a batch has at least 1 message, not ${max}`)
  return { [TypeId]: TypeId, handle, max }
}

/**
 * Whether a value is a handler of many messages.
 *
 * @category guards
 * @since 0.1.0
 */
export const isBatch = (u: unknown): u is Batch<unknown> => hasProperty(u, TypeId)
