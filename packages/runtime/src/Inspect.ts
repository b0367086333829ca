/**
 * Looking into a running system: which actors there are, what they hold and have gone through, what they are told just
 * now; suspending one, and post-mortem.
 *
 * **Details**
 *
 * A system is inspected that is made so, with `ActorSystem.Inspection`; its workers are too. Another one has none of
 * this, and pays for none of it.
 *
 * Nothing here stops the world: actors are listed page by page, each thread for itself, and have their turns in between.
 * So a list is no snapshot: an actor that lives all the while is in it once, one that comes or goes meanwhile may be.
 * The instances of swarms are not listed.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ActorRef } from "./ActorRef.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import type { ThreadLost } from "./AskError.ts"
import { type NoSuchActor, NotInspected } from "./InspectError.ts"
import * as internal from "./internal/inspecting.ts"
import { systemKey } from "./internal/keys.ts"
import type { System } from "./internal/system.ts"

/**
 * Where an actor is: what the reference to it is as text, and on which thread it lives.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject {
  /** 0 is the thread that made the system, workers count from 1. */
  readonly thread: number
  readonly address: string
}

/**
 * What an actor failed with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure {
  /** In milliseconds since 1970, by the system's `Clock`; so are all times here. */
  readonly at: number
  /** The message in whose handler it failed. */
  readonly tag: string
  readonly problem: string
}

/**
 * What is known of an actor. Its counts are those of this actor, through its restarts; a key that left memory begins
 * anew.
 *
 * | status | |
 * | --- | --- |
 * | `idle` | nothing to do |
 * | `ready` | its turn will come |
 * | `running` | in its turn |
 * | `busy` | an Effect of it is in flight |
 * | `starting` | its `initial` is |
 * | `suspended` | by `suspend` |
 * | `held` | by its overseer |
 * | `ending` | its finalizers run |
 *
 * @category models
 * @since 0.1.0
 */
export interface ActorInfo extends Subject {
  /** The name of its contract. */
  readonly actor: string
  readonly key: string | undefined
  /** The actor in whose scope it was spawned. */
  readonly parent: Subject | undefined
  readonly status: "idle" | "ready" | "running" | "busy" | "starting" | "held" | "suspended" | "ending"
  /** It handles essential messages only: it alone, or the whole system. */
  readonly postMortem: boolean
  /** Messages in its mailbox. */
  readonly waiting: number
  /** The most that ever waited. */
  readonly high: number
  /** How many may; undefined for as many as there are. */
  readonly capacity: number | undefined
  /** Messages that its handlers keep for later. */
  readonly stashed: number
  /** Messages that post-mortem keeps for after it. */
  readonly kept: number
  /** Messages whose handlers were called. */
  readonly handled: number
  readonly failures: number
  readonly restarts: number
  readonly spawnedAt: number
  /** When the handler of its last message was called. */
  readonly lastMessageAt: number | undefined
  readonly lastFailure: Failure | undefined
}

/**
 * An actor's state, as it was left by its last step.
 *
 * | | |
 * | --- | --- |
 * | `Json` | the state as its schema writes it as JSON |
 * | `Opaque` | it is `Actor.opaque`: there is no way to write it |
 * | `Unreadable` | it does not fit its schema, which says why, or takes more than a MiB |
 * | `None` | it has none: it has not started yet, or is halted |
 *
 * @category models
 * @since 0.1.0
 */
export type State =
  | { readonly _tag: "Json"; readonly value: unknown }
  | { readonly _tag: "Opaque" }
  | { readonly _tag: "Unreadable"; readonly problem: string }
  | { readonly _tag: "None" }

/**
 * A message that was handled.
 *
 * @category models
 * @since 0.1.0
 */
export interface Traced extends Subject {
  readonly at: number
  readonly actor: string
  readonly key: string | undefined
  readonly tag: string
  /** Whether somebody waits for an answer. */
  readonly asked: boolean
  /** As its schema writes it as JSON; undefined where it cannot, and for what takes more than 16 KiB. */
  readonly payload: unknown
  /** The step that its handler gave, or that it gave an Effect of one, or threw. */
  readonly outcome:
    | "next"
    | "reply"
    | "fail"
    | "later"
    | "stop"
    | "crash"
    | "become"
    | "unhandled"
    | "stash"
    | "fork"
    | "stream"
    | "effect"
    | "threw"
  /** Messages before this one that whoever looks was too slow for. */
  readonly dropped: number
}

/**
 * Which actors, or whose messages. All that is said must hold. (Default: all)
 *
 * @category models
 * @since 0.1.0
 */
export interface Filter {
  /** (Default: all threads) */
  readonly thread?: number | undefined
  /** The name of a contract. (Default: all) */
  readonly actor?: string | undefined
  /** Messages of this one. Of actors it says nothing: see `find`. */
  readonly address?: string | undefined
  /** Children of this actor, on its own thread. Of messages it says nothing. */
  readonly parent?: string | undefined
  /** Whether they have ever failed. Of messages it says nothing. */
  readonly failed?: boolean | undefined
  /** Messages of this tag. Of actors it says nothing. */
  readonly tag?: string | undefined
}

/**
 * What somebody may do who looks into a system. An actor is given as a reference to it, or as a list has it.
 *
 * @category services
 * @since 0.1.0
 */
export class Inspect extends Context.Service<Inspect, {
  /** All actors, thread by thread. A thread that ends meanwhile is left out. */
  readonly actors: (filter?: Filter) => Stream.Stream<ActorInfo>

  /** A page of one thread's actors: `next` is where the next page begins. (Default: the first 256) */
  readonly page: (options: {
    readonly thread: number
    readonly from?: number | undefined
    readonly limit?: number | undefined
    readonly filter?: Filter | undefined
  }) => Effect.Effect<
    { readonly actors: ReadonlyArray<ActorInfo>; readonly next: number | undefined },
    ThreadLost
  >

  /** One actor. */
  readonly find: (which: Subject | ActorRef<never>) => Effect.Effect<ActorInfo, NoSuchActor | ThreadLost>

  /** The actors that were spawned in an actor's scope. */
  readonly children: (which: Subject | ActorRef<never>) => Stream.Stream<ActorInfo>

  /** An actor's state, as its schema writes it. */
  readonly state: (which: Subject | ActorRef<never>) => Effect.Effect<State, NoSuchActor | ThreadLost>

  /**
   * Has an actor take no messages after the one in hand, and waits until that is done. What comes waits in its mailbox.
   * It can be ended all the same; a restart ends the suspension.
   */
  readonly suspend: (which: Subject | ActorRef<never>) => Effect.Effect<void, NoSuchActor | ThreadLost>

  /** Has it go on. */
  readonly resume: (which: Subject | ActorRef<never>) => Effect.Effect<void, NoSuchActor | ThreadLost>

  /**
   * The messages that are handled from now on. Whoever reads too slowly misses some: 1,024 a thread wait for him.
   */
  readonly trace: (filter?: Filter) => Stream.Stream<Traced>

  /** The same, from when this Effect is done, until the scope closes. */
  readonly subscribe: (filter?: Filter) => Effect.Effect<Stream.Stream<Traced>, never, Scope.Scope>

  /** See `PostMortem`. */
  readonly postMortem: PostMortem
}>()("@troupe/runtime/Inspect") {}

/**
 * Post-mortem: an actor handles messages annotated `Message.essential`, and nothing else. Its state stays as it was, for
 * all that handles no message; what else comes is kept for after it, as many as `ActorSystem.Inspection` says, and then
 * a dead letter.
 *
 * **Details**
 *
 * With `postMortem: "actor"` an actor that fails, and that nobody oversees, does not end, but is in post-mortem; with
 * `"system"` all others are too, on all threads. An overseen one is its overseer's matter: who wants to look at it has
 * `held` call `enter`. In post-mortem its failures are not told to its overseer; but to end it, to halt it and to start
 * it again is possible as ever, and a new incarnation is in none.
 *
 * @category models
 * @since 0.1.0
 */
export interface PostMortem {
  /** Puts an actor into it, whatever its state; one that its overseer holds goes on with its essential messages. */
  readonly enter: (which: Subject | ActorRef<never>) => Effect.Effect<void, NoSuchActor | ThreadLost>

  /**
   * `resume`: it goes on with the state that it has, and handles what was kept, in order. `end`: it ends with what it
   * had failed with; if it has an overseer, that one decides.
   */
  readonly leave: (
    which: Subject | ActorRef<never>,
    how: "resume" | "end"
  ) => Effect.Effect<void, NoSuchActor | ThreadLost>

  /** Puts all actors of all threads into it, those that are spawned later too. */
  readonly enterAll: Effect.Effect<void>

  /** All go on, but for those that failed, or were put into it by themselves. */
  readonly leaveAll: Effect.Effect<void>
}

/**
 * Looks into the system of this thread, and of all others.
 *
 * **Example** (Who has the most to do)
 *
 * ```ts
 * import { Effect, Layer, Stream } from "effect"
 * import { ActorSystem, Inspect } from "@troupe/runtime"
 *
 * const busiest = Effect.gen(function*() {
 *   const inspect = yield* Inspect.Inspect
 *   const actors = yield* Stream.runCollect(inspect.actors())
 *   return actors.toSorted((a, b) => b.waiting - a.waiting).slice(0, 10)
 * })
 *
 * const InspectLive = Inspect.layer.pipe(
 *   Layer.provideMerge(ActorSystem.layer),
 *   Layer.provide(Layer.succeed(ActorSystem.Inspection, { postMortem: "actor" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Inspect, NotInspected, ActorSystem> = Layer.effect(
  Inspect,
  Effect.flatMap(systemKey, (system) => {
    const inspector = (system as System).observer?.inspector
    return inspector === undefined ? new NotInspected() : Effect.succeed(internal.make(inspector))
  })
)
