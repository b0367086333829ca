/**
 * The instances of a swarm: who is told what, who is born and ends, and what they are like.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Rpc from "effect/rpc/Rpc"
import type * as Stream from "effect/Stream"
import type { ActorId } from "./ActorId.ts"
import type { ActorRef, AskArgs, TellArgs } from "./ActorRef.ts"
import type { AskError } from "./AskError.ts"
import type { MemoryError } from "./Memory.ts"
import type { Columns, State } from "./Swarm.ts"
import type { SwarmError } from "./SwarmError.ts"
import type { Image } from "./SwarmImage.ts"

/**
 * The population of a swarm with the messages `Rpcs` and the state `S`.
 *
 * **Details**
 *
 * Instances are born and end between turns: while one is open, `spawn` and `end` wait for its end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Population<in Rpcs extends Rpc.Any, in out S extends State> {
  /** The swarm's name. */
  readonly name: string

  /** Instances alive. */
  readonly count: number

  /** Bytes of the swarm's memory: header, slots, columns and managed values, what is not in use included. */
  readonly byteLength: number

  /** A new instance. Fails for a state that does not fit, or without memory. */
  spawn(state: S["~type.make.in"]): Effect.Effect<ActorId, SwarmError>

  /** `count` new instances, each with the state that the function gives for its number. Those before a failure stay. */
  spawnMany(count: number, state: (index: number) => S["~type.make.in"]): Effect.Effect<void, SwarmError>

  /** Ends an instance; false when there is none. What it was told is dead letters. */
  end(id: ActorId): Effect.Effect<boolean>

  /** An instance as an actor: to tell, to offer, to ask. */
  ref(id: ActorId): ActorRef<Rpcs>

  /** The identities of all instances, in the order of their rows. */
  readonly ids: Effect.Effect<ReadonlyArray<ActorId>>

  /** The state of an instance, as it was when the last turn was over. */
  get(id: ActorId): Effect.Effect<Option.Option<S["Type"]>>

  /** Tells one instance. */
  tell<R extends Rpc.Any, const Tag extends R["_tag"]>(
    this: Population<R, S>,
    id: ActorId,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): Effect.Effect<void>

  /** `tell` without an Effect: true when the message was accepted. */
  tellUnsafe<R extends Rpc.Any, const Tag extends R["_tag"]>(
    this: Population<R, S>,
    id: ActorId,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): boolean

  /** Tells many; how many of them there are. */
  tellMany<R extends Rpc.Any, const Tag extends R["_tag"]>(
    this: Population<R, S>,
    ids: Iterable<ActorId>,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): Effect.Effect<number>

  /** Tells those whose columns the predicate chooses, as they are between turns; how many they are. */
  tellWhere<R extends Rpc.Any, const Tag extends R["_tag"]>(
    this: Population<R, S>,
    predicate: (columns: Columns<S["Type"]>, row: number) => boolean,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): Effect.Effect<number>

  /** Tells all that are alive when the next turn begins. */
  broadcast<R extends Rpc.Any, const Tag extends R["_tag"]>(
    this: Population<R, S>,
    tag: Tag,
    ...payload: TellArgs<Rpc.ExtractTag<R, Tag>>
  ): Effect.Effect<void>

  /** Asks one instance, as `ActorRef.ask` does. */
  ask<R extends Rpc.Any, const Tag extends R["_tag"]>(
    this: Population<R, S>,
    id: ActorId,
    tag: Tag,
    ...args: AskArgs<Rpc.ExtractTag<R, Tag>>
  ): Effect.Effect<Rpc.Success<Rpc.ExtractTag<R, Tag>>, Rpc.Error<Rpc.ExtractTag<R, Tag>> | AskError>

  /** One turn: all messages, then all broadcasts. Its result does not depend on the number of workers. */
  readonly step: Effect.Effect<Turn, SwarmError>

  /** Brings its memory, where that is kept, to where it outlives the machine; no turn is open meanwhile. */
  readonly flush: Effect.Effect<void, MemoryError>

  /**
   * Runs while the swarm stands still: no turn is open and none begins, nobody is born or ends, and no effect takes the
   * place of its row. What comes meanwhile waits, and so would `use` for a turn or a birth of its own. It is given the
   * swarm's memory, to be read.
   */
  quiesce<A, E, R>(use: (image: Image) => Effect.Effect<A, E, R>): Effect.Effect<A, E | SwarmError, R>

  /** Failures of handlers, from now on: a bounded stream, which forgets the oldest when its reader lags. */
  readonly failures: Stream.Stream<Failure>

  /** Waits for the swarm's end: a failure, if its policy or its memory stopped it. */
  readonly awaitEnd: Effect.Effect<void, SwarmError>

  /** What it has done and what waits. */
  readonly stats: Effect.Effect<Stats>

  /** The least, the greatest and the mean of each column of numbers, booleans or literals; of nobody NaN. */
  readonly columnStats: Effect.Effect<Readonly<Record<string, ColumnStats>>>
}

/**
 * What a turn has done.
 *
 * @category models
 * @since 0.1.0
 */
export interface Turn {
  readonly turn: number
  /** Messages handled: a broadcast is as many as it reached. */
  readonly handled: number
  /** Handlers that failed. */
  readonly failed: number
  readonly born: number
  readonly ended: number
}

/**
 * A handler's failure.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure {
  readonly id: ActorId
  readonly tag: string
  readonly cause: Cause.Cause<unknown>
}

/**
 * What a swarm has done, and what waits.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stats {
  /** Instances alive, ever born, ever ended. */
  readonly count: number
  readonly born: number
  readonly ended: number
  /** The last turn. */
  readonly turn: number
  /** Messages and broadcasts that wait for the next turn, effects in flight, answers that are owed. */
  readonly waiting: number
  readonly waitingBroadcasts: number
  readonly effects: number
  readonly owed: number
  /** By tag: what was told, not counting broadcasts; what was handled, counting them; what reached nobody; what waits. */
  readonly messages: Readonly<
    Record<
      string,
      { readonly told: number; readonly handled: number; readonly dead: number; readonly waiting: number }
    >
  >
}

/**
 * A column in three numbers.
 *
 * @category models
 * @since 0.1.0
 */
export interface ColumnStats {
  readonly min: number
  readonly max: number
  readonly mean: number
}
