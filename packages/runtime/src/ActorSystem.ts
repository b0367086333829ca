/**
 * The system that actors live in: one thread, or a pool of them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { DeadLetter } from "./DeadLetter.ts"
import * as internal from "./internal/system.ts"

/**
 * What one thread has done since its start.
 *
 * @category models
 * @since 0.1.0
 */
export interface ThreadStats {
  /** 0 is the thread that made the system, workers count from 1. */
  readonly thread: number
  /** Messages accepted for actors of this thread. */
  readonly accepted: number
  /** Messages whose handlers were called. */
  readonly handled: number
  /** Messages that reached nobody. */
  readonly deadLettered: number
}

/**
 * The system that actors live in.
 *
 * @category services
 * @since 0.1.0
 */
export class ActorSystem extends Context.Service<ActorSystem, {
  /** What each thread has done. */
  readonly stats: Effect.Effect<ReadonlyArray<ThreadStats>>
  /** What reached nobody, from now on: a bounded stream, which forgets the oldest when its reader lags. */
  readonly deadLetters: Stream.Stream<DeadLetter>
}>()("@troupe/runtime/ActorSystem") {}

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
 * All actors on this thread.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<ActorSystem> = Layer.effect(
  ActorSystem,
  Effect.gen(function*() {
    const validate = yield* ValidateMessages
    const system = yield* internal.make({ thread: 0, validate })
    return ActorSystem.of(system)
  })
)
