/**
 * The system that actors live in: one thread, or a pool of them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as platform from "#platform"
import type { Any, HostedOf } from "./Actor.ts"
import type { DeadLetter } from "./DeadLetter.ts"
import { hostedKey, swarmKey } from "./internal/keys.ts"
import * as pool from "./internal/pool.ts"
import { RemoteHost } from "./internal/remoteHost.ts"
import { inPool } from "./internal/swarm.ts"
import { Crew } from "./internal/swarmCrew.ts"
import * as internal from "./internal/system.ts"
import type { PoolError } from "./PoolError.ts"
import type * as Swarm from "./Swarm.ts"
import { WorkerPool } from "./WorkerPool.ts"

/**
 * What one thread has done since the system's start; a worker that was started again goes on counting. When all is
 * quiet, over all threads, sent = handled + dead-lettered + lost.
 *
 * @category models
 * @since 0.1.0
 */
export interface ThreadStats {
  /** 0 is the thread that made the system, workers count from 1. */
  readonly thread: number
  /** Messages that were sent on this thread. */
  readonly sent: number
  /** Messages that came to actors of this thread. */
  readonly accepted: number
  /** Messages whose handlers were called. */
  readonly handled: number
  /** Messages that reached nobody, counted on the thread that noticed. */
  readonly deadLettered: number
  /** Messages to this thread that died with a thread's memory: with their sender's, or with its own. */
  readonly lost: number
  /** The same by the numbers of the threads that sent them. */
  readonly lostFrom: ReadonlyArray<number>
}

/**
 * The system that actors live in.
 *
 * @category services
 * @since 0.1.0
 */
export class ActorSystem extends Context.Service<ActorSystem, {
  /** This thread's number: 0 for the one that made the system, from 1 for workers, which keep theirs when they are started again. */
  readonly thread: number
  /** What each thread has done. */
  readonly stats: Effect.Effect<ReadonlyArray<ThreadStats>>
  /** What reached nobody, from now on: a bounded stream, which forgets the oldest when its reader lags. */
  readonly deadLetters: Stream.Stream<DeadLetter>
  /** The system's own scope. What is spawned in it lives as long as the layer that hosts it. */
  readonly scope: Scope.Scope
}>()("@troupe/runtime/ActorSystem") {}

/**
 * What each thread has done.
 *
 * @category observing
 * @since 0.1.0
 */
export const stats: Effect.Effect<ReadonlyArray<ThreadStats>, never, ActorSystem> = Effect.flatMap(
  ActorSystem,
  ({ stats }) => stats
)

/**
 * What reached nobody, from now on: a bounded stream, which forgets the oldest when its reader lags.
 *
 * **Example** (Dead letters in the log)
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { ActorSystem } from "@troupe/runtime"
 *
 * const logged = ActorSystem.deadLetters.pipe(
 *   Stream.runForEach(({ actor, reason, tag }) => Effect.logWarning(`${tag} to ${actor}: ${reason}`)),
 *   Effect.forkScoped
 * )
 * ```
 *
 * @category observing
 * @since 0.1.0
 */
export const deadLetters: Stream.Stream<DeadLetter, never, ActorSystem> = Stream.unwrap(
  Effect.map(ActorSystem, ({ deadLetters }) => deadLetters)
)

/**
 * Spawns what an Effect spawns under the system: it ends with the layer that hosts it, or when it stops.
 *
 * **Example** (An actor that outlives whoever spawns it)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor, ActorSystem } from "@troupe/runtime"
 *
 * const Clock = Actor.make("Clock", { protocol: RpcGroup.make(Rpc.make("Now", { success: Schema.Number })) })
 *
 * const clock = Clock.spawn().pipe(ActorSystem.provideScope)
 * ```
 *
 * @category scopes
 * @since 0.1.0
 */
export const provideScope = <A, E, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, Scope.Scope> | ActorSystem> =>
  Effect.flatMap(ActorSystem, ({ scope }) => Effect.provideService(self, Scope.Scope, scope))

/**
 * Whether messages that stay on their thread are checked against their schemas. For tests and development: what
 * crosses a thread is always checked. (Default: false)
 *
 * @category references
 * @since 0.1.0
 */
export const ValidateMessages = Context.Reference<boolean>("@troupe/runtime/ActorSystem/ValidateMessages", {
  defaultValue: () => false
})

/**
 * Whether asks are watched for cycles: two actors, or more, whose handlers wait for each other's answers. One of them
 * fails with an `AskCycle` that names them all, and the others go on. For development: each ask within a handler has
 * to be written down. What a handler forks counts as the handler, while that is in flight. (Default: false)
 *
 * @category references
 * @since 0.1.0
 */
export const DetectCycles = Context.Reference<boolean>("@troupe/runtime/ActorSystem/DetectCycles", {
  defaultValue: () => false
})

/**
 * Whether messages are counted by kind of actor and by thread, and asks timed, as metrics of Effect. (Default: false)
 *
 * **Details**
 *
 * All have the attributes `actor` and `thread`. The thread that made the system shows those of all threads.
 *
 * | metric | |
 * | --- | --- |
 * | `actor_messages_accepted` | a counter: messages that came to actors |
 * | `actor_messages_handled` | a counter: messages whose handlers were called |
 * | `actor_messages_dead_lettered` | a counter: messages that reached nobody, where that was noticed |
 * | `actor_failures` | a counter: actors that failed |
 * | `actor_alive` | a gauge: actors that live |
 * | `actor_mailbox_high` | a gauge: the most messages that ever waited for one actor |
 * | `actor_ask_millis` | a histogram: how long asks took, where they were asked |
 *
 * @category references
 * @since 0.1.0
 */
export const Metrics = Context.Reference<boolean>("@troupe/runtime/ActorSystem/Metrics", {
  defaultValue: () => false
})

/**
 * Whether messages have spans, by the `Tracer` of whoever asks and of the layer that hosts who is asked. (Default:
 * undefined, no)
 *
 * **Details**
 *
 * `sample` is the share, from 0 to 1, of messages from outside of any trace with which a trace begins. A message from
 * within one belongs to it: an ask has a span from the question to the answer, and a message that is handled has one,
 * whose parent is its asker's, or the span within which it was told, on whichever thread.
 *
 * **Example** (One message in a hundred)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { ActorSystem } from "@troupe/runtime"
 *
 * const system = ActorSystem.layer.pipe(
 *   Layer.provide(Layer.succeed(ActorSystem.Tracing, { sample: 0.01 })),
 *   Layer.provide(Layer.succeed(ActorSystem.Metrics, true))
 * )
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const Tracing = Context.Reference<{ readonly sample: number } | undefined>(
  "@troupe/runtime/ActorSystem/Tracing",
  { defaultValue: () => undefined }
)

/**
 * Whether the actors of a system can be inspected, by `Inspect`; undefined for no. (Default: undefined)
 *
 * **Details**
 *
 * Each actor then has a record of what it goes through, of about 150 bytes, and each message is counted where it is
 * handled.
 *
 * @category references
 * @since 0.1.0
 */
export const Inspection = Context.Reference<InspectionOptions | undefined>(
  "@troupe/runtime/ActorSystem/Inspection",
  { defaultValue: () => undefined }
)

/**
 * How the actors of a system can be inspected.
 *
 * @category models
 * @since 0.1.0
 */
export interface InspectionOptions {
  /**
   * What goes into post-mortem when an actor fails that nobody oversees: it alone, or all of the system. (Default:
   * nothing, such an actor ends)
   */
  readonly postMortem?: "actor" | "system" | undefined
  /** How many messages an actor keeps for after its post-mortem; more are dead letters. (Default: 1024) */
  readonly keep?: number | undefined
}

/** Messages that an actor keeps in post-mortem, unless the system's options say otherwise. */
const KEPT = 1024

/** The system of this thread, which the references say how to make. */
const make = Effect.gen(function*() {
  const validate = yield* ValidateMessages
  const cycles = yield* DetectCycles
  const metrics = yield* Metrics
  const sample = (yield* Tracing)?.sample
  const inspected = yield* Inspection
  const inspection = inspected &&
    { postMortem: inspected.postMortem, keep: inspected.keep ?? KEPT, frozen: false }
  const observes = cycles || metrics || sample !== undefined || inspection !== undefined
  const observing = observes ? { cycles, metrics, sample, inspection } : undefined
  const system = yield* internal.make({ thread: 0, validate, observing })
  yield* Effect.addFinalizer(() => Effect.sync(() => system.observer?.metrics?.close()))
  return system
})

/**
 * All actors on this thread.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ActorSystem> = Layer.effect(
  ActorSystem,
  Effect.gen(function*() {
    const system = yield* make
    yield* Effect.addFinalizer(() => system.close)
    return ActorSystem.of(system)
  })
)

/**
 * How a pool of workers is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorkersOptions<Actors extends Any, Swarms extends Swarm.Any = never> {
  /** The module that each worker runs: it calls `ActorWorker.run`. */
  readonly entry: URL
  /** The contracts that the workers host. Each worker proves that it does, with the same schemas. */
  readonly hosts: ReadonlyArray<Actors>
  /**
   * The contracts of the swarms whose handlers the workers run, all of them each. Their instances are this thread's: it
   * keeps them in shared memory, and the workers take a chunk at a time. (Default: none)
   */
  readonly swarms?: ReadonlyArray<Swarms> | undefined
  /** How many workers. (Default: the cores less one, at least one) */
  readonly workers?: number | undefined
  /**
   * How many workers there can be when `WorkerPool` is told to have more, 254 at most. The memory for all links is set
   * aside at the start, and costs nothing until it is used. (Default: as many as `workers`)
   */
  readonly maxWorkers?: number | undefined
  /**
   * Bytes of the ring between each ordered pair of threads, rounded up to a power of two. A message for a full ring
   * is kept by its sender, so this bounds memory, not messages. From 256 to 2^30. (Default: 262144)
   */
  readonly linkBytes?: number | undefined
  /**
   * How many keys of actors with bounded mailboxes there can be, and for each worker how many spawned actors with
   * such; rounded up to a power of two. A place takes 64 bytes, once it is used; a key's is never given back. What
   * finds no place fails typed, with `MailboxesExhausted`. (Default: 65536)
   */
  readonly mailboxes?: number | undefined
  /**
   * How long an idle thread looks for messages before it sleeps. Looking takes its core, and saves the 25 us or so
   * of being woken. (Default: 50 micros)
   */
  readonly spin?: Duration.Input | undefined
  /** How long a worker may take to be ready. (Default: 30 seconds) */
  readonly startTimeout?: Duration.Input | undefined
  /**
   * How often a worker's thread may end within a period, the period's ends included, and be started again; one that
   * does not come up counts as ended. Once more, and the worker is given up: what waits for it becomes dead letters,
   * its keys are lost, and the log says so. (Default: 5 times within 10 seconds)
   */
  readonly restarts?: { readonly times: number; readonly within: Duration.Input } | undefined
  /**
   * Bounds on a worker's memory, in MiB; one that passes them ends, and is started again. Node alone has them.
   * (Default: Node's)
   */
  readonly resourceLimits?: ResourceLimits | undefined
  /** Environment variables for the workers, over those of the process. Node alone has them. (Default: none) */
  readonly env?: Readonly<Record<string, string>> | undefined
  /**
   * The cores that a worker may run on, from 0; undefined for all of them. Linux alone can do that, with the command
   * `taskset`; elsewhere a worker logs a warning and runs on any core. (Default: all)
   */
  readonly cores?: ((worker: number) => ReadonlyArray<number> | undefined) | undefined
}

/**
 * Bounds on the memory of one worker, in MiB.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResourceLimits {
  /** Of the heap's old generation. (Default: Node's) */
  readonly maxOldGenerationSizeMb?: number | undefined
  /** Of the heap's young generation. (Default: Node's) */
  readonly maxYoungGenerationSizeMb?: number | undefined
  /** For generated code. (Default: Node's) */
  readonly codeRangeSizeMb?: number | undefined
  /** Of the stack. (Default: Node's) */
  readonly stackSizeMb?: number | undefined
}

/** An actor's identity has 8 bits for its thread, one value of which stands for all. */
const MAX_WORKERS = 254
/** The least that a link can be: four records of the header's size, with something in them. */
const MIN_LINK_BYTES = 256
/** The most: positions in a link are 32-bit numbers that wrap. */
const MAX_LINK_BYTES = 2 ** 30

/**
 * A pool of worker threads, and this thread with it. Keyed actors live where a hash of their key says; spawned ones
 * on the worker with the fewest. Every pair of threads shares a ring each way, so that worker talks to worker without
 * this thread.
 *
 * **Example** (The same program on every core)
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ActorSystem } from "@troupe/runtime"
 * import { Account, program } from "./account.ts"
 *
 * program.pipe(
 *   Effect.scoped,
 *   Effect.provide(ActorSystem.layerWorkers({
 *     entry: new URL("./worker.ts", import.meta.url),
 *     hosts: [Account]
 *   }))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWorkers = <const Actors extends Any, const Swarms extends Swarm.Any = never>(
  options: WorkersOptions<Actors, Swarms>
): Layer.Layer<ActorSystem | WorkerPool | HostedOf<Actors> | Swarm.HostedOf<Swarms>, PoolError> => {
  const { layer, stderr, terminate } = platform.workers(options.entry, {
    env: options.env,
    resourceLimits: options.resourceLimits
  })
  const system = Effect.gen(function*() {
    const system = yield* make
    const swarms: ReadonlyArray<Swarm.Any> = options.swarms ?? []
    const crew = swarms.length === 0 ? undefined : new Crew(swarms)
    const workers = Math.max(1, options.workers ?? platform.cores() - 1)
    const { mesh, workers: workerPool } = yield* pool.make(system, {
      crew,
      workers,
      maxWorkers: Math.min(MAX_WORKERS, Math.max(workers, options.maxWorkers ?? workers)),
      hosts: options.hosts,
      linkBytes: powerOfTwo(
        Math.min(MAX_LINK_BYTES, Math.max(MIN_LINK_BYTES, options.linkBytes ?? 262_144))
      ),
      mailboxes: powerOfTwo(Math.max(1, options.mailboxes ?? 65_536)),
      spinMillis: Duration.toMillis(options.spin ?? Duration.micros(50n)),
      startTimeout: Duration.fromInputUnsafe(options.startTimeout ?? Duration.seconds(30)),
      restarts: {
        times: options.restarts?.times ?? 5,
        withinMillis: Duration.toMillis(options.restarts?.within ?? Duration.seconds(10))
      },
      cores: options.cores,
      stderr,
      terminate
    })
    system.injector?.threads?.({ count: workers, terminate })
    // While the workers are still there.
    yield* Effect.addFinalizer(() => system.close)
    let context = Context.make(ActorSystem, system).pipe(Context.add(WorkerPool, workerPool))
    options.hosts.forEach((actor) => {
      context = Context.add(context, hostedKey(actor.name), new RemoteHost(mesh, actor))
    })
    for (const contract of swarms) {
      const population = yield* inPool(contract, system, crew!)
      context = Context.add(context, swarmKey(contract.name), population)
    }
    return context as Context.Context<ActorSystem | WorkerPool | HostedOf<Actors> | Swarm.HostedOf<Swarms>>
  })
  return Layer.provide(Layer.effectContext(system), layer)
}

const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(n))
