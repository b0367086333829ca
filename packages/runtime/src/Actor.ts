/**
 * Actors: a contract that is free of code, and behaviours for it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { ActorContext, HandlerContext } from "./ActorContext.ts"
import type { ActorRef, Answer, Failure, PayloadArgs } from "./ActorRef.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import * as definition from "./internal/definition.ts"
import { hostedKey } from "./internal/keys.ts"
import * as localHost from "./internal/localHost.ts"
import * as refSchema from "./internal/refSchema.ts"
import type * as Mailbox from "./Mailbox.ts"
import type * as Signal from "./Signal.ts"
import type { SpawnError } from "./SpawnError.ts"
import type * as Step from "./Step.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/runtime/Actor"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * The proof that a system hosts the actor `Name`: on this thread by `Actor.toLayer`, on workers by
 * `ActorSystem.layerWorkers`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hosted<in out Name extends string> {
  readonly _: unique symbol
  readonly name: Name
}

/**
 * An actor's contract: its name, its messages, and what it takes to spawn it. It holds no code, so that whoever
 * only sends messages imports nothing else.
 *
 * @category models
 * @since 0.1.0
 */
export interface Actor<
  in out Name extends string,
  in out Rpcs extends Rpc.Any,
  in out Args extends Schema.Top
> extends Pipeable {
  readonly [TypeId]: typeof TypeId
  readonly name: Name
  readonly protocol: RpcGroup.RpcGroup<Rpcs>
  readonly args: Args
  /** How many messages may wait for the actor; undefined for as many as there are. */
  readonly mailbox: Mailbox.Bounded | undefined
  /** Whether its messages may hold what cannot cross threads. */
  readonly local: boolean
  /** The schema of references to actors of this kind, which travel in messages; see `ActorRef.ActorRef`. */
  readonly ref: Schema.declare<ActorRef<Rpcs>>

  /** Types a behaviour given as a value or made in an Effect, for `toLayer`. */
  of<
    S,
    H extends Handlers<Rpcs, NoInfer<S>>,
    RI = never,
    G extends Signal.Handlers<Rpcs, NoInfer<S>> = {},
    L extends Step.Literal = never,
    I extends Step.Exact<L> = {}
  >(behaviour: Behaviour<Rpcs, Args, S, H, RI, G, I>): Behaviour<Rpcs, Args, S, H, RI, G>

  /**
   * Hosts the actor with this behaviour on this thread. What its handlers need, the layer needs; a `Scope` in
   * `initial` or in a handler is the actor's own, closed when it ends; others of its kind may be addressed.
   */
  toLayer<
    S,
    H extends Handlers<Rpcs, NoInfer<S>>,
    RI = never,
    G extends Signal.Handlers<Rpcs, NoInfer<S>> = {},
    L extends Step.Literal = never,
    I extends Step.Exact<L> = {},
    E = never,
    R = never
  >(
    behaviour: Behaviour<Rpcs, Args, S, H, RI, G, I> | Effect.Effect<Behaviour<Rpcs, Args, S, H, RI, G>, E, R>
  ): Layer.Layer<
    Hosted<Name>,
    E,
    | ActorSystem
    | Exclude<HandlersServices<H> | HandlersServices<G> | RI, Scope.Scope | Hosted<Name>>
    | Exclude<R, Scope.Scope>
  >

  /** Starts an actor that ends with the scope, and waits until it has started. */
  spawn(...args: SpawnArgs<Args>): Effect.Effect<ActorRef<Rpcs>, SpawnError, Hosted<Name> | Scope.Scope>

  /**
   * What `ctx.spawn` takes to spawn such actors from plain handlers, as children of the handlers' actor. Take it
   * once, where the behaviour is made.
   */
  readonly spawner: Effect.Effect<Spawner<Rpcs, Args>, never, Hosted<Name>>

  /**
   * The actor with this key: made on its first message, wherever the system places the key. Its end is not the
   * key's: the next message makes it anew.
   */
  keyed(key: string): Effect.Effect<ActorRef<Rpcs>, never, KeyedServices<Name, Args>>

  /** `keyed` as a plain function, for handlers that address many keys. */
  readonly byKey: Effect.Effect<(key: string) => ActorRef<Rpcs>, never, KeyedServices<Name, Args>>
}

/**
 * The right to spawn actors of a contract from plain handlers, with `ctx.spawn`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Spawner<in out Rpcs extends Rpc.Any, in out Args extends Schema.Top> {
  readonly "~@troupe/runtime/Spawner": { readonly rpcs: (_: Rpcs) => Rpcs; readonly args: (_: Args) => Args }
}

/**
 * Any actor's contract.
 *
 * @category models
 * @since 0.1.0
 */
export interface Any extends Pipeable {
  readonly [TypeId]: typeof TypeId
  readonly name: string
  readonly protocol: RpcGroup.Any
  readonly args: Schema.Top
  readonly mailbox: Mailbox.Bounded | undefined
  readonly local: boolean
}

/**
 * The proofs that each of these contracts is hosted.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type HostedOf<A extends Any> = A extends Any ? Hosted<A["name"]> : never

/**
 * The type of a reference to an actor of a contract: `Actor.Ref<typeof Account>`.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type Ref<A extends Any> = ActorRef<RpcGroup.Rpcs<A["protocol"]>>

/**
 * What a keyed actor needs. A keyed actor is made by its first message, so one with spawn arguments cannot be keyed.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type KeyedServices<Name extends string, Args extends Schema.Top> = [void] extends
  [Args["~type.make.in"]] ? Hosted<Name>
  : "an actor with spawn arguments cannot be keyed"

/**
 * What `spawn` takes: the arguments as their schema's constructor takes them, or nothing.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type SpawnArgs<Args extends Schema.Top> = PayloadArgs<Args["~type.make.in"]>

/**
 * A behaviour: the state, how it begins, and a handler for each message.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour<
  in out Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  S,
  H,
  RI = never,
  G = {},
  I = unknown
> {
  /** The state's schema, for inspection and persistence; `Actor.opaque<S>()` for state that holds handles. */
  readonly state: Schema.Schema<S> | Opaque<S>
  /** The first state, plainly or in an Effect, which may acquire resources in the actor's scope. */
  readonly initial: (
    args: Args["Type"],
    ctx: ActorContext<Rpcs>
  ) => (NoInfer<S> & I) | Effect.Effect<NoInfer<S>, never, RI>
  /** A handler for each message: plain ones run inline, effectful ones on the actor's fiber. */
  readonly handlers: H & { readonly [K in Exclude<keyof H, Rpcs["_tag"]>]: never }
  /** Handlers for what the system tells. (Default: none) */
  readonly signals?:
    | (
      & G
      & Signal.Handlers<Rpcs, NoInfer<S>>
      & { readonly [K in Exclude<keyof G, keyof Signal.Handlers<Rpcs, S>>]: never }
    )
    | undefined
  /** How many messages `Actor.stash` may keep. (Default: 1024) */
  readonly stash?: number | undefined
  /** When keyed actors leave memory. (Default: they stay) */
  readonly passivation?: Passivation | undefined
}

/**
 * When keyed actors leave memory: each ends, its finalizers run, and the key's next message makes it anew, from its
 * `initial`.
 *
 * **Details**
 *
 * Nothing is lost by it: an actor stays that has something in hand, or waiting, stashed or owed, an Effect that runs
 * aside, or children. What it keeps in its state alone is gone, and so are its timers: what is to outlive it belongs
 * into a store, which `initial` reads. References to a key are let go of too, as soon as nobody holds one.
 *
 * **Example** (Sessions that are forgotten)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor } from "@troupe/runtime"
 *
 * const Session = Actor.make("Session", {
 *   protocol: RpcGroup.make(Rpc.make("Visit", { success: Schema.Int }))
 * })
 *
 * const SessionLive = Session.toLayer({
 *   state: Schema.Int,
 *   initial: () => 0,
 *   handlers: { Visit: (visits) => Actor.reply(visits + 1, visits + 1) },
 *   passivation: { idleTimeToLive: "5 minutes", capacity: 10_000 }
 * })
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Passivation {
  /** How long after its last message an actor leaves. (Default: never) */
  readonly idleTimeToLive?: Duration.Input | undefined
  /**
   * How many may be resident on a thread: beyond that, those leave whose last messages are the oldest. It is exceeded
   * only as long as more than these have something in hand. (Default: as many as there are)
   */
  readonly capacity?: number | undefined
}

/**
 * A handler: from the state and a message to the next step, plainly or in an Effect. An Effect that fails with the
 * message's declared error answers with it and keeps the state, as `Actor.fail` does.
 *
 * @category models
 * @since 0.1.0
 */
// oxlint-disable-next-line typescript/no-explicit-any -- any services: `HandlersServices` collects them
export type Handler<Rpcs extends Rpc.Any, Current extends Rpc.Any, S, R = any> = (
  state: S,
  payload: Rpc.Payload<Current>,
  ctx: HandlerContext<Rpcs, Current>
) =>
  | StepOf<Rpcs, Current, S, R>
  | Effect.Effect<StepOf<Rpcs, Current, S, R>, Failure<Current>, R>

/**
 * The steps that a handler of the message `Current` may give.
 *
 * @category models
 * @since 0.1.0
 */
export type StepOf<Rpcs extends Rpc.Any, Current extends Rpc.Any, S, R> = Step.Step<
  S,
  Answer<Current>,
  Failure<Current>,
  Step.Needs<Handlers<Rpcs, S>, R>
>

/**
 * A handler for each message of a protocol, which need the services `R`.
 *
 * @category models
 * @since 0.1.0
 */
// oxlint-disable-next-line typescript/no-explicit-any -- any services: `HandlersServices` collects them
export type Handlers<Rpcs extends Rpc.Any, S, R = any> = {
  readonly [Current in Rpcs as Current["_tag"]]:
    | Handler<Rpcs, Current, S, R>
    | Batch<Rpcs, Current, S, R>
}

/**
 * A handler of many messages at once: of the one in hand and of all like it that wait next in the mailbox, in order.
 * None is taken past a message of another kind. Its step answers all of them, or leaves all of them unhandled, stashes
 * them, or fails them.
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
 *     Append: {
 *       batch: (written, rows) =>
 *         Effect.as(insert(rows.map(({ line }) => line)), Actor.next(written + rows.length)),
 *       max: 1000
 *     }
 *   }
 * })
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Batch<in out Rpcs extends Rpc.Any, in out Current extends Rpc.Any, S, R> {
  /** From the state and the payloads, one at least, to the next step. */
  readonly batch: (
    state: S,
    payloads: ReadonlyArray<Rpc.Payload<Current>>,
    ctx: HandlerContext<Rpcs, Current>
  ) =>
    | StepOf<Rpcs, Current, S, R>
    | Effect.Effect<StepOf<Rpcs, Current, S, R>, Failure<Current>, R>
  /** How many messages are handled at once, from 1. (Default: 256) */
  readonly max?: number | undefined
}

/**
 * The type of a table of handlers of an actor whose state is `S`, where it has to be written down: behaviours that
 * become each other.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type HandlersOf<A extends Any, S, R = never> = Handlers<RpcGroup.Rpcs<A["protocol"]>, S, R>

/**
 * The services that a table of handlers needs.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type HandlersServices<H> = Step.HandlersServices<H>

/**
 * State without a schema: handles, caches, typed arrays. It cannot be inspected or persisted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Opaque<in out S> {
  readonly "~@troupe/runtime/Opaque": (_: S) => S
}

/**
 * State without a schema.
 *
 * @category constructors
 * @since 0.1.0
 */
export const opaque = <S>(): Opaque<S> => ({ "~@troupe/runtime/Opaque": (state) => state })

/**
 * Defines an actor's contract.
 *
 * **Details**
 *
 * The protocol is an `RpcGroup`, so that the same declaration serves actors, RPC over a socket and Effect Cluster.
 * Payloads, answers and spawn arguments must be able to cross threads: a schema that cannot throws here, with the
 * path to the field, unless the contract is `local`.
 *
 * **Example** (A counter)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor } from "@troupe/runtime"
 *
 * const Counter = Actor.make("Counter", {
 *   protocol: RpcGroup.make(
 *     Rpc.make("Add", { payload: { amount: Schema.Int } }),
 *     Rpc.make("Total", { success: Schema.Int })
 *   )
 * })
 *
 * const CounterLive = Counter.toLayer({
 *   state: Schema.Int,
 *   initial: () => 0,
 *   handlers: {
 *     Add: (total, { amount }) => Actor.next(total + amount),
 *     Total: (total) => Actor.reply(total, total)
 *   }
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const Name extends string, Rpcs extends Rpc.Any, Args extends Schema.Top = Schema.Void>(
  name: Name,
  options: {
    readonly protocol: RpcGroup.RpcGroup<Rpcs>
    /** The schema of what `spawn` takes. (Default: nothing) */
    readonly args?: Args | undefined
    /** How many messages may wait, and what happens to more. (Default: as many as there are) */
    readonly mailbox?: Mailbox.Bounded | undefined
    /**
     * Whether payloads, answers and arguments may be what cannot cross threads: a Deferred, a function, a handle. The
     * actor lives on the thread of its layer; a pool of workers that is to host it does not come up. (Default: false)
     */
    readonly local?: boolean | undefined
  }
): Actor<Name, Rpcs, Args> => {
  const args = (options.args ?? Schema.Void) as Args
  const hosted = hostedKey<Name>(name)
  const self: Actor<Name, Rpcs, Args> = {
    [TypeId]: TypeId,
    name,
    protocol: options.protocol,
    args,
    mailbox: options.mailbox,
    local: options.local ?? false,
    ref: refSchema.make({ name, group: options.protocol }) as never,
    of: (behaviour) => behaviour,
    toLayer: (behaviour: unknown) => Layer.effect(hosted, localHost.make(self, behaviour)) as never,
    spawn: (...args) =>
      Effect.withFiber((fiber) =>
        Context.getUnsafe(fiber.context, hosted).spawn(
          args[0],
          Context.getUnsafe(fiber.context, Scope.Scope),
          fiber.context
        )
      ) as Effect.Effect<ActorRef<Rpcs>, SpawnError, never>,
    keyed: (key) =>
      Effect.withFiber((fiber) =>
        Effect.succeed(Context.getUnsafe(fiber.context, hosted).keyed(key) as ActorRef<Rpcs>)
      ),
    spawner: Effect.map(hosted, (host): Spawner<Rpcs, Args> => ({ host, overseer: undefined }) as never),
    byKey: Effect.withFiber((fiber) => {
      const host = Context.getUnsafe(fiber.context, hosted)
      return Effect.succeed((key: string) => host.keyed(key) as ActorRef<Rpcs>)
    }),
    pipe() {
      return pipeArguments(self, arguments)
    }
  }
  definition.check(self)
  return self
}

export {
  /**
   * @category steps
   * @since 0.1.0
   */
  become,
  /**
   * @category steps
   * @since 0.1.0
   */
  crash,
  /**
   * @category steps
   * @since 0.1.0
   */
  fail,
  /**
   * @category steps
   * @since 0.1.0
   */
  fork,
  /**
   * @category steps
   * @since 0.1.0
   */
  later,
  /**
   * @category steps
   * @since 0.1.0
   */
  next,
  /**
   * @category steps
   * @since 0.1.0
   */
  reply,
  /**
   * @category steps
   * @since 0.1.0
   */
  stash,
  /**
   * @category steps
   * @since 0.1.0
   */
  stop,
  /**
   * @category steps
   * @since 0.1.0
   */
  stream,
  /**
   * @category steps
   * @since 0.1.0
   */
  unhandled
} from "./Step.ts"
