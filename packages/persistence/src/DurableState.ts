/**
 * Actors whose latest state is stored, with a revision, and nothing of how it came to be.
 *
 * @since 0.1.0
 */
import type * as Actor from "@troupe/runtime/Actor"
import type { ActorSystem } from "@troupe/runtime/ActorSystem"
import type * as Layer from "effect/Layer"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type Commands, type CommandsServices, type Decision, persist } from "./Decision.ts"
import * as internal from "./internal/durableState.ts"
import type { StateStore } from "./StateStore.ts"
import type { Versioned } from "./Versioned.ts"

/**
 * The behaviour of an actor with a durable state.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour<in out Rpcs extends Rpc.Any, Args extends Schema.Top, S, H> {
  /** The schema of the state: its last version, with the ways to it from older ones. */
  readonly state: Schema.Schema<S> | Versioned<S>
  /** The state of an actor of which none is stored. */
  readonly initial: (args: Args["Type"]) => NoInfer<S>
  /** A handler for each command. */
  readonly commands: H & { readonly [K in Exclude<keyof H, Rpcs["_tag"]>]: never }
  /**
   * Under which id the state is stored. Two living actors with one id shut each other out.
   * (Default: the actor's name, and its key after a slash)
   */
  readonly id?: ((args: Args["Type"], key: string | undefined) => string) | undefined
  /** When keyed actors leave memory: their state is there again with the key's next message. (Default: they stay) */
  readonly passivation?: Actor.Passivation | undefined
}

/**
 * What the state of such an actor is to the runtime: what inspection shows of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Durable<S> {
  /** 0 when nothing is stored yet. */
  readonly revision: number
  readonly state: S
}

/**
 * Hosts an actor on this thread, as `Actor.toLayer` does, with a state that outlives it.
 *
 * **Details**
 *
 * When the actor starts it takes up the state that is stored; messages wait meanwhile. What a command saves is stored
 * before it is answered. Each save says which revision it replaces: if somebody else has written, the actor fails with a
 * `Conflict`, and whoever restarts it lets it take up what is there.
 *
 * **Example** (A profile)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { DurableState } from "@troupe/persistence"
 * import { Actor } from "@troupe/runtime"
 *
 * const Profile = Actor.make("Profile", {
 *   protocol: RpcGroup.make(
 *     Rpc.make("Rename", { payload: { name: Schema.String } }),
 *     Rpc.make("Name", { success: Schema.String })
 *   )
 * })
 *
 * const ProfileLive = DurableState.toLayer(Profile, {
 *   state: Schema.Struct({ name: Schema.String }),
 *   initial: () => ({ name: "nobody" }),
 *   commands: {
 *     Rename: (_, { name }) => DurableState.save({ name }),
 *     Name: ({ name }) => DurableState.reply(name)
 *   }
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const toLayer: <
  Name extends string,
  Rpcs extends Rpc.Any,
  Args extends Schema.Top,
  S,
  H extends Commands<Rpcs, NoInfer<S>, NoInfer<S>>
>(
  actor: Actor.Actor<Name, Rpcs, Args>,
  behaviour: Behaviour<Rpcs, Args, S, H>
) => Layer.Layer<
  Actor.Hosted<Name>,
  never,
  ActorSystem | StateStore | Exclude<CommandsServices<H>, Scope.Scope | Actor.Hosted<Name>>
> = internal.toLayer as never

/**
 * The state is to be this one: it is stored, then the command is answered with what `answer` makes of it; with nothing,
 * if there is no `answer`.
 *
 * @category decisions
 * @since 0.1.0
 */
export const save: {
  <S>(state: S): Decision<unknown, S, void, never>
  <S, A>(state: S, answer: (state: NoInfer<S>) => A): Decision<S, S, A, never>
} = (state: unknown, answer: (state: never) => unknown = () => undefined) => persist([state], answer) as never

export {
  /**
   * @category decisions
   * @since 0.1.0
   */
  andThen,
  /**
   * @category decisions
   * @since 0.1.0
   */
  fail,
  /**
   * @category decisions
   * @since 0.1.0
   */
  none,
  /**
   * @category decisions
   * @since 0.1.0
   */
  reply,
  /**
   * @category decisions
   * @since 0.1.0
   */
  stop
} from "./Decision.ts"
