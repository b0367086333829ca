/**
 * Faults on purpose, from a seed: handlers that throw, hang or die, actors that are stopped or killed, worker threads
 * that end, messages that are lost, late or doubled, mailboxes that are full, clocks that are slow.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as FaultPoint from "@troupe/runtime/FaultPoint"
import * as Memory from "@troupe/runtime/Memory"
import { Dice } from "./internal/dice.ts"

/**
 * What a handler hurt on purpose fails with.
 *
 * @category errors
 * @since 0.1.0
 */
export class InjectedFault extends Data.TaggedError("InjectedFault")<{
  readonly fault: string
  readonly actor: string
  readonly tag: string
}> {
  override get message(): string {
    return `${this.fault} on purpose in ${this.tag} of ${this.actor}`
  }
}

/**
 * What can be done to a system.
 *
 * | kind | |
 * | --- | --- |
 * | `throw`, `die` | a handler throws, or its Effect dies, with an `InjectedFault` |
 * | `fail` | a handler crashes its actor on purpose, with an `InjectedFault` |
 * | `hang` | a handler never ends |
 * | `kill` | a handler is interrupted |
 * | `stop` | an actor stops |
 * | `drop`, `duplicate`, `delay`, `reorder` | what is sent is lost, comes twice, late, or behind the next one. **These break what the runtime guarantees of delivery**: for those who do not rely on it |
 * | `full` | a bounded mailbox in which something waits is full |
 * | `thread` | a worker's thread ends |
 *
 * @category models
 * @since 0.1.0
 */
export type Kind =
  | "throw"
  | "die"
  | "fail"
  | "hang"
  | "kill"
  | "stop"
  | "drop"
  | "duplicate"
  | "delay"
  | "reorder"
  | "full"
  | "thread"

/**
 * How often things go wrong.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Two systems with one seed that do the same are hurt in the same places. */
  readonly seed: number
  /**
   * The share of messages that each kind hits, from 0 to 1; of looks at a mailbox for `full`. The kinds that hit
   * handlers add up, and so do those that hit deliveries. (Default: 0)
   */
  readonly rates: { readonly [K in Exclude<Kind, "thread">]?: number | undefined }
  /** Whom it may hit. (Default: every actor) */
  readonly victims?: ((victim: FaultPoint.Victim, tag: string) => boolean) | undefined
  /** Is told of each hit; a worker thread is no victim. (Default: nobody) */
  readonly onHit?: ((kind: Kind, victim: FaultPoint.Victim, tag: string) => void) | undefined
  /** How late a delayed message is. (Default: 10 millis) */
  readonly delay?: Duration.Input | undefined
  /** How often a worker's thread ends, one after the other. (Default: never) */
  readonly threadEvery?: Duration.Input | undefined
}

/**
 * What hurts a system, and how often it has.
 *
 * @category models
 * @since 0.1.0
 */
export interface Faults {
  readonly seed: number
  /** What the system is made with. */
  readonly injector: FaultPoint.Injector
  /** How often each kind has hit so far. */
  readonly counts: Effect.Effect<Readonly<Record<Kind, number>>>
  /** Lets the system be, so that it comes to rest; and goes on where it was. */
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
  /** @internal */
  readonly threads: Effect.Effect<void, never, Scope.Scope>
}

const none: Record<Kind, number> = {
  throw: 0,
  die: 0,
  fail: 0,
  hang: 0,
  kill: 0,
  stop: 0,
  drop: 0,
  duplicate: 0,
  delay: 0,
  reorder: 0,
  full: 0,
  thread: 0
}

const handlerKinds = ["throw", "die", "fail", "hang", "kill", "stop"] as const
const deliveryKinds = ["drop", "duplicate", "delay", "reorder"] as const

/**
 * Faults from a seed.
 *
 * **Details**
 *
 * What hits an actor depends on the seed, on the actor's name and key, and on how many messages it has had: not on what
 * happens to others, nor on the time. So on one thread, under a `TestClock`, a seed repeats a run exactly.
 *
 * **Example** (One message in a hundred)
 *
 * ```ts
 * import { ActorSystem } from "@troupe/runtime"
 * import { Faults } from "@troupe/supervision"
 * import { Effect, Layer } from "effect"
 *
 * const system = Effect.gen(function*() {
 *   const faults = yield* Faults.make({ seed: 7, rates: { throw: 0.005, kill: 0.005 } })
 *   return ActorSystem.layer.pipe(Layer.provide(Faults.layer(faults)))
 * }).pipe(Layer.unwrap)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<Faults> =>
  Effect.sync(() => {
    const { rates, seed, victims } = options
    const counts = { ...none }
    let active = true
    const delayMillis = Duration.toMillis(options.delay ?? Duration.millis(10))
    const hits = (victim: FaultPoint.Victim, tag: string): boolean =>
      active && (victims === undefined || victims(victim, tag))
    const chosen = <K extends Kind>(
      dice: Dice,
      kinds: ReadonlyArray<K>,
      victim: FaultPoint.Victim,
      tag: string
    ): K | undefined => {
      const { key, name } = victim
      let roll = dice.roll(key === undefined ? name : `${name}\n${key}`)
      for (const kind of kinds) {
        roll -= (rates as Partial<Record<Kind, number>>)[kind] ?? 0
        if (roll < 0) {
          counts[kind]++
          options.onHit?.(kind, victim, tag)
          return kind
        }
      }
      return undefined
    }
    const any = (kinds: ReadonlyArray<keyof typeof rates>): boolean =>
      kinds.some((kind) => (rates[kind] ?? 0) > 0)
    const handlers = new Dice(seed)
    const deliveries = new Dice(seed + 1)
    const rooms = new Dice(seed + 2)
    let workers: FaultPoint.Threads | undefined
    const injector: FaultPoint.Injector = {
      handler: any(handlerKinds)
        ? (victim, tag) => {
          const kind = hits(victim, tag) ? chosen(handlers, handlerKinds, victim, tag) : undefined
          if (kind === undefined || kind === "hang" || kind === "kill" || kind === "stop") {
            return kind && { _tag: kind }
          }
          return { _tag: kind, error: new InjectedFault({ fault: kind, actor: victim.name, tag }) }
        }
        : undefined,
      delivery: any(deliveryKinds)
        ? (victim, tag) => {
          const kind = hits(victim, tag) ? chosen(deliveries, deliveryKinds, victim, tag) : undefined
          return kind === "delay" ? { _tag: kind, millis: delayMillis } : kind && { _tag: kind }
        }
        : undefined,
      full: any(["full"])
        ? (victim) => hits(victim, "") && chosen(rooms, ["full"], victim, "") !== undefined
        : undefined,
      threads: (threads) => {
        workers = threads
      }
    }
    const { threadEvery } = options
    let turn = 0
    const terminate = Effect.sync(() => {
      if (!active || workers === undefined) return
      counts.thread++
      workers.terminate(1 + (turn++ % workers.count))
    })
    return {
      seed,
      injector,
      counts: Effect.sync(() => ({ ...counts })),
      pause: Effect.sync(() => {
        active = false
      }),
      resume: Effect.sync(() => {
        active = true
      }),
      threads: threadEvery === undefined
        ? Effect.void
        : Effect.asVoid(
          Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(threadEvery), terminate)))
        )
    }
  })

/**
 * Hurts the system that is provided with it. Without it a system has no fault points, and pays nothing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (faults: Faults): Layer.Layer<never> =>
  Layer.effectContext(
    Effect.as(faults.threads, Context.make(FaultPoint.Injector, faults.injector) as Context.Context<never>)
  )

/**
 * A clock that runs slower, by this factor: what waits a second waits `factor` seconds.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSlowClock = (factor: number): Layer.Layer<never> =>
  Layer.effectContext(
    Clock.clockWith((clock) => {
      const start = clock.currentTimeMillisUnsafe()
      const startNanos = clock.currentTimeNanosUnsafe()
      const monotonic = clock.monotonicTimeNanosUnsafe()
      const slow = (since: bigint, now: bigint): bigint =>
        since + BigInt(Math.round(Number(now - since) / factor))
      const millis = (): number => Math.floor(start + (clock.currentTimeMillisUnsafe() - start) / factor)
      const nanos = (): bigint => slow(startNanos, clock.currentTimeNanosUnsafe())
      const monotonicNanos = (): bigint => slow(monotonic, clock.monotonicTimeNanosUnsafe())
      const slowed: Clock.Clock = {
        currentTimeMillisUnsafe: millis,
        currentTimeMillis: Effect.sync(millis),
        currentTimeNanosUnsafe: nanos,
        currentTimeNanos: Effect.sync(nanos),
        monotonicTimeNanosUnsafe: monotonicNanos,
        monotonicTimeNanos: Effect.sync(monotonicNanos),
        sleep: (duration) => clock.sleep(Duration.times(duration, factor))
      }
      return Effect.succeed(Context.make(Clock.Clock, slowed) as Context.Context<never>)
    })
  )

/**
 * Memory that is refused, this share of the times that it is asked for.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFailingMemory = (options: {
  readonly seed: number
  readonly rate: number
}): Layer.Layer<never> =>
  Layer.effectContext(
    Effect.map(Memory.Memory, (memory) => {
      const dice = new Dice(options.seed)
      const failing: Memory.Service = {
        allocate: (request) =>
          Effect.suspend(() =>
            dice.roll(request.name) < options.rate
              ? Effect.fail(new Memory.MemoryError({ name: request.name, reason: "refused on purpose" }))
              : memory.allocate(request)
          ),
        attach: (descriptor) => memory.attach(descriptor)
      }
      return Context.make(Memory.Memory, failing) as Context.Context<never>
    })
  )
