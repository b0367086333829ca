/**
 * Supervisors: who starts children, and starts them again.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { hasProperty } from "effect/Predicate"
import type * as Stream from "effect/Stream"
import type * as Types from "effect/Types"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import type { ActorSystem } from "@troupe/runtime/ActorSystem"
import * as Overseer from "@troupe/runtime/Overseer"
import type * as Child from "./Child.ts"
import * as Escalation from "./Escalation.ts"
import type { AutoShutdown, Config, Strategy } from "./internal/decision.ts"
import * as instance from "./internal/instance.ts"
import * as keys from "./internal/keys.ts"
import type { RestartPolicy } from "./RestartPolicy.ts"
import { ChildError, type StartError } from "./SupervisorError.ts"
import type { SupervisorEvent } from "./SupervisorEvent.ts"
import type { ChildCount, ChildInfo, Protocol } from "./SupervisorProtocol.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/supervision/Supervisor"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * How many restarts within a period a supervisor makes before it gives up, both ends of the period included. A restart
 * of a group is one restart; each failing try is one too.
 *
 * @category models
 * @since 0.1.0
 */
export interface Intensity {
  /** At most so many restarts. (Default: 1) */
  readonly restarts?: number | undefined
  /** Within this time. (Default: 5 seconds) */
  readonly within?: Duration.Input | undefined
}

/**
 * How a supervisor is made.
 *
 * **Details**
 *
 * | strategy | when a child fails |
 * | --- | --- |
 * | `one_for_one` | it restarts |
 * | `one_for_all` | all children stop, in reverse order, and start again, in order |
 * | `rest_for_one` | the same for the child and those after it |
 * | `simple_one_for_one` | it restarts; for many like children: one that does not restart is forgotten, and at the end all stop at once |
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<Children extends ReadonlyArray<Child.Any>> {
  /** Who restarts with a child that failed. (Default: `one_for_one`) */
  readonly strategy?: Strategy | undefined
  /** How many restarts are too many; `unlimited` leaves that to schedules. (Default: 1 within 5 seconds) */
  readonly intensity?: Intensity | "unlimited" | undefined
  /** Whether the supervisor ends with its significant children: with any, or with the last. (Default: `never`) */
  readonly autoShutdown?: AutoShutdown | undefined
  /** What becomes of a child that failed, where its own policy leaves that open. (Default: it restarts) */
  readonly policy?: RestartPolicy | undefined
  /** The children, in start order. (Default: none) */
  readonly children?: Children | undefined
}

/**
 * A supervisor, as a value: what it starts, and what it does when that fails.
 *
 * @category models
 * @since 0.1.0
 */
export interface Supervisor<
  in out Name extends string,
  in out Children extends ReadonlyArray<Child.Any> = ReadonlyArray<Child.Any>
> {
  readonly [TypeId]: typeof TypeId
  /** Its name: other than those of actors and supervisors in the same system. */
  readonly name: Name
  readonly children: Children
  readonly policy: RestartPolicy | undefined
  /** @internal */
  readonly config: Config
  /** What a system offers a running one under. */
  readonly key: Context.Service<Supervised<Name>, Running<Children>>
}

/**
 * The proof that a supervisor runs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Supervised<in out Name extends string> {
  readonly _: unique symbol
  readonly name: Name
}

/**
 * A supervisor that runs. It stands for whichever incarnation lives, if it is restarted itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Running<out Children extends ReadonlyArray<Child.Any> = ReadonlyArray<Child.Any>> {
  readonly _Children?: Types.Covariant<Children>
  /** Its place in its tree: the names from the root, with slashes in between. */
  readonly path: string
  /** The supervisor as an actor. */
  readonly ref: Effect.Effect<ActorRef<Protocol>>
  /** Its children, in start order. */
  readonly which: Effect.Effect<ReadonlyArray<ChildInfo>>
  readonly count: Effect.Effect<ChildCount>
  /** What there is of a child: its reference, its services; undefined for one that was never up or was stopped. */
  readonly handle: (id: string) => Effect.Effect<unknown>
  /** Starts a child, and keeps its spec, behind those that are there. */
  readonly start: (child: Child.Any) => Effect.Effect<void, ChildError>
  /** Starts a child that is down. */
  readonly restart: (id: string) => Effect.Effect<void, ChildError>
  /** Stops a child, for good until it is restarted; a temporary one is forgotten. */
  readonly terminate: (id: string) => Effect.Effect<void, ChildError>
  /** Forgets a child that is down. */
  readonly delete: (id: string) => Effect.Effect<void, ChildError>
  /**
   * What it and the supervisors below it decide and do, from now on: a reader that lags loses the oldest beyond
   * 1,024.
   */
  readonly events: Stream.Stream<SupervisorEvent>
  /** Waits until it has ended for good; a failure has the Cause that it gave up or escalated with. */
  readonly await: Effect.Effect<Exit.Exit<void, unknown>>
}

/**
 * Whether a value is a supervisor.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSupervisor = (u: unknown): u is Supervisor<string> => hasProperty(u, TypeId)

/**
 * Makes a supervisor. It throws when its children cannot be: two with one id, one that is significant though it is
 * permanent or though `autoShutdown` is `never`.
 *
 * **Example** (A database before those who use it)
 *
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { Child, RestartPolicy, Supervisor } from "@troupe/supervision"
 *
 * const supervisor = Supervisor.make("Imports", {
 *   strategy: "rest_for_one",
 *   intensity: { restarts: 10, within: "1 minute" },
 *   policy: RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.exponential("100 millis"))),
 *   children: [
 *     Child.effect("connection", Effect.never),
 *     Child.effect("importer", Effect.never, { restart: "transient" })
 *   ]
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  const Name extends string,
  const Children extends ReadonlyArray<Child.Any> = readonly []
>(
  name: Name,
  options: Options<Children> = {}
): Supervisor<Name, Children> => {
  const children = (options.children ?? []) as Children
  const intensity = options.intensity ?? {}
  const config: Config = {
    strategy: options.strategy ?? "one_for_one",
    restarts: intensity === "unlimited" ? Infinity : intensity.restarts ?? 1,
    withinMillis: Duration.toMillis(
      (intensity === "unlimited" ? undefined : intensity.within) ?? Duration.seconds(5)
    ),
    autoShutdown: options.autoShutdown ?? "never"
  }
  const ids = new Set<string>()
  for (const child of children) {
    if (ids.has(child.id)) throw new TypeError(`${name} has two children with the id ${child.id}`)
    ids.add(child.id)
    const problem = instance.problemOf(config, child)
    if (problem !== undefined) throw new TypeError(`${name}, ${child.id}: ${problem}`)
  }
  return {
    [TypeId]: TypeId,
    name,
    children,
    policy: options.policy,
    config,
    key: Context.Service<Supervised<Name>, Running<Children>>(`@troupe/supervision/Supervised/${name}`)
  }
}

/**
 * Runs a supervisor for as long as the layer lives, at the root of a tree. The layer is built when all children are
 * up; if one does not start, those before it are stopped and the layer fails.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <Name extends string, Children extends ReadonlyArray<Child.Any>>(
  supervisor: Supervisor<Name, Children>,
  options?: {
    /** What the system does when the supervisor fails. (Default: it says so in the log) */
    readonly onEscalation?: Escalation.Escalation | undefined
  }
): Layer.Layer<Supervised<Name>, StartError, ActorSystem | Child.ServicesOf<Children[number]>> =>
  Layer.effect(
    supervisor.key,
    instance.root(supervisor as never, options?.onEscalation ?? Escalation.report) as Effect.Effect<
      Running<Children>,
      StartError
    >
  ) as Layer.Layer<Supervised<Name>, StartError, ActorSystem | Child.ServicesOf<Children[number]>>

/**
 * The running supervisor.
 *
 * @category accessors
 * @since 0.1.0
 */
export const running = <Name extends string, Children extends ReadonlyArray<Child.Any>>(
  supervisor: Supervisor<Name, Children>
): Effect.Effect<Running<Children>, never, Supervised<Name>> => Effect.service(supervisor.key)

/**
 * What there is of a child: the reference of an actor, which stays the same through restarts, the services of a Layer,
 * the running supervisor for a supervisor. It fails with `NotFound` for one that was stopped, or never started.
 *
 * @category accessors
 * @since 0.1.0
 */
export const child = <
  Name extends string,
  Children extends ReadonlyArray<Child.Any>,
  Id extends Children[number]["id"]
>(
  supervisor: Supervisor<Name, Children>,
  id: Id
): Effect.Effect<
  Child.HandleOf<Extract<Children[number], { readonly id: Id }>>,
  ChildError,
  Supervised<Name>
> =>
  Effect.flatMap(
    running(supervisor),
    ({ handle, path }) =>
      Effect.flatMap(handle(id), (handle) =>
        handle === undefined
          ? Effect.fail(new ChildError({ supervisor: path, child: id, reason: "NotFound" }))
          : Effect.succeed(handle as never))
  )

/**
 * Supervises the keyed actors of the layers that are provided with it: each key by itself, by a policy and its schedules.
 * A key that restarts keeps its mailbox; one that is stopped, or has stopped, lives again on its next message.
 *
 * **Example** (Airports that are not asked while they fail)
 *
 * ```ts
 * import { RestartPolicy, Supervisor } from "@troupe/supervision"
 * import { Schedule } from "effect"
 *
 * const keys = Supervisor.layerKeys(
 *   RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.exponential("10 millis")))
 * )
 * // AirportLive.pipe(Layer.provide(keys))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerKeys = (
  policy: RestartPolicy,
  options?: {
    /** What becomes of messages that come while a key is down: as for `Child.actor`. (Default: `wait`) */
    readonly whileDown?: "wait" | "refuse" | undefined
  }
): Layer.Layer<never> =>
  Layer.succeed(Overseer.Default, keys.overseer(policy, options?.whileDown === "refuse"))
