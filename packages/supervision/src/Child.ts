/**
 * What a supervisor starts, and starts again: actors of any protocol, Effects, Layers, other supervisors.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import { hasProperty } from "effect/Predicate"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Types from "effect/Types"
import type { Actor, Hosted } from "@troupe/runtime/Actor"
import type { ActorRef } from "@troupe/runtime/ActorRef"
import type { ActorSystem } from "@troupe/runtime/ActorSystem"
import type { Place } from "@troupe/runtime/Placement"
import type { RestartType } from "./internal/decision.ts"
import * as instance from "./internal/instance.ts"
import * as runner from "./internal/runner.ts"
import type { RestartPolicy } from "./RestartPolicy.ts"
import type { Running, Supervisor } from "./Supervisor.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/supervision/Child"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * How a child is supervised.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * Whether it starts again: always (`permanent`), unless it ended normally (`transient`), or never (`temporary`),
   * in which case its spec goes when it ends, also when it is stopped because of a sibling. (Default: `permanent`)
   */
  readonly restart?: RestartType | undefined
  /**
   * How long it may take to end when it is told to; then it is interrupted. `kill` interrupts it at once. Its
   * finalizers run in any case, and are waited for. (Default: 5 seconds; infinity for a supervisor)
   */
  readonly shutdown?: Duration.Input | "kill" | undefined
  /** Whether its end by itself may end the supervisor, as `autoShutdown` says. (Default: false) */
  readonly significant?: boolean | undefined
  /** What becomes of it when it fails; what this leaves open, the supervisor's policy decides. (Default: open) */
  readonly policy?: RestartPolicy | undefined
}

/**
 * A child's specification: how to start it, and how it is supervised.
 *
 * **Details**
 *
 * `Handle` is what `Supervisor.child` gives for it: a reference for an actor, the services for a Layer. `Services` is
 * what its start needs, `Provides` what children after it may use.
 *
 * @category models
 * @since 0.1.0
 */
export interface Child<out Id extends string, out Handle, out Services = never, out Provides = never> {
  readonly [TypeId]: {
    readonly _Handle: Types.Covariant<Handle>
    readonly _Services: Types.Covariant<Services>
    readonly _Provides: Types.Covariant<Provides>
  }
  readonly id: Id
  readonly kind: "actor" | "effect" | "layer" | "supervisor"
  readonly restart: RestartType
  readonly shutdownMillis: number
  readonly significant: boolean
  readonly policy: RestartPolicy | undefined
  /** @internal */
  readonly runner: runner.Make
}

/**
 * Any child's specification.
 *
 * @category models
 * @since 0.1.0
 */
export type Any = Child<string, unknown, unknown, unknown>

/**
 * What a child's handle is.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type HandleOf<C> = C extends Child<string, infer Handle, unknown, unknown> ? Handle : never

/**
 * What the children need: what each of them needs, without what Layers among them provide.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type ServicesOf<C> = Exclude<
  C extends Child<string, unknown, infer Services, unknown> ? Services : never,
  C extends Child<string, unknown, unknown, infer Provides> ? Provides : never
>

/**
 * Whether a value is a child's specification.
 *
 * @category guards
 * @since 0.1.0
 */
export const isChild = (u: unknown): u is Any => hasProperty(u, TypeId)

/**
 * A child of any kind, from what runs it.
 *
 * @internal
 */
export const make = <Id extends string, Handle, Services, Provides>(
  id: Id,
  kind: Any["kind"],
  options: Options | undefined,
  shutdownMillis: number,
  run: runner.Make
): Child<Id, Handle, Services, Provides> => {
  const shutdown = options?.shutdown
  return {
    [TypeId]: variance,
    id,
    kind,
    restart: options?.restart ?? "permanent",
    shutdownMillis: shutdown === undefined
      ? shutdownMillis
      : shutdown === "kill"
      ? 0
      : Duration.toMillis(shutdown),
    significant: options?.significant ?? false,
    policy: options?.policy,
    runner: run
  }
}

// The variance is for the types alone.
const variance = {} as Child<never, never, never, never>[TypeId]

/** How long a child may take to end, in milliseconds, unless it says otherwise. */
const SHUTDOWN_MILLIS = 5000

/**
 * How an actor is supervised.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorOptions extends Options {
  /** Where it lives. (Default: where the supervisor's `Placement` says) */
  readonly placement?: Place | undefined
  /**
   * What becomes of messages that come while it is down, to be started again: they wait in its mailbox, or are refused,
   * and whoever asks gets `Restarting`, on whichever thread he is. (Default: `wait`)
   */
  readonly whileDown?: "wait" | "refuse" | undefined
}

/**
 * An actor's options with its spawn arguments, if it takes any.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type ActorArgs<Args extends Schema.Top> = [void] extends [Args["~type.make.in"]]
  ? readonly [options?: ActorOptions & { readonly args?: Args["~type.make.in"] | undefined }]
  : readonly [options: ActorOptions & { readonly args: Args["~type.make.in"] }]

/**
 * An actor as a child. Its reference, and the mailbox with what waits in it, are the same after a restart.
 *
 * **Example** (An actor that takes arguments)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor } from "@troupe/runtime"
 * import { Child } from "@troupe/supervision"
 *
 * const Account = Actor.make("Account", {
 *   protocol: RpcGroup.make(Rpc.make("Deposit", { payload: { amount: Schema.Int } })),
 *   args: Schema.Struct({ opening: Schema.Int })
 * })
 *
 * const child = Child.actor("ada", Account, { args: { opening: 100 }, restart: "transient" })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const actor = <
  const Id extends string,
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top
>(
  id: Id,
  actor: Actor<Name, Rpcs, Args>,
  ...[options]: ActorArgs<Args>
): Child<Id, ActorRef<Rpcs>, Hosted<Name>> =>
  make(
    id,
    "actor",
    options,
    SHUTDOWN_MILLIS,
    runner.actor(actor as never, options?.args, options?.placement, options?.whileDown === "refuse")
  )

/**
 * An Effect as a child: forked when it starts, interrupted when it stops. It ends normally when it succeeds, and fails
 * with what it fails with. Its `Scope` is one run's own.
 *
 * @category constructors
 * @since 0.1.0
 */
export const effect = <const Id extends string, A, E, R>(
  id: Id,
  effect: Effect.Effect<A, E, R>,
  options?: Options
): Child<Id, void, Exclude<R, Scope.Scope>> =>
  make(id, "effect", options, SHUTDOWN_MILLIS, runner.effect(effect as Effect.Effect<unknown, unknown>))

/**
 * Forks a fiber that the supervised Effect or Layer needs, in its scope, as `Effect.forkScoped` does: and when it fails,
 * the child has failed with its Cause. That of a fiber that is forked otherwise is nobody's failure. Where nobody
 * supervises it is `Effect.forkScoped`.
 *
 * **Example** (A service that is built anew when its heartbeat fails)
 *
 * ```ts
 * import { Context, Effect, Layer, Schedule } from "effect"
 * import { Child, Supervisor } from "@troupe/supervision"
 *
 * class Connection extends Context.Service<Connection, { readonly ping: Effect.Effect<void, Error> }>()("Connection") {}
 *
 * const ConnectionLive = Layer.effect(
 *   Connection,
 *   Effect.gen(function*() {
 *     const connection = { ping: Effect.void }
 *     yield* Child.forkLinked(Effect.repeat(connection.ping, Schedule.spaced("1 second")))
 *     return connection
 *   })
 * )
 *
 * const supervisor = Supervisor.make("Client", {
 *   strategy: "rest_for_one",
 *   children: [Child.layer("connection", ConnectionLive), Child.effect("reader", Effect.never)]
 * })
 * ```
 *
 * @category forking
 * @since 0.1.0
 */
export const forkLinked = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Fiber.Fiber<A, E>, never, R | Scope.Scope> => runner.forkLinked(effect)

/**
 * How a Layer is supervised.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayerOptions<out R> extends Options {
  /**
   * Runs while the Layer is up, with its services; when it ends, the child ends so. Without it a Layer that is built fails
   * by its linked fibers alone: see `forkLinked`.
   */
  readonly while: Effect.Effect<unknown, unknown, R>
}

/**
 * A Layer as a child: built anew at each start, never shared. Effects and Layers that are started after it get its
 * services; under `rest_for_one` they restart with it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const layer: {
  <const Id extends string, A, E, R, R2>(
    id: Id,
    layer: Layer.Layer<A, E, R>,
    options: LayerOptions<R2>
  ): Child<Id, Context.Context<A>, R | Exclude<R2, A | Scope.Scope>, A>
  // What it provides would be taken for what the other one's Effect needs, if they were one.
  <const Id extends string, A, E, R>(
    id: Id,
    layer: Layer.Layer<A, E, R>,
    options?: Options
  ): Child<Id, Context.Context<A>, R, A>
} = (id: string, layer: unknown, options?: Partial<LayerOptions<unknown>>): never =>
  make(
    id,
    "layer",
    options,
    SHUTDOWN_MILLIS,
    runner.layer(
      layer as Layer.Layer<never, unknown>,
      options?.while as Effect.Effect<unknown, unknown> | undefined
    )
  ) as never

/**
 * A supervisor as a child: its id is its name. When it gives up it has failed, with the error `GaveUp`; when it
 * escalates, with its child's Cause.
 *
 * @category constructors
 * @since 0.1.0
 */
export const supervisor = <const Name extends string, Children extends ReadonlyArray<Any>>(
  supervisor: Supervisor<Name, Children>,
  options?: Options
): Child<Name, Running<Children>, ActorSystem | ServicesOf<Children[number]>> =>
  make(supervisor.name, "supervisor", options, Infinity, instance.below(supervisor as never))
