/**
 * Consumers of a ring, arranged in stages: each event passes them in the order of the graph, in place, uncopied.
 *
 * ```text
 *   series(journal, apply)          ring --> journal --> apply
 *   parallel(journal, replicate)    ring --> journal             each sees every event
 *                                     \----> replicate
 *   series(parallel(a, b), c)       ring --> a --> c             a diamond: c after both
 *                                     \----> b --/
 *   share(w0, w1, w2)               ring --> w0 | w1 | w2        each event goes to one of them
 * ```
 *
 * Consumers run in this thread, or in others ({@link elsewhere} here, {@link serve} there). Each has its own
 * {@link WaitStrategy}, and a policy for a handler that throws:
 *
 * | policy | the event that failed | the ring |
 * | --- | --- | --- |
 * | {@link skip} (default) | passed over | goes on |
 * | {@link stop} | not passed | closes: producers are refused, this pipeline ends with {@link PipelineStopped} |
 * | {@link retry} | its batch is handled again from its first event, `times` times; then as `finally` says | goes on, or closes |
 *
 * Every failure is reported as a {@link Failure}, and logged.
 *
 * **Gotchas** Handlers are plain functions and must not block. For Effects take the events out by
 * `RingBuffer.stream`. A handler sees an event only until it returns: to keep it, `layout.read` it.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as R from "./internal/hot/ring.ts"
import { ROOM } from "./internal/hot/wait.ts"
import * as internal from "./internal/pipeline.ts"
import type { Policy as InternalPolicy } from "./internal/pipelineRunner.ts"
import { until } from "./internal/ring.ts"
import type { Layout, ReadonlyView } from "./Layout.ts"
import * as RingBuffer from "./RingBuffer.ts"
import { park, type WaitStrategy } from "./WaitStrategy.ts"

const TypeId = "~@troupe/runtime/Pipeline"
const StageTypeId = "~@troupe/runtime/Pipeline/Stage"

/**
 * What happens when a handler throws. Data; see the table above.
 *
 * @category models
 * @since 0.1.0
 */
export type Policy = InternalPolicy

/** Passes over the event that failed. @category policies @since 0.1.0 */
export const skip: Policy = { _tag: "Skip" }
/** Closes the ring and ends the pipeline. @category policies @since 0.1.0 */
export const stop: Policy = { _tag: "Stop" }
/**
 * Handles the batch again, from its first event, each time after a turn of the event loop.
 *
 * @category policies
 * @since 0.1.0
 */
export const retry = (options?: {
  /** (Default: 3) */
  readonly times?: number | undefined
  /** (Default: `skip`) */
  readonly finally?: "skip" | "stop" | undefined
}): Policy => ({ _tag: "Retry", times: options?.times ?? 3, finally: options?.finally ?? "skip" })

/**
 * A handler threw.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure {
  readonly consumer: string
  /** Of the event; when a callback for a whole batch threw, of the batch's first or last event. */
  readonly sequence: number
  readonly error: unknown
  /** From 1: how often this batch has failed. */
  readonly attempt: number
  readonly decision: "skip" | "stop" | "retry"
}

/**
 * A consumer failed under the policy {@link stop}, or retried in vain: the ring is closed.
 *
 * @category errors
 * @since 0.1.0
 */
export class PipelineStopped extends Schema.TaggedError<PipelineStopped>()("PipelineStopped", {
  consumer: Schema.String,
  sequence: Schema.Number,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `Consumer "${this.consumer}" failed at event ${this.sequence}, which stops its pipeline.`
  }
}

/**
 * A pipeline cannot be arranged so: a name is taken or unknown, or the thread may not block.
 *
 * @category errors
 * @since 0.1.0
 */
export class PipelineError
  extends Schema.TaggedError<PipelineError>()("PipelineError", { reason: Schema.String })
{
  override get message(): string {
    return `${this.reason}.`
  }
}

/**
 * A part of a graph of consumers of events `A`, which between them change the fields `W`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stage<in out A, out W extends PropertyKey = never> {
  readonly [StageTypeId]: { readonly _A: (_: A) => A; readonly _W: () => W }
  /** @internal */
  readonly node: internal.Node
}

/** A stage of any events. */
interface AnyStage {
  readonly [StageTypeId]: { readonly _A: (_: never) => unknown; readonly _W: () => PropertyKey }
  /** @internal */
  readonly node: internal.Node
}

const stage = <A, W extends PropertyKey>(node: internal.Node): Stage<A, W> => ({
  [StageTypeId]: { _A: (a) => a, _W: () => undefined as never },
  node
})

const stages = <A, W extends PropertyKey>(
  tag: "parallel" | "series" | "share",
  parts: ReadonlyArray<AnyStage>
): Stage<A, W> => stage({ tag, parts: parts.map((part) => part.node) })

/**
 * A consumer: its handlers and choices.
 *
 * @category models
 * @since 0.1.0
 */
export interface Consumer<A, W extends keyof A = never> {
  /** Unique within the pipeline. */
  readonly name: string
  /** The fields it may set. Consumers in parallel must not share any: this is checked by the types. (Default: none) */
  readonly writes?: ReadonlyArray<W> | undefined
  /** Each event, in order. `last` tells the end of the batch. */
  readonly onEvent: (event: ReadonlyView<A, W>, sequence: number, last: boolean) => void
  /** Before a batch: how many events (those of others are counted when shared), and the first sequence. */
  readonly onBatchStart?: ((size: number, first: number) => void) | undefined
  /** After a batch, before its slots are given on: the last sequence. */
  readonly onBatchEnd?: ((last: number) => void) | undefined
  /** (Default: `park`) */
  readonly wait?: WaitStrategy | undefined
  /** (Default: {@link skip}) */
  readonly onFailure?: Policy | undefined
  /** The most events in a batch. (Default: the ring's capacity) */
  readonly maxBatch?: number | undefined
}

/**
 * One consumer.
 *
 * @category stages
 * @since 0.1.0
 */
export const consumer = <A, const W extends keyof A = never>(
  layout: Layout<A>,
  options: Consumer<A, W>
): Stage<A, W> => {
  void layout // only for its type
  const { name, onBatchEnd, onBatchStart, onEvent } = options
  return stage({
    tag: "consumer",
    name,
    consumer: {
      name,
      onEvent: onEvent as (event: unknown, sequence: number, last: boolean) => void, // the ring's view
      onBatchStart,
      onBatchEnd,
      wait: options.wait ?? park,
      policy: options.onFailure ?? skip,
      maxBatch: options.maxBatch ?? Infinity
    }
  })
}

/**
 * A consumer that runs in another thread, which {@link serve}s it. It gates from the beginning on.
 *
 * @category stages
 * @since 0.1.0
 */
export const elsewhere = <A, const W extends keyof A = never>(
  layout: Layout<A>,
  options: { readonly name: string; readonly writes?: ReadonlyArray<W> | undefined }
): Stage<A, W> => {
  void layout
  return stage({ tag: "consumer", name: options.name, consumer: undefined })
}

type Fields<S> = S extends { readonly [StageTypeId]: { readonly _W: () => infer W extends PropertyKey } } ? W
  : never
type Events<S> = S extends { readonly [StageTypeId]: { readonly _A: (_: never) => infer A } } ? A : never

/** Stages of the same events. */
type Alike<S extends ReadonlyArray<unknown>> = { readonly [K in keyof S]: Stage<Events<S[0]>, PropertyKey> }

/** True, or the fields that two of the stages write. */
type Disjoint<S extends ReadonlyArray<unknown>, Seen = never> = S extends readonly [infer Head, ...infer Rest]
  ? [Fields<Head> & Seen] extends [never] ? Disjoint<Rest, Seen | Fields<Head>> : Fields<Head> & Seen
  : true

/**
 * Every stage sees every event, none waits for another. Two that write the same field do not compile.
 *
 * @category stages
 * @since 0.1.0
 */
export const parallel = <const S extends readonly [AnyStage, ...Array<AnyStage>]>(
  ...parts:
    & S
    & Alike<S>
    & (Disjoint<S> extends true ? unknown : { readonly "written by two stages in parallel": Disjoint<S> })
): Stage<Events<S[0]>, Fields<S[number]>> => stages("parallel", parts)

/**
 * Each stage sees an event after the stage before it is done with it.
 *
 * @category stages
 * @since 0.1.0
 */
export const series = <const S extends readonly [AnyStage, ...Array<AnyStage>]>(
  ...parts: S & Alike<S>
): Stage<Events<S[0]>, Fields<S[number]>> => stages("series", parts)

/**
 * The events are shared out: of n consumers, each handles those whose sequence modulo n is its place. They may write
 * the same fields, of different events.
 *
 * @category stages
 * @since 0.1.0
 */
export const share = <const S extends readonly [AnyStage, ...Array<AnyStage>]>(
  ...parts: S & Alike<S>
): Stage<Events<S[0]>, Fields<S[number]>> => stages("share", parts)

/**
 * A running pipeline.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pipeline<in out A> {
  readonly [TypeId]: internal.Arrangement
  readonly ring: RingBuffer.RingBuffer<A>
  /** The last 256 failures of the consumers in this thread, until they are taken. */
  readonly failures: Queue.Dequeue<Failure>
  /** Ends when every consumer of this thread has ended: drained, taken out, or stopped by a failure. */
  readonly ended: Effect.Effect<void, PipelineStopped>
}

/**
 * What another thread needs to {@link serve} consumers of a pipeline: structured-cloneable.
 *
 * @category models
 * @since 0.1.0
 */
export interface Description {
  readonly ring: RingBuffer.Description
  readonly consumers: ReadonlyArray<{
    readonly name: string
    readonly index: number
    readonly part: number
    readonly of: number
  }>
}

/**
 * Where a consumer stands.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConsumerStatus {
  readonly name: string
  /** The last sequence it is done with. */
  readonly sequence: number
  /** Events published (or claimed) and not yet passed. */
  readonly behind: number
  /** Counted in this thread only. */
  readonly handled: number
  readonly failures: number
  readonly state: "running" | "ending" | "ended"
}

const enter = (
  arrangement: internal.Arrangement,
  node: internal.Node,
  follows: number
): Effect.Effect<void, PipelineError | RingBuffer.RingError> =>
  Effect.suspend((): Effect.Effect<void, PipelineError | RingBuffer.RingError> => {
    const reason = internal.refusal(node, arrangement.placed)
    if (reason !== undefined) return Effect.fail(new PipelineError({ reason }))
    if (arrangement.enter(node, follows)) return Effect.void
    return Effect.fail(new RingBuffer.RingError({ reason: `The ring has ${R.MAX_CONSUMERS} consumers` }))
  })

/** A pipeline in which nothing runs yet. */
const empty = Effect.fnUntraced(function*<A>(ring: RingBuffer.RingBuffer<A>) {
  const context = yield* Effect.context()
  const failures = yield* Queue.sliding<Failure>(256)
  const ended = yield* Deferred.make<void, PipelineStopped>()
  const arrangement = new internal.Arrangement(
    RingBuffer.internals(ring),
    (consumer, failed) => {
      const { decision, error, sequence } = failed
      Queue.offerUnsafe(failures, { consumer, ...failed })
      Effect.runForkWith(context)(
        Effect.logError(`Consumer "${consumer}" failed at event ${sequence}: ${decision}`, error)
      )
      if (decision !== "stop") return
      Deferred.doneUnsafe(ended, Effect.fail(new PipelineStopped({ consumer, sequence, cause: error })))
    },
    (_, __, last) => {
      if (last) Deferred.doneUnsafe(ended, Effect.void)
    }
  )
  const pipeline: Pipeline<A> = { [TypeId]: arrangement, ring, failures, ended: Deferred.await(ended) }
  return { pipeline, arrangement, shutdown: Queue.shutdown(failures), ended }
})

/**
 * Enters the consumers of a stage into a ring and runs those of this thread, until the scope closes. They see every
 * event that is published from now on.
 *
 * @category running
 * @since 0.1.0
 */
export const run = Effect.fnUntraced(function*<A, W extends PropertyKey>(
  self: RingBuffer.RingBuffer<A>,
  stage: Stage<A, W>
): Effect.fn.Return<Pipeline<A>, PipelineError | RingBuffer.RingError, Scope.Scope> {
  const { arrangement, ended, pipeline, shutdown } = yield* empty(self)
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      // Those elsewhere are asked to halt; one that has died with its thread is not waited for long.
      Effect.forEach([...arrangement.placed.keys()], (name) => remove(pipeline, name, { timeout: 100 }), {
        concurrency: "unbounded",
        discard: true
      }),
      shutdown
    )
  )
  yield* enter(arrangement, stage.node, 0)
  // Nothing runs here: then nothing has to end.
  if (arrangement.running === 0) Deferred.doneUnsafe(ended, Effect.void)
  return pipeline
})

/**
 * What other threads need to serve the consumers that are {@link elsewhere}.
 *
 * @category operations
 * @since 0.1.0
 */
export const description = <A>(self: Pipeline<A>): Description => ({
  ring: self.ring.description,
  consumers: [...self[TypeId].placed.values()].map(({ index, name, of, part }) => ({ index, name, of, part }))
})

/**
 * Runs, in another thread, a consumer that is {@link elsewhere} in the pipeline that made the description, until the
 * scope closes or the ring is closed and read. It goes on at the sequence of its line: when a thread died, another
 * may serve the same consumer, and handles again the batch that the dead one had in hand.
 *
 * @category running
 * @since 0.1.0
 */
export const serve = Effect.fnUntraced(function*<A, W extends PropertyKey>(
  ring: RingBuffer.RingBuffer<A>,
  description: Description,
  consumer: Stage<A, W>
): Effect.fn.Return<Pipeline<A>, PipelineError, Scope.Scope> {
  const { node } = consumer
  const reason = internal.refusal(node, new Map())
  if (reason !== undefined) return yield* new PipelineError({ reason })
  const line = description.consumers.find(({ name }) => node.tag === "consumer" && name === node.name)
  if (!line || node.tag !== "consumer" || !node.consumer) {
    return yield* new PipelineError({ reason: "The pipeline has no such consumer elsewhere" })
  }
  const { arrangement, pipeline, shutdown } = yield* empty(ring)
  const placed: internal.Placed = { ...line, runner: undefined }
  yield* Effect.addFinalizer(() => {
    // Its line stays in the ring, for the next who serves it, unless the pipeline takes it out.
    placed.runner?.halt()
    return Effect.andThen(Effect.exit(pipeline.ended), shutdown)
  })
  // Whoever served it before may have died with a bell in hand.
  arrangement.ring.bells.ringAll()
  arrangement.start(placed, node.consumer)
  return pipeline
})

/**
 * Adds consumers while the pipeline runs: after those named in `after`, or beside the first. They see the events from
 * now on, and must not write: nobody could check what others write.
 *
 * @category operations
 * @since 0.1.0
 */
export const add = <A>(self: Pipeline<A>, stage: Stage<A, never>, options?: {
  readonly after?: ReadonlyArray<string> | undefined
}): Effect.Effect<void, PipelineError | RingBuffer.RingError> =>
  Effect.suspend(() => {
    const arrangement = self[TypeId]
    let follows = 0
    for (const name of options?.after ?? []) {
      const placed = arrangement.placed.get(name)
      if (!placed) return Effect.fail(new PipelineError({ reason: `There is no consumer "${name}"` }))
      follows |= 1 << placed.index
    }
    return enter(arrangement, stage.node, follows)
  })

/**
 * Takes a consumer out while the pipeline runs, after the batch in hand; what followed it then follows what it
 * followed. One elsewhere that does not answer within the `timeout` (default: 1 second; it may have died) is taken
 * out all the same, and its line is not used again. False when there is no such consumer.
 *
 * @category operations
 * @since 0.1.0
 */
export const remove = <A>(self: Pipeline<A>, name: string, options?: {
  readonly timeout?: Duration.Input | undefined
}): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const { placed: all } = self[TypeId]
    const placed = all.get(name)
    if (!placed) return Effect.succeed(false)
    all.delete(name)
    const { ring } = RingBuffer.internals(self.ring)
    ring.halt(placed.index)
    const gone = () => ring.roleOf(placed.index) === R.ENDED
    return until(ring.bells, ROOM, gone).pipe(
      Effect.timeoutOption(options?.timeout ?? 1000),
      Effect.map(() => {
        ring.leave(placed.index, gone())
        return true
      }),
      Effect.uninterruptible
    )
  })

/**
 * Closes the ring and waits until every consumer has handled what was published, at most for the `timeout`
 * (default: none). Returns how many events the slowest has left.
 *
 * @category operations
 * @since 0.1.0
 */
export const drain = <A>(self: Pipeline<A>, options?: {
  readonly timeout?: Duration.Input | undefined
}): Effect.Effect<number> =>
  Effect.suspend(() => {
    const { ring } = RingBuffer.internals(self.ring)
    ring.close()
    const left = () => Math.max(0, (ring.cursor - ring.slowest(ring.cursor)) | 0)
    const drained = () =>
      left() === 0 ||
      [...self[TypeId].placed.values()].every(({ index }) =>
        ring.roleOf(index) === R.ENDED || ring.sequenceOf(index) === ring.cursor
      )
    return until(ring.bells, ROOM, drained).pipe(
      Effect.timeoutOption(options?.timeout ?? Infinity),
      Effect.map(left)
    )
  })

/**
 * Where each consumer stands.
 *
 * @category operations
 * @since 0.1.0
 */
export const status = <A>(self: Pipeline<A>): Effect.Effect<ReadonlyArray<ConsumerStatus>> =>
  Effect.sync(() => {
    const { ring } = RingBuffer.internals(self.ring)
    return [...self[TypeId].placed.values()].map(({ index, name, runner }) => {
      const sequence = ring.sequenceOf(index)
      const role = ring.roleOf(index)
      return {
        name,
        sequence: sequence >>> 0,
        behind: Math.max(0, (ring.cursor - sequence) | 0),
        handled: runner?.handled ?? 0,
        failures: runner?.failures ?? 0,
        state: role === R.LIVE ? "running" : role === R.ENDING ? "ending" : "ended"
      }
    })
  })
