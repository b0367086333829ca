/**
 * The Disruptor's ring: pre-allocated slots of a {@link Layout}, written and read in place, in one thread or shared
 * by several.
 *
 * ```text
 *   producer ---> [ slot | slot | slot | slot | slot | slot | slot | slot ] ---> consumer ---> consumer
 *    claims,          ^ the slowest last consumer gates the producers        each at its own sequence
 *    writes, publishes
 * ```
 *
 * Producers get a slot by a callback, so a claim cannot be forgotten: the slot is published when the callback
 * returns, and given up when it throws. Consumers are pollers here ({@link poller}, {@link stream}); graphs of
 * handlers are in `Pipeline`.
 *
 * **When to use** Events of fixed size and one order for all who see them: market data, telemetry, the input of a
 * simulation. For messages to actors use refs.
 *
 * **Details**
 *
 * | ring for | producers | claim | one event, about | a producer's death |
 * | --- | --- | --- | --- | --- |
 * | `single` (default) | one at a time | a number of its own | 15 ns | nothing was published: nothing to do |
 * | `multi` | up to 32, in any threads | compare-and-swap, marks per slot | 50 ns | {@link repair} marks its slots skipped |
 *
 * Sequences are 32-bit numbers that wrap. A ring has at most 31 consumers.
 *
 * **Gotchas** A ring on which nobody is entered as a consumer overwrites its oldest events: enter the consumers
 * before the first event. A consumer in hand of a thread that died gates the producers until it is taken out or
 * taken over.
 *
 * @since 0.1.0
 */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { Consumer } from "./internal/hot/barrier.ts"
import * as Claim from "./internal/hot/claim.ts"
import * as R from "./internal/hot/ring.ts"
import { BELL_BYTES } from "./internal/hot/wait.ts"
import * as internal from "./internal/ring.ts"
import type { Layout, ReadonlyView, View } from "./Layout.ts"
import * as Memory from "./Memory.ts"

const TypeId = "~@troupe/runtime/RingBuffer"

/**
 * A ring cannot be made, attached or entered.
 *
 * @category errors
 * @since 0.1.0
 */
export class RingError extends Schema.TaggedError<RingError>()("RingError", { reason: Schema.String }) {
  override get message(): string {
    return `${this.reason}.`
  }
}

/**
 * The ring is closed: it accepts no more events.
 *
 * @category errors
 * @since 0.1.0
 */
export class RingClosed extends Schema.TaggedError<RingClosed>()("RingClosed", {}) {
  override get message(): string {
    return "The ring is closed."
  }
}

/**
 * A ring of events `A`, as this thread sees it.
 *
 * @category models
 * @since 0.1.0
 */
export interface RingBuffer<in out A> {
  readonly [TypeId]: internal.Opened
  readonly layout: Layout<A>
  /** Slots: a power of two. */
  readonly capacity: number
  readonly producers: "single" | "multi"
  /** Post this to another thread, and {@link attach} it there. */
  readonly description: Description
}

/**
 * What another thread needs to take part in a ring: structured-cloneable.
 *
 * @category models
 * @since 0.1.0
 */
export interface Description {
  readonly capacity: number
  readonly producers: "single" | "multi"
  /** The layout's: threads that disagree on the bytes are refused. */
  readonly fingerprint: string
  readonly memory: Memory.Descriptor
  readonly bells: Memory.Descriptor
}

/**
 * Publishes events. For one thread; its callbacks must not publish themselves.
 *
 * @category models
 * @since 0.1.0
 */
export interface Producer<in out A> {
  /** Its line in the ring's table: what {@link repair} is given. */
  readonly line: number
  /**
   * Publishes one event, which `write` fills in place: the slot still holds an older event, so set every field.
   * False, at once, when the ring is full or closed. When `write` throws, nobody sees the slot, and this throws.
   */
  tryPublish(write: (event: View<A>) => void): boolean
  /** The same with an argument for `write`, which can then be a constant: no closure for each event. */
  tryPublish<X>(write: (event: View<A>, argument: X) => void, argument: X): boolean
  /** Publishes `count` events, all at once or none; `write` is given the index of each. At most the capacity. */
  tryPublishBatch(count: number, write: (event: View<A>, _: undefined, index: number) => void): boolean
  tryPublishBatch<X>(
    count: number,
    write: (event: View<A>, argument: X, index: number) => void,
    argument: X
  ): boolean
  /** Publishes one event, waiting for room, interruptibly: an interrupted wait has claimed nothing. */
  publish(write: (event: View<A>) => void): Effect.Effect<void, RingClosed>
  publish<X>(write: (event: View<A>, argument: X) => void, argument: X): Effect.Effect<void, RingClosed>
  /** Publishes `count` events at once, waiting for room for all of them, interruptibly. */
  publishBatch<X>(
    count: number,
    write: (event: View<A>, argument: X, index: number) => void,
    argument: X
  ): Effect.Effect<void, RingClosed>
  /** Publishes one event, blocking the thread for room: for dedicated threads. Throws {@link RingClosed}. */
  publishUnsafe<X = undefined>(write: (event: View<A>, argument: X) => void, argument?: X): void
  /** The same for a batch. */
  publishBatchUnsafe<X = undefined>(
    count: number,
    write: (event: View<A>, argument: X, index: number) => void,
    argument?: X
  ): void
}

/**
 * A consumer driven by a loop of your own. For one thread.
 *
 * @category models
 * @since 0.1.0
 */
export interface Poller<in out A> {
  /** Its number in the ring: give it to `after` of what shall follow it. */
  readonly consumer: number
  /**
   * Reads what there is, at most `limit` events, in one batch, and returns how many it passed (skipped slots
   * count). `last` tells the end of the batch; producers get the slots back after it. When `f` throws, its event
   * and the rest stay for the next poll, and this throws.
   */
  poll(f: (event: ReadonlyView<A>, sequence: number, last: boolean) => void, limit?: number): number
  /** Waits until there is something to poll (true), or the ring is closed and all is read (false). */
  readonly ready: Effect.Effect<boolean>
  /** The same, blocking the thread. */
  readyUnsafe(): boolean
}

/**
 * Where a ring stands. Sequences are unsigned and wrap at 2^32.
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  /** Sequence of the last published (`single`) or claimed (`multi`) event. */
  readonly cursor: number
  /** Events that the slowest consumer has still to pass. */
  readonly backlog: number
  /** Slots given up because their callback threw. */
  readonly skipped: number
  /** Slots skipped because their producer died. */
  readonly repaired: number
  readonly closed: boolean
}

/**
 * Makes a ring in the {@link Memory} in force. It closes with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*<A>(layout: Layout<A>, options: {
  /** Slots: a power of two from 2 to 2^30; other numbers are rounded up. */
  readonly capacity: number
  /** How many producers at a time. (Default: `single`) */
  readonly producers?: "single" | "multi" | undefined
  /** Names its memory. (Default: `ring`) */
  readonly name?: string | undefined
  /** The sequence before the first event. Tests of wrapping begin below 2^31. (Default: -1, so the first is 0) */
  readonly start?: number | undefined
}): Effect.fn.Return<RingBuffer<A>, RingError | Memory.MemoryError, Scope.Scope> {
  if (!(options.capacity >= 1 && options.capacity <= 2 ** 30)) {
    return yield* new RingError({ reason: `A ring has from 2 to 2^30 slots, not ${options.capacity}` })
  }
  const capacity = Math.max(2, 2 ** Math.ceil(Math.log2(options.capacity)))
  const producers = options.producers ?? "single"
  const name = options.name ?? "ring"
  const shape = { capacity, stride: strideOf(layout), multi: producers === "multi" }
  const memory = yield* Memory.allocate({ name, byteLength: R.byteLength(shape), alignment: 64 })
  // Apart, because what lies in a mapped file cannot be waited on.
  const bells = yield* Memory.allocate({ name: `${name}.bells`, byteLength: BELL_BYTES, waitable: true })
  R.Ring.format(
    new Int32Array(memory.buffer, memory.byteOffset, R.slotsOffset(shape) / 4),
    shape,
    options.start ?? -1
  )
  const ring = opened(layout, shape, memory, bells)
  yield* Effect.addFinalizer(() => close(ring))
  return ring
})

/**
 * Opens a ring that another thread made, or this one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const attach = Effect.fnUntraced(function*<A>(
  layout: Layout<A>,
  description: Description
): Effect.fn.Return<RingBuffer<A>, RingError | Memory.MemoryError, Scope.Scope> {
  if (layout.fingerprint !== description.fingerprint) {
    return yield* new RingError({ reason: "The ring's events have another layout" })
  }
  const { capacity, producers } = description
  const shape = { capacity, stride: strideOf(layout), multi: producers === "multi" }
  const memory = yield* Memory.attach(description.memory)
  const bells = yield* Memory.attach(description.bells)
  const head = memory.byteLength < R.byteLength(shape)
    ? []
    : new Int32Array(memory.buffer, memory.byteOffset, 4)
  if (
    head[0] !== R.MAGIC || head[1] !== capacity || head[2] !== shape.stride ||
    head[3] !== (shape.multi ? 1 : 0)
  ) {
    return yield* new RingError({ reason: "The memory holds no such ring" })
  }
  return opened(layout, shape, memory, bells)
})

/** Slots begin at multiples of 8, so that a typed array reaches every field. */
const strideOf = (layout: { readonly byteLength: number }): number => Math.ceil(layout.byteLength / 8) * 8

const opened = <A>(
  layout: Layout<A>,
  shape: R.Shape,
  memory: Memory.Region,
  bells: Memory.Region
): RingBuffer<A> => {
  const producers = shape.multi ? "multi" : "single"
  return {
    [TypeId]: internal.open(layout, shape, memory, bells),
    layout,
    capacity: shape.capacity,
    producers,
    description: {
      capacity: shape.capacity,
      producers,
      fingerprint: layout.fingerprint,
      memory: memory.descriptor,
      bells: bells.descriptor
    }
  }
}

/** @internal */
export const internals = <A>(ring: RingBuffer<A>): internal.Opened => ring[TypeId]

/**
 * Sets a producer's line aside for another thread, and returns its number: keep it, to {@link repair} the ring when
 * that thread dies.
 *
 * @category producers
 * @since 0.1.0
 */
export const reserve = <A>(ring: RingBuffer<A>): Effect.Effect<number, RingError> =>
  Effect.suspend(() => {
    const line = Claim.enter(ring[TypeId].ring)
    return line >= 0
      ? Effect.succeed(line)
      : Effect.fail(
        new RingError({
          reason: ring.producers === "single" ? "The ring has its producer" : "The ring has 32 producers"
        })
      )
  })

/**
 * Enters a producer, until the scope closes. `line`: one that was {@link reserve}d for it; by default a free one.
 *
 * @category producers
 * @since 0.1.0
 */
export const producer = Effect.fnUntraced(function*<A>(
  ring: RingBuffer<A>,
  options?: { readonly line?: number | undefined }
): Effect.fn.Return<Producer<A>, RingError, Scope.Scope> {
  const line = options?.line ?? (yield* reserve(ring))
  yield* Effect.addFinalizer(() => Effect.sync(() => Claim.exit(ring[TypeId].ring, line)))
  return internal.producer(ring[TypeId], line, () => new RingClosed())
})

/**
 * A producer has died with its thread: what it had claimed and not published is marked skipped, its line is freed.
 * Returns how many slots that were. Call it only when the thread is certainly gone.
 *
 * @category producers
 * @since 0.1.0
 */
export const repair = Effect.fnUntraced(
  function*<A>(ring: RingBuffer<A>, line: number): Effect.fn.Return<number> {
    const { ring: words } = ring[TypeId]
    const before = Atomics.load(words.words, R.REPAIRED)
    // Live producers name a sequence for an instant longer than they hold it: look again until none does.
    while (Claim.repair(words, line) > 0) yield* Effect.sleep(1)
    return (Atomics.load(words.words, R.REPAIRED) - before) >>> 0
  }
)

/**
 * Enters a poller, until the scope closes. It sees every event from now on: after the producers, or after the
 * consumers named in `after`.
 *
 * @category consumers
 * @since 0.1.0
 */
export const poller = Effect.fnUntraced(function*<A>(
  self: RingBuffer<A>,
  options?: { readonly after?: ReadonlyArray<Poller<A>> | undefined }
): Effect.fn.Return<Poller<A>, RingError, Scope.Scope> {
  const { ring } = self[TypeId]
  const index = ring.join((options?.after ?? []).reduce((mask, each) => mask | 1 << each.consumer, 0))
  if (index < 0) return yield* new RingError({ reason: `The ring has ${R.MAX_CONSUMERS} consumers` })
  yield* Effect.addFinalizer(() => Effect.sync(() => ring.leave(index)))
  return pollerUnsafe(self, index)
})

const pollerUnsafe = <A>(self: RingBuffer<A>, index: number): Poller<A> => {
  const { ring, slots } = self[TypeId]
  const consumer = new Consumer<ReadonlyView<A>>(ring, slots(), index)
  const look = () => consumer.ready(1) > 0 || consumer.finished
  return {
    consumer: index,
    poll: (f, limit = self.capacity) => consumer.poll(f, limit),
    ready: Effect.map(internal.until(ring.bells, index, look), () => !consumer.finished),
    readyUnsafe: () => {
      internal.untilUnsafe(ring.bells, index, look)
      return !consumer.finished
    }
  }
}

/**
 * The events from now on as plain values, in chunks of what there is; ends when the ring is closed and read. A slow
 * reader gates the producers.
 *
 * @category streams
 * @since 0.1.0
 */
export const stream = <A>(self: RingBuffer<A>, options?: {
  /** One that is entered already. (Default: one that is entered when the stream starts) */
  readonly poller?: Poller<A> | undefined
  /** The most events in a chunk. (Default: the capacity) */
  readonly chunkSize?: number | undefined
}): Stream.Stream<A, RingError> =>
  Stream.unwrap(Effect.map(options?.poller ? Effect.succeed(options.poller) : poller(self), (poller) => {
    const pull: Effect.Effect<Arr.NonEmptyReadonlyArray<A>, Cause.Done> = Effect.suspend(() => {
      const values: Array<A> = []
      const passed = poller.poll((event) => void values.push(self.layout.read(event)), options?.chunkSize)
      if (isNonEmpty(values)) return Effect.succeed(values)
      if (passed > 0) return pull // only skipped slots
      return Effect.flatMap(poller.ready, (more) => more ? pull : Cause.done())
    })
    return Stream.fromPull(Effect.succeed(pull))
  }))

const isNonEmpty = <A>(values: ReadonlyArray<A>): values is Arr.NonEmptyReadonlyArray<A> => values.length > 0

/**
 * Publishes values, in batches as they come, waiting for room.
 *
 * @category streams
 * @since 0.1.0
 */
export const sink = <A>(
  self: RingBuffer<A>,
  producer: Producer<A>
): Sink.Sink<void, A, never, RingClosed> => {
  const write = (event: View<A>, values: ReadonlyArray<A>, index: number) =>
    self.layout.write(event, values[index]!)
  return Sink.forEachArray((values: Arr.NonEmptyReadonlyArray<A>) =>
    values.length <= self.capacity
      ? producer.publishBatch(values.length, write, values)
      : Effect.forEach(values, (value) => producer.publish(self.layout.write, value), { discard: true })
  )
}

/**
 * Closes the ring: producers are refused from now on, consumers read what is there.
 *
 * @category operations
 * @since 0.1.0
 */
export const close = <A>(ring: RingBuffer<A>): Effect.Effect<void> =>
  Effect.sync(() => ring[TypeId].ring.close())

/**
 * Where the ring stands now.
 *
 * @category operations
 * @since 0.1.0
 */
export const status = <A>(self: RingBuffer<A>): Effect.Effect<Status> =>
  Effect.sync(() => {
    const { ring } = self[TypeId]
    const slowest = ring.slowest(ring.cursor)
    return {
      cursor: ring.cursor >>> 0,
      backlog: Math.max(0, ring.cursor - slowest | 0),
      skipped: Atomics.load(ring.words, R.SKIPPED),
      repaired: Atomics.load(ring.words, R.REPAIRED),
      closed: ring.closed
    }
  })
