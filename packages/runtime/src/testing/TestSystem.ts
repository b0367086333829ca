/**
 * Systems whose time a test moves, on all threads alike, and that tell when all is quiet: so that no test sleeps.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as TestClock from "effect/testing/TestClock"
import * as Actor from "../Actor.ts"
import * as ActorSystem from "../ActorSystem.ts"
import * as ActorWorker from "../ActorWorker.ts"
import { Alarm } from "../internal/alarm.ts"
import * as quiet_ from "../internal/quiet.ts"
import type { System } from "../internal/system.ts"
import { VirtualClock } from "../internal/virtualClock.ts"
import * as Placement from "../Placement.ts"
import type { PoolError } from "../PoolError.ts"
import * as Step from "../Step.ts"
import type * as Swarm from "../Swarm.ts"
import type { WorkerPool } from "../WorkerPool.ts"

/**
 * A system in which nothing happens.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settled {
  /** Messages that wait: behind an effect that itself waits for something, in a stash, for an actor that is held. */
  readonly waiting: number
}

/**
 * Nothing happens, and messages wait all the same.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotQuiet extends Schema.TaggedError<NotQuiet>()("NotQuiet", {
  /** How many messages are neither handled nor dead letters nor lost. */
  waiting: Schema.Number
}) {
  override get message(): string {
    return `nothing happens, and messages wait: ${this.waiting}`
  }
}

/**
 * Waits until nothing happens on any thread: no actor's turn is to come, and for some turns of every event loop nothing
 * was sent, handled or given up. What there is still to do waits for the clock, or for the test.
 *
 * **Gotchas**
 *
 * An effect that waits for the world outside (a file, a socket, real time) looks like one that waits for the test. Wait
 * for what comes of it instead: with an ask, or a `TestProbe`.
 *
 * @category waiting
 * @since 0.1.0
 */
export const settle: Effect.Effect<Settled, never, ActorSystem.ActorSystem> = Effect.flatMap(
  ActorSystem.ActorSystem,
  (system) => quiet_.settle(system as System)
)

/**
 * Waits until all is quiet: nothing happens, and all that was sent was handled, or is a dead letter, or lost. Where
 * messages wait though nothing happens it fails.
 *
 * @category waiting
 * @since 0.1.0
 */
export const quiet: Effect.Effect<void, NotQuiet, ActorSystem.ActorSystem> = Effect.flatMap(
  settle,
  ({ waiting }) => waiting === 0 ? Effect.void : Effect.fail(new NotQuiet({ waiting }))
)

/**
 * Moves the clocks of all threads on, from one thing that is due on any of them to the next, and lets each have its
 * consequences, on whichever thread, before the next one. For systems that are made by this module.
 *
 * **Details**
 *
 * `TestClock.adjust` and `TestClock.setTime` do the same to such a system.
 *
 * @category time
 * @since 0.1.0
 */
export const adjust = (duration: Duration.Input): Effect.Effect<void> =>
  Effect.clockWith((clock) => (clock as TestClock.TestClock).adjust(duration))

/**
 * All actors on this thread, as `ActorSystem.layer`, with a `Clock` that starts at 0 and stands still until it is moved.
 * It is the clock of whatever the layer is provided to.
 *
 * **Example** (A minute passes)
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Rpc, RpcGroup } from "effect/rpc"
 * import { Actor } from "@troupe/runtime"
 * import * as TestSystem from "@troupe/runtime/testing/TestSystem"
 *
 * const Egg = Actor.make("Egg", {
 *   protocol: RpcGroup.make(Rpc.make("Boil"), Rpc.make("Done"), Rpc.make("Hard", { success: Schema.Boolean }))
 * })
 *
 * const EggLive = Egg.toLayer({
 *   state: Schema.Boolean,
 *   initial: () => false,
 *   handlers: {
 *     Boil: (hard, _, ctx) => {
 *       ctx.timers.startOnce("boil", "10 minutes", "Done")
 *       return Actor.next(hard)
 *     },
 *     Done: () => Actor.next(true),
 *     Hard: (hard) => Actor.reply(hard, hard)
 *   }
 * })
 *
 * const test = Effect.gen(function*() {
 *   const egg = yield* Egg.spawn()
 *   yield* egg.tell("Boil")
 *   yield* TestSystem.adjust("10 minutes")
 *   return yield* egg.ask("Hard")
 * }).pipe(Effect.scoped, Effect.provide(EggLive), Effect.provide(TestSystem.layer))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ActorSystem.ActorSystem> = Layer.suspend(() =>
  Layer.provideMerge(
    Layer.effectContext(
      Effect.map(keepTime, ({ clock }) => Context.make(Clock.Clock, clock) as Context.Context<never>)
    ),
    Layer.fresh(ActorSystem.layer)
  )
)

/**
 * A pool of workers, as `ActorSystem.layerWorkers`, with a clock on each thread that starts at 0 and stands still until
 * all of them are moved. Its workers' entry calls `run` of this module. What the pool itself does, starting and ending
 * threads, keeps real time.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWorkers = <const Actors extends Actor.Any, const Swarms extends Swarm.Any = never>(
  options: ActorSystem.WorkersOptions<Actors, Swarms>
): Layer.Layer<
  ActorSystem.ActorSystem | WorkerPool | Actor.HostedOf<Actors> | Swarm.HostedOf<Swarms>,
  PoolError
> => {
  const pool = ActorSystem.layerWorkers({ ...options, hosts: [...options.hosts, Hand] })
  const time = Effect.gen(function*() {
    const context = yield* Effect.context<Actor.Hosted<"troupe/TestSystem"> | Scope.Scope>()
    const { clock, system } = yield* keepTime
    const workers = new Map<number, Worker>()
    // As many as there are now.
    clock.others = () =>
      system.mesh!.homes.workers.map((thread) => {
        const worker = workers.get(thread) ?? new Worker(thread, clock, context)
        workers.set(thread, worker)
        return worker
      })
    return Context.make(Clock.Clock, clock) as Context.Context<never>
  })
  return Layer.provideMerge(Layer.effectContext(time), Layer.fresh(pool)) as never
}

/**
 * `ActorWorker.run` for the entry module of a pool that `layerWorkers` of this module makes: a thread whose clock the
 * test moves.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A, E>(
  layer: Layer.Layer<A, E, ActorSystem.ActorSystem>,
  options?: {
    /** What this thread's system is made with besides. (Default: nothing) */
    readonly context?: Context.Context<never> | undefined
  }
): void => {
  const clock = new VirtualClock()
  ActorWorker.run(Layer.merge(layer, hand(clock)), {
    context: Context.add(options?.context ?? Context.empty(), Clock.Clock, clock)
  })
}

/** What moves a worker's clock. */
const Hand = Actor.make("troupe/TestSystem", {
  protocol: RpcGroup.make(
    /** When somebody on the thread wakes; null where nobody sleeps. */
    Rpc.make("Next", { success: Schema.NullOr(Schema.Number) }),
    /** Moves the thread's clock; nobody wakes yet. */
    Rpc.make("Set", { payload: { to: Schema.Number } }),
    /** Wakes those who slept until now. */
    Rpc.make("Wake")
  )
})

const hand = (clock: VirtualClock) =>
  Hand.toLayer({
    state: Actor.opaque<void>(),
    initial: () => {},
    handlers: {
      Next: (state) => Step.reply(state, clock.next === Infinity ? null : clock.next),
      Set: (state, { to }) => {
        clock.set(to)
        return Step.next(state)
      },
      Wake: (state) => {
        clock.wake()
        return Step.next(state)
      }
    }
  })

/** The clock of a thread, as far as whoever moves all of them needs it. */
interface Time {
  readonly next: Effect.Effect<number>
  set(to: number): Effect.Effect<void>
  readonly wake: Effect.Effect<void>
}

/** The clock of a worker. One that was started again has a new one. */
class Worker implements Time {
  private readonly spawn: Effect.Effect<Actor.Ref<typeof Hand>>
  private readonly clock: VirtualClock
  private ref: Actor.Ref<typeof Hand> | undefined = undefined

  constructor(
    thread: number,
    clock: VirtualClock,
    context: Context.Context<Actor.Hosted<"troupe/TestSystem"> | Scope.Scope>
  ) {
    this.clock = clock
    this.spawn = Hand.spawn().pipe(
      (spawn) => Placement.on(spawn, thread),
      Effect.provideContext(context),
      Effect.orDie
    )
  }

  readonly next = Effect.suspend(() =>
    Effect.map(this.with((ref) => ref.ask("Next")), (next) => next ?? Infinity)
  )

  set(to: number): Effect.Effect<void> {
    return Effect.asVoid(this.with((ref) => ref.ask("Set", { to })))
  }

  readonly wake = Effect.suspend(() => Effect.asVoid(this.with((ref) => ref.ask("Wake"))))

  private with<A, E>(use: (ref: Actor.Ref<typeof Hand>) => Effect.Effect<A, E>): Effect.Effect<A> {
    const again = Effect.suspend(() => Effect.flatMap(this.fresh, use))
    return Effect.orDie(this.ref === undefined ? again : Effect.catch(use(this.ref), () => again))
  }

  /** The thread is a new one: its time is what it is elsewhere. */
  private readonly fresh = Effect.suspend(() =>
    Effect.tap(this.spawn, (ref) => {
      this.ref = ref
      return Effect.orDie(ref.ask("Set", { to: this.clock.now }))
    })
  )
}

/** The clock of the thread that made the system: to move it is to move all. */
class SystemClock extends VirtualClock implements TestClock.TestClock {
  private readonly system: System
  private readonly live: Clock.Clock
  /** The other threads' clocks. */
  others: () => ReadonlyArray<Time> = () => []

  constructor(system: System, live: Clock.Clock) {
    super()
    this.system = system
    this.live = live
  }

  adjust(duration: Duration.Input): Effect.Effect<void> {
    return Effect.suspend(() => this.setTime(this.now + Duration.toMillis(duration)))
  }

  setTime(timestamp: number): Effect.Effect<void> {
    const { system } = this
    const all = <A>(of: (time: Time) => Effect.Effect<A>) =>
      Effect.forEach(this.others(), of, { concurrency: "unbounded" })
    // First all clocks, and then who wakes: what he tells somebody on another thread finds the same time there.
    const move = (to: number): Effect.Effect<unknown> =>
      Effect.gen({ self: this }, function*() {
        this.set(to)
        yield* all((time) => time.set(to))
        this.wake()
        yield* all((time) => time.wake)
        yield* quiet_.settle(system)
      })
    const { live } = this
    const steps = Effect.gen({ self: this }, function*() {
      yield* quiet_.settle(system)
      while (true) {
        const due = Math.min(this.next, ...yield* all((time) => time.next))
        yield* move(Math.min(due, timestamp))
        if (due >= timestamp) return
      }
    })
    return Effect.provideService(steps, Clock.Clock, live)
  }

  withLive<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.provideService(effect, Clock.Clock, this.live)
  }
}

/** Has a system, on which nobody has started a timer yet, keep the test's time. */
const keepTime = Effect.gen(function*() {
  const system = (yield* ActorSystem.ActorSystem) as System
  const clock = new SystemClock(system, Clock.Clock.defaultValue())
  system.alarm = new Alarm(clock)
  return { clock, system }
})
