/**
 * Actors whose state is the sum of their events: commands come in, events are stored, the state follows from them.
 *
 * @since 0.1.0
 */
import type * as Actor from "@troupe/runtime/Actor"
import type { Envelope } from "@troupe/runtime/ActorContext"
import type { ActorSystem } from "@troupe/runtime/ActorSystem"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Commands, CommandsServices } from "./Decision.ts"
import * as internal from "./internal/eventSourced.ts"
import type { Journal } from "./Journal.ts"
import type { Sending } from "./Outbox.ts"
import type { SnapshotPolicy } from "./SnapshotPolicy.ts"
import type { SnapshotStore } from "./SnapshotStore.ts"
import type { Versioned } from "./Versioned.ts"

/**
 * How far a recovery has come.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  readonly id: string
  /** The sequence of the last event that was folded in. */
  readonly sequence: number
  /** The sequence of the last event that there is. */
  readonly of: number
}

/**
 * A message of an actor to itself, at a time.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timer<in out Rpcs extends Rpc.Any> {
  /** One timer of a state has it. */
  readonly key: string
  /** In milliseconds since 1970. */
  readonly at: number
  readonly message: Envelope<Rpcs>
}

/**
 * The behaviour of an event-sourced actor.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour<in out Rpcs extends Rpc.Any, Args extends Schema.Top, S, Event, H, R = never> {
  /** The schema of the state, for snapshots and inspection. */
  readonly state: Schema.Schema<S> | Versioned<S>
  /** The schema of the events: their last version, with the ways to it from older ones. */
  readonly events: Schema.Schema<Event> | Versioned<Event>
  /** The state before the first event. */
  readonly initial: (args: Args["Type"]) => NoInfer<S>
  /** The state after one more event. It decides nothing, and fails for no event that was stored. */
  readonly apply: (state: NoInfer<S>, event: NoInfer<Event>) => NoInfer<S>
  /** A handler for each command. */
  readonly commands: H & { readonly [K in Exclude<keyof H, Rpcs["_tag"]>]: never }
  /**
   * Under which id the events are stored. Two living actors with one id shut each other out.
   * (Default: the actor's name, and its key after a slash)
   */
  readonly id?: ((args: Args["Type"], key: string | undefined) => string) | undefined
  /**
   * When to take a snapshot, and what to do with the old ones.
   * (Default: none is taken; one that is there is used)
   */
  readonly snapshots?: SnapshotPolicy<NoInfer<S>, NoInfer<Event>> | undefined
  /**
   * The timers that a state has: a message to the actor itself at a time. They follow from the state, so they are there
   * again when it is: one that was due meanwhile is told at once, and again after each start, until a state is without it.
   * (Default: none)
   */
  readonly timers?: ((state: NoInfer<S>) => Iterable<Timer<Rpcs>>) | undefined
  /**
   * What an event has to be told to others for certain: in order, until each has answered; see {@link Outbox}. The same
   * event gives the same messages, whenever it is asked.
   * (Default: nothing)
   */
  readonly outbox?:
    | ((
      event: NoInfer<Event>
    ) => ReadonlyArray<Sending> | Effect.Effect<ReadonlyArray<Sending>, never, R>)
    | undefined
  /**
   * When keyed actors leave memory. What they have stored is there again with the key's next message; until then their
   * timers are not told, and what their outboxes still have is not sent.
   * (Default: they stay)
   */
  readonly passivation?: Actor.Passivation | undefined
  /** Hears of a recovery, every 10,000 events and at its end. (Default: nobody does) */
  readonly recovering?: ((progress: Progress) => Effect.Effect<void>) | undefined
}

/**
 * What an event-sourced actor's state is to the runtime: what inspection shows of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sourced<S> {
  /** The sequence of the last event. */
  readonly sequence: number
  readonly state: S
}

/**
 * Hosts an actor on this thread, as `Actor.toLayer` does, with a state that outlives it.
 *
 * **Details**
 *
 * When the actor starts it takes up its latest snapshot and folds in the events after it; messages wait meanwhile. A
 * command's events are stored before its effects run and before it is answered; if they cannot be stored, the actor
 * fails, and whoever restarts it lets it recover what was. A second actor with the same id, wherever it is, makes the
 * writes of the first fail with a `Conflict`: it fails, too, and recovers.
 *
 * Where the journal needs no waiting, a command costs no fiber. Where events have to wait for the disk (`batch`), the actor
 * goes on with the commands behind, whose events then share the next sync; what those come to is held back until all that
 * they have seen is stored. A command with an Effect, made or added by `andThen`, waits, and so do those behind it.
 *
 * **Gotchas**
 *
 * What a plain command does besides deciding, such as `ctx.send`, is done at once, and not if the events before are stored.
 * A command without parameters says of which type the state is that its answer is made of: `(balance: number) => balance`.
 *
 * **Example** (An account)
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { EventSourced, SnapshotPolicy } from "@troupe/persistence"
 * import { Actor } from "@troupe/runtime"
 *
 * const Account = Actor.make("Account", {
 *   protocol: RpcGroup.make(
 *     Rpc.make("Deposit", { payload: { amount: Schema.Int }, success: Schema.Int }),
 *     Rpc.make("Balance", { success: Schema.Int })
 *   )
 * })
 *
 * const AccountLive = EventSourced.toLayer(Account, {
 *   state: Schema.Int,
 *   events: Schema.Struct({ deposited: Schema.Int }),
 *   initial: () => 0,
 *   apply: (balance, { deposited }) => balance + deposited,
 *   commands: {
 *     Deposit: (_, { amount }) => EventSourced.persist({ deposited: amount }, (balance) => balance),
 *     Balance: (balance) => EventSourced.reply(balance)
 *   },
 *   snapshots: SnapshotPolicy.every(1000)
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
  Event,
  H extends Commands<Rpcs, NoInfer<S>, NoInfer<Event>>,
  R = never
>(
  actor: Actor.Actor<Name, Rpcs, Args>,
  behaviour: Behaviour<Rpcs, Args, S, Event, H, R>
) => Layer.Layer<
  Actor.Hosted<Name>,
  never,
  ActorSystem | Journal | SnapshotStore | Exclude<CommandsServices<H> | R, Scope.Scope | Actor.Hosted<Name>>
> = internal.toLayer as never

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
  persist,
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
