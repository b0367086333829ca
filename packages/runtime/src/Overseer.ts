/**
 * The mechanism of supervision: whoever oversees an actor is told when it would end, and decides what becomes of it.
 * Policy is not here.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Actor, Hosted, SpawnArgs, Spawner } from "./Actor.ts"
import type { ActorRef } from "./ActorRef.ts"
import { hostedKey } from "./internal/keys.ts"
import type { SpawnError } from "./SpawnError.ts"

/**
 * An actor, as its overseer has it in hand.
 *
 * **Details**
 *
 * | it is | its messages | what comes next |
 * | --- | --- | --- |
 * | running | are handled | it would end: it is held; `halt`, `end` |
 * | held | wait, or are refused | `resume`, `halt`, `end` |
 * | halted | wait, or are refused | `start`, `end` |
 * | ended | are dead letters | |
 *
 * The reference, and the mailbox with what waits in it, are the same through all of it. All of these wait until what
 * they ask for is done, and go on being done when whoever waits is interrupted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Child<in Rpcs extends Rpc.Any = never> {
  readonly ref: ActorRef<Rpcs>

  /** How often it has been started again. */
  readonly generation: Effect.Effect<number>

  /**
   * Goes on with the state that it had; what was in hand is dropped, its asker was told. False when it is not held.
   */
  readonly resume: Effect.Effect<boolean>

  /**
   * Ends its incarnation, whatever it does just now: what is in hand is interrupted, its children end, its finalizers
   * run. Its mailbox stays.
   */
  readonly halt: Effect.Effect<void>

  /**
   * Begins the next incarnation with the arguments of the first, when it is halted; one that is held is halted before.
   * It fails when `initial` does, and then it is halted still. Nothing happens to one that runs or has ended.
   */
  readonly start: Effect.Effect<void, SpawnError>

  /** Ends it for good: what waits becomes dead letters, and whoever watches it gets what it was held with. */
  readonly end: Effect.Effect<void>

  /**
   * The same, and the actor in whose scope it was spawned fails with what it was held with. Where that is no actor's
   * scope, the log says so.
   */
  readonly escalate: Effect.Effect<void>
}

/**
 * Who decides for actors that would end.
 *
 * **Details**
 *
 * `held` is run, on a fiber of its own, when a child fails, is killed or stops of itself, and when one fails to start
 * for whose start nobody waits. The child is held until somebody says what it is to do, here or later. Should `held`
 * itself fail, the child ends with that. An actor whose scope closes ends without that its overseer is told.
 *
 * @category models
 * @since 0.1.0
 */
export interface Overseer {
  /** `exit` is what the child would end with. */
  readonly held: (child: Child, exit: Exit.Exit<void, unknown>) => Effect.Effect<void>
  /**
   * Whether its children refuse what comes while they are held or halted: whoever asks is answered with `Restarting`, on
   * whichever thread he is. What waits already waits on. Where a child's thread has ended, its successor refuses from
   * when it has been told: what comes before waits. (Default: false, what comes waits)
   */
  readonly refuses?: boolean | undefined
}

/**
 * What becomes of a child that failed.
 *
 * **Details**
 *
 * | directive | the child | its state | its mailbox |
 * | --- | --- | --- | --- |
 * | `resume` | goes on | kept | kept |
 * | `restart` | is halted, and starts again | from `initial` | kept |
 * | `stop` | ends | | dead letters |
 * | `escalate` | ends, and who spawned it fails with the same Cause | | dead letters |
 *
 * @category models
 * @since 0.1.0
 */
export type Directive = "resume" | "restart" | "stop" | "escalate"

/**
 * An overseer that lets a child end that stops of itself, and does as it is told with one that fails: a restart that
 * fails is a failure again.
 *
 * **Example** (Start again, but not after a defect)
 *
 * ```ts
 * import { Cause, Effect } from "effect"
 * import { Overseer } from "@troupe/runtime"
 *
 * const overseer = Overseer.make((cause) => Effect.succeed(Cause.hasDies(cause) ? "stop" : "restart"))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  decide: (cause: Cause.Cause<unknown>, child: Child) => Effect.Effect<Directive>
): Overseer => ({
  held: (child, exit) => Exit.isSuccess(exit) ? child.end : obey(child, exit.cause, decide)
})

const obey = Effect.fnUntraced(function*(
  child: Child,
  failure: Cause.Cause<unknown>,
  decide: (cause: Cause.Cause<unknown>, child: Child) => Effect.Effect<Directive>
) {
  for (let cause = failure;;) {
    const directive = yield* decide(cause, child)
    if (directive === "escalate") return yield* child.escalate
    if (directive === "stop") return yield* child.end
    // One whose restart failed has no state to go on with.
    if (directive === "resume") return (yield* child.resume) ? undefined : yield* child.end
    const exit = yield* Effect.exit(child.start)
    if (Exit.isSuccess(exit)) return
    cause = exit.cause
  }
})

/**
 * Spawns an actor under an overseer. A first start that fails is a `SpawnError`: the overseer is not told of what
 * whoever spawns is told.
 *
 * @category constructors
 * @since 0.1.0
 */
export const spawn = <Name extends string, Rpcs extends Rpc.Any, Args extends Schema.Top>(
  actor: Actor<Name, Rpcs, Args>,
  overseer: Overseer,
  ...args: SpawnArgs<Args>
): Effect.Effect<Child<Rpcs>, SpawnError, Hosted<Name> | Scope.Scope> =>
  Effect.withFiber((fiber) =>
    Context.getUnsafe(fiber.context, hostedKey(actor.name)).oversee(
      args[0],
      Context.getUnsafe(fiber.context, Scope.Scope),
      fiber.context,
      overseer
    )
  ) as Effect.Effect<Child<Rpcs>, SpawnError>

/**
 * What `ctx.spawn` takes to spawn actors under an overseer. Nobody waits for such a start: if it fails, the overseer is
 * told.
 *
 * @category constructors
 * @since 0.1.0
 */
export const spawner = <Name extends string, Rpcs extends Rpc.Any, Args extends Schema.Top>(
  actor: Actor<Name, Rpcs, Args>,
  overseer: Overseer
): Effect.Effect<Spawner<Rpcs, Args>, never, Hosted<Name>> =>
  Effect.map(hostedKey(actor.name), (host): Spawner<Rpcs, Args> => ({ host, overseer }) as never)

/**
 * Who oversees the keyed actors of a behaviour: what the layer that hosts it is provided with. (Default: nobody, an actor
 * that fails ends)
 *
 * @category references
 * @since 0.1.0
 */
export const Default = Context.Reference<Overseer | undefined>("@troupe/runtime/Overseer", {
  defaultValue: () => undefined
})
