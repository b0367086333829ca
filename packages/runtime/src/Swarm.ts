/**
 * Swarms: one definition, millions of instances, whose state lies in columns.
 *
 * A contract and a behaviour are two values, as an `Actor`'s are, and handlers look the same. But an instance is no
 * object: it is a row, and its handlers are given a view of that row. Reading a field reads the column, writing it
 * writes it.
 *
 * **When to use**
 *
 * For many equal, small states that are mostly told the same thing: cars, cells, particles, sessions. An actor is for
 * what has resources, children or a life of its own.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ActorId } from "./ActorId.ts"
import type { ActorRef, TellArgs } from "./ActorRef.ts"
import type { Replier } from "./ActorContext.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import { swarmKey } from "./internal/keys.ts"
import * as internal from "./internal/swarm.ts"
import * as Wire from "./internal/swarmWire.ts"
import type { View } from "./Layout.ts"
import type { Population } from "./Population.ts"
import type { Step } from "./Step.ts"
import type { SwarmError } from "./SwarmError.ts"

/**
 * @category type ids
 * @since 0.1.0
 */
export const TypeId = "~@troupe/runtime/Swarm"

/**
 * @category type ids
 * @since 0.1.0
 */
export type TypeId = typeof TypeId

/**
 * The proof that a system has the swarm `Name`: on this thread by `Swarm.toLayer`, with its handlers on workers by
 * `ActorSystem.layerWorkers`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hosted<in out Name extends string> {
  readonly _: unique symbol
  readonly swarm: Name
}

/**
 * Any struct of a swarm's state.
 *
 * @category models
 * @since 0.1.0
 */
export type State = Schema.Struct<Schema.Struct.Fields>

/**
 * A swarm's contract: its name, its messages, and the state of an instance. It holds no code.
 *
 * @category models
 * @since 0.1.0
 */
export interface Swarm<in out Name extends string, in out Rpcs extends Rpc.Any, in out S extends State>
  extends Pipeable
{
  readonly [TypeId]: typeof TypeId
  readonly name: Name
  readonly protocol: RpcGroup.RpcGroup<Rpcs>
  readonly state: S
  readonly options: Options

  /** Types a behaviour given as a value or made in an Effect, for `toLayer`. */
  of<H extends Handlers<Rpcs, S["Type"]>>(
    behaviour: Behaviour<Rpcs, S["Type"], H>
  ): Behaviour<Rpcs, S["Type"], H>

  /**
   * Hosts the swarm on this thread, without an instance, for as long as the layer lives; on a worker of a pool, runs
   * the handlers of the swarm that the pool's thread owns. What handlers need, the layer needs; a `Scope` in a
   * handler's Effect is that Effect's own.
   */
  toLayer<H extends Handlers<Rpcs, S["Type"]>, E = never, R = never>(
    behaviour: Effect.Effect<Behaviour<Rpcs, S["Type"], H>, E, R>
  ): Layer.Layer<
    Hosted<Name>,
    E | SwarmError,
    ActorSystem | Exclude<HandlersServices<H>, Scope.Scope | Hosted<Name>> | Exclude<R, Scope.Scope>
  >
  // The last overload is the one whose errors are shown.
  toLayer<H extends Handlers<Rpcs, S["Type"]>>(
    behaviour: Behaviour<Rpcs, S["Type"], H>
  ): Layer.Layer<
    Hosted<Name>,
    SwarmError,
    ActorSystem | Exclude<HandlersServices<H>, Scope.Scope | Hosted<Name>>
  >

  /** The instances there are. */
  readonly population: Effect.Effect<Population<Rpcs, S>, never, Hosted<Name>>
}

/**
 * Any swarm's contract.
 *
 * @category models
 * @since 0.1.0
 */
export interface Any extends Pipeable {
  readonly [TypeId]: typeof TypeId
  readonly name: string
  readonly protocol: RpcGroup.Any
  readonly state: State
  readonly options: Options
}

/**
 * How a swarm is kept and run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * `auto`: there is a turn whenever there is something to do. `manual`: only `Population.step` runs one. (Default:
   * `auto`)
   */
  readonly turns?: "auto" | "manual" | undefined
  /**
   * Its memory is kept, if the `Memory` in force keeps any: the swarm goes on with the instances that it had, and nothing
   * is decoded. It fails with `OpenTurn` if whoever had it ended within a turn. (Default: false)
   */
  readonly keep?: boolean | undefined
  /** Rows of a chunk, a power of two from 64 to 65536: what one thread takes at a time. (Default: 8192) */
  readonly chunkRows?: number | undefined
  /**
   * What becomes of an instance whose handler fails: `end` it, `keep` it as it was before the message, `stop` the
   * swarm, or `postMortem`: it handles messages only that are `Message.essential`, and its state can be read.
   * (Default: `end`)
   */
  readonly onFailure?: "end" | "keep" | "stop" | "postMortem" | undefined
}

/**
 * The proofs that each of these swarms is hosted.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type HostedOf<W extends Any> = W extends Any ? Hosted<W["name"]> : never

/**
 * What random numbers of a swarm begin with: equal seeds, equal runs. Read when the swarm is made. (Default: 0)
 *
 * @category references
 * @since 0.1.0
 */
export const Seed = internal.Seed

/**
 * A behaviour: a handler for each message, and for whole columns where wanted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour<in out Rpcs extends Rpc.Any, in out S, H> {
  /** A handler for each message: plain ones run inline, effectful ones on a fiber of their own. */
  readonly handlers: H & { readonly [K in Exclude<keyof H, Rpcs["_tag"]>]: never }
  /**
   * Handlers of broadcasts for whole columns, for those who want the machine's limit. Where a chunk has an instance
   * that has ended, failed, or is busy with an effect, the row's handler is called instead: both must do the same.
   */
  readonly columns?:
    | { readonly [Current in Rpcs as Current["_tag"]]?: ColumnsHandler<Rpcs, Current, S> }
    | undefined
}

/**
 * A row as its handlers see it: the state's fields, to get and to set. Fields of a fixed size are views that can be
 * written through (`car.at.x = 1`); others (strings, arrays) are values: to change one, set the field.
 *
 * @category models
 * @since 0.1.0
 */
export type Row<S> = { -readonly [K in keyof S]: Field<S[K]> }

type Field<A> = A extends ActorId | Date | Uint8Array | ReadonlyMap<never, unknown> | ReadonlySet<never> ? A
  : A extends ReadonlyArray<unknown> ? (number extends A["length"] ? A : View<A>)
  : View<A>

/**
 * A handler: it changes the row, and says what else there is to say: nothing, a step, or an Effect of either. A step
 * with another state than the row replaces all of its fields.
 *
 * @category models
 * @since 0.1.0
 */
export type Handler<Rpcs extends Rpc.Any, Current extends Rpc.Any, S> = (
  row: Row<S>,
  payload: Rpc.Payload<Current>,
  ctx: HandlerContext<Rpcs, Current>
  // oxlint-disable-next-line typescript/no-explicit-any -- any services: `HandlersServices` collects them
) => Result<Current, S> | Effect.Effect<Result<Current, S>, Rpc.Error<Current>, any>

/**
 * What a handler may return: nothing only where the message has no answer.
 *
 * @category models
 * @since 0.1.0
 */
export type Result<Current extends Rpc.Any, S> =
  | Step<Row<S> | S | void, Rpc.Success<Current>, Rpc.Error<Current>>
  | ([void] extends [Rpc.Success<Current>] ? void : never)

/**
 * A handler for each message of a protocol.
 *
 * @category models
 * @since 0.1.0
 */
export type Handlers<Rpcs extends Rpc.Any, S> = {
  readonly [Current in Rpcs as Current["_tag"]]: Handler<Rpcs, Current, S>
}

/**
 * The services that a table of handlers needs.
 *
 * @category type-level programming
 * @since 0.1.0
 */
export type HandlersServices<H> = {
  [K in keyof H]: H[K] extends (...args: never) => infer R ? Effect.Services<R> : never
}[keyof H]

/**
 * A handler for the rows `from` until before `to` of these columns. It sends nothing and ends nobody. If it throws, each
 * instance of the chunk has failed, and their rows are as it left them.
 *
 * @category models
 * @since 0.1.0
 */
export type ColumnsHandler<Rpcs extends Rpc.Any, Current extends Rpc.Any, S> = (
  columns: Columns<S>,
  from: number,
  to: number,
  payload: Rpc.Payload<Current>,
  ctx: Pick<HandlerContext<Rpcs, Current>, "turn">
) => void

/**
 * The columns of a chunk as typed arrays: numbers and bigints as they are, booleans as 0 and 1, literals as their
 * places among the schema's. Fields of other kinds are not among them.
 *
 * @category models
 * @since 0.1.0
 */
export type Columns<S> = {
  readonly [K in keyof S as Column<S[K]> extends never ? never : K]: Column<S[K]>
}

type Column<A> = [A] extends [number | boolean | string] ? { [row: number]: number }
  : [A] extends [bigint] ? { [row: number]: bigint }
  : never

/**
 * What a handler of the message `Current` knows and can do besides its row. All of it is synchronous; what it sends
 * goes out when the turn is over, in an order that does not depend on the number of workers.
 *
 * @category models
 * @since 0.1.0
 */
export interface HandlerContext<in out Rpcs extends Rpc.Any, Current extends Rpc.Any> {
  /** The instance's identity. */
  readonly id: ActorId
  /** The instance as an actor. */
  readonly self: ActorRef<Rpcs>
  /** The number of the turn. */
  readonly turn: number
  /** Who awaits the answer; undefined when it was told. Take it with `Actor.later`. */
  readonly replier: Replier<Rpc.Success<Current>, Rpc.Error<Current>> | undefined
  /** A number from 0 to 1, made of the seed, the instance, the turn, and what was drawn before. */
  random(): number
  /** Sends a message to an actor. */
  send<R extends Rpc.Any, const Tag extends R["_tag"]>(
    ref: ActorRef<R>,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): void
  /** Tells an instance of a swarm, this one or another. */
  tell<R extends Rpc.Any, S extends State, const Tag extends R["_tag"]>(
    swarm: Swarm<string, R, S> | { readonly protocol: RpcGroup.RpcGroup<R>; readonly name: string },
    id: ActorId,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): void
  /** Tells all instances of a swarm. */
  broadcast<R extends Rpc.Any, const Tag extends R["_tag"]>(
    swarm: { readonly protocol: RpcGroup.RpcGroup<R>; readonly name: string },
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): void
  /**
   * A new instance of a swarm, this one or another, once the turn is over: only then it has an identity, which must not
   * depend on who runs which chunk. A state that does not fit is logged.
   */
  spawn<S extends State>(swarm: { readonly name: string; readonly state: S }, state: S["~type.make.in"]): void
}

/**
 * Defines a swarm's contract.
 *
 * **Details**
 *
 * Fields of a fixed size lie in columns, as {@link "./Layout"} lays them out; others (strings, arrays) in memory
 * beside them, from which each read makes the value anew. At most 62 fields.
 *
 * **Example** (Cars)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, Layout, Swarm } from "@troupe/runtime"
 *
 * const Car = Swarm.make("Car", {
 *   protocol: RpcGroup.make(
 *     Rpc.make("Drive", { payload: { seconds: Schema.Number } }),
 *     Rpc.make("Where", { success: Schema.Number })
 *   ),
 *   state: Schema.Struct({ position: Schema.Number, speed: Layout.Float32, plate: Schema.String })
 * })
 *
 * const CarLive = Car.toLayer({
 *   handlers: {
 *     Drive: (car, { seconds }) => {
 *       car.position += car.speed * seconds
 *     },
 *     Where: (car) => Actor.reply(car, car.position)
 *   }
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const Name extends string, Rpcs extends Rpc.Any, S extends State>(
  name: Name,
  options: Options & {
    readonly protocol: RpcGroup.RpcGroup<Rpcs>
    /** The state of an instance. */
    readonly state: S
  }
): Swarm<Name, Rpcs, S> => {
  const hosted = swarmKey<Name>(name)
  const self: Swarm<Name, Rpcs, S> = {
    [TypeId]: TypeId,
    name,
    protocol: options.protocol,
    state: options.state,
    options,
    of: (behaviour) => behaviour,
    // The overloads differ only in whether the behaviour comes in an Effect.
    toLayer: (behaviour: unknown) => Layer.effect(hosted, internal.make(self, behaviour)) as never,
    population: Effect.withFiber((fiber) =>
      Effect.succeed(Context.getUnsafe(fiber.context, hosted) as Population<Rpcs, S>)
    ),
    pipe() {
      return pipeArguments(self, arguments)
    }
  }
  Wire.of(self)
  return self
}

/**
 * Whether a value is a swarm's contract.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSwarm = (u: unknown): u is Any => typeof u === "object" && u !== null && TypeId in u
