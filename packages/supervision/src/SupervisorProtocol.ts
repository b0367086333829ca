/**
 * What supervisors understand, as the actors that they are.
 *
 * @since 0.1.0
 */
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Message from "@troupe/runtime/Message"
import { ChildError } from "./SupervisorError.ts"

/**
 * A child that runs, was stopped, or waits to be restarted.
 *
 * @category models
 * @since 0.1.0
 */
export const ChildInfo = Schema.Struct({
  id: Schema.String,
  kind: Schema.Literals(["actor", "effect", "layer", "supervisor"]),
  restart: Schema.Literals(["permanent", "transient", "temporary"]),
  significant: Schema.Boolean,
  /** `restarting` also while it waits for a sibling's next try; `down` waits for nothing. */
  status: Schema.Literals(["up", "down", "starting", "restarting"]),
  /** How often it has started. */
  starts: Schema.Int,
  failures: Schema.Int,
  /** What it failed with last, as text. */
  lastFailure: Schema.optionalKey(Schema.String),
  /** Since when it is up, or without a failure since, in milliseconds of the Clock. */
  goodSince: Schema.optionalKey(Schema.Number),
  /** When it is tried again, in milliseconds of the Clock. */
  dueAt: Schema.optionalKey(Schema.Number)
})

/**
 * @category models
 * @since 0.1.0
 */
export type ChildInfo = typeof ChildInfo.Type

/**
 * How many children there are.
 *
 * @category models
 * @since 0.1.0
 */
export const ChildCount = Schema.Struct({
  /** Specifications, of children that are down as well. */
  specs: Schema.Int,
  /** Children that are up. */
  active: Schema.Int,
  /** Specifications of supervisors. */
  supervisors: Schema.Int,
  /** All others. */
  workers: Schema.Int
})

/**
 * @category models
 * @since 0.1.0
 */
export type ChildCount = typeof ChildCount.Type

/**
 * What a supervisor understands, as an actor: from any thread.
 *
 * | message | |
 * | --- | --- |
 * | `Which` | its children, in start order |
 * | `Count` | how many there are |
 * | `Restart` | starts a child that is down |
 * | `Terminate` | stops a child, for good until it is restarted; a temporary one is forgotten |
 * | `Delete` | forgets a child that is down |
 *
 * The first two are essential: they are answered in post-mortem too.
 *
 * @category protocol
 * @since 0.1.0
 */
export const Protocol = RpcGroup.make(
  Rpc.make("Which", { success: Schema.Array(ChildInfo) }).pipe(Message.essential),
  Rpc.make("Count", { success: ChildCount }).pipe(Message.essential),
  Rpc.make("Restart", { payload: { child: Schema.String }, error: ChildError }),
  Rpc.make("Terminate", { payload: { child: Schema.String }, error: ChildError }),
  Rpc.make("Delete", { payload: { child: Schema.String }, error: ChildError })
)

/**
 * The messages of `Protocol`.
 *
 * @category protocol
 * @since 0.1.0
 */
export type Protocol = RpcGroup.Rpcs<typeof Protocol>
