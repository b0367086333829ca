/**
 * Where bytes live: a service that hands out named, aligned regions.
 *
 * Rings, mailboxes and columns ask it for memory and say what the memory must be able to do. By default all memory
 * is `SharedArrayBuffer`s of the heap ({@link layerHeap}); another implementation may hand out mapped files, and
 * nothing above changes: a mapping is shared but cannot be waited on, so whoever sleeps asks for a small waitable
 * region beside it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"

/**
 * A stretch of memory. Its extent is fixed: make views of exactly `byteOffset` and `byteLength`, once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Region {
  readonly name: string
  readonly buffer: ArrayBufferLike
  /** Bytes from the buffer's start: a multiple of the alignment asked for, and of 8. */
  readonly byteOffset: number
  /** Bytes: at least what was asked for, and a multiple of 8. */
  readonly byteLength: number
  /** Whether other threads can see these bytes, by {@link Region.descriptor}. */
  readonly shared: boolean
  /** Whether `Atomics.wait`, `waitAsync` and `notify` work on it. */
  readonly waitable: boolean
  /** Whether it holds what was stored before it was opened: it was asked for with `keep`, or it is attached. */
  readonly kept: boolean
  /**
   * Brings what is stored to where it outlives the machine, as far as this memory can and was told to. Nothing, for
   * memory of the heap.
   */
  readonly flush: Effect.Effect<void, MemoryError>
  /** Can be posted to another thread, whose {@link Memory} attaches the same bytes. */
  readonly descriptor: Descriptor
}

/**
 * What another thread needs to attach a region: structured-cloneable. `kind` names the implementation that knows
 * what `source` is; for `heap` it is the SharedArrayBuffer itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Descriptor {
  readonly kind: string
  readonly name: string
  readonly byteOffset: number
  readonly byteLength: number
  readonly source: unknown
}

/**
 * What is asked for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Request {
  /** For people and, where regions are files, their name. */
  readonly name: string
  readonly byteLength: number
  /** Bytes, a power of two. (Default: 64, a cache line) */
  readonly alignment?: number | undefined
  /** The region must be fit for `Atomics.wait`. (Default: false) */
  readonly waitable?: boolean | undefined
  /**
   * Where memory outlives its scope: what is there under this name is kept, instead of zeros. Memory of the heap
   * begins with zeros all the same. (Default: false)
   */
  readonly keep?: boolean | undefined
}

/**
 * There is no such memory.
 *
 * @category errors
 * @since 0.1.0
 */
export class MemoryError extends Schema.TaggedError<MemoryError>()("MemoryError", {
  name: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `Memory "${this.name}": ${this.reason}.`
  }
}

/**
 * The service: allocates regions filled with zeros, unless they are kept, which live as long as the scope; attaches
 * those of others.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly allocate: (request: Request) => Effect.Effect<Region, MemoryError, Scope.Scope>
  readonly attach: (descriptor: Descriptor) => Effect.Effect<Region, MemoryError, Scope.Scope>
  /** The names of the snapshots that there are of a swarm's kept memory: for people. Absent where there are none. */
  readonly snapshots?: ((swarm: string) => ReadonlyArray<string>) | undefined
}

const fail = (name: string, reason: string) => Effect.fail(new MemoryError({ name, reason }))

const heapRegion = (
  name: string,
  buffer: ArrayBufferLike,
  byteOffset: number,
  byteLength: number,
  kept: boolean
): Region => ({
  name,
  buffer,
  byteOffset,
  byteLength,
  shared: true,
  waitable: true,
  kept,
  flush: Effect.void,
  descriptor: { kind: "heap", name, byteOffset, byteLength, source: buffer }
})

/**
 * Memory of the heap: each region is a `SharedArrayBuffer` of its own, freed by the garbage collector when no thread
 * holds it any more. `limit`: bytes that may be allocated within living scopes. (Default: no limit)
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeHeap = (options?: { readonly limit?: number | undefined }): Service => {
  const limit = options?.limit ?? Infinity
  let used = 0
  const allocate = Effect.fnUntraced(function*(request: Request) {
    const { alignment = 64, name } = request
    const byteLength = Math.ceil(request.byteLength / 8) * 8
    if (!(byteLength > 0 && Number.isSafeInteger(byteLength))) {
      return yield* fail(name, `${request.byteLength} bytes`)
    }
    // A buffer begins at a multiple of 16 at least; what is asked beyond, offsets within it cannot give.
    if (!(alignment > 0 && (alignment & (alignment - 1)) === 0)) {
      return yield* fail(name, `an alignment of ${alignment} is not a power of two`)
    }
    if (used + byteLength > limit) return yield* fail(name, `${byteLength} bytes, of ${limit - used} left`)
    const buffer = yield* Effect.try({
      try: () => new SharedArrayBuffer(byteLength),
      catch: (cause) => new MemoryError({ name, reason: `${byteLength} bytes: ${String(cause)}` })
    })
    used += byteLength
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        used -= byteLength
      })
    )
    return heapRegion(name, buffer, 0, byteLength, false)
  })
  const attach = (descriptor: Descriptor) => {
    const { byteLength, byteOffset, kind, name, source } = descriptor
    return kind !== "heap" || !(source instanceof SharedArrayBuffer) ||
        byteOffset + byteLength > source.byteLength
      ? fail(name, `not a region of the heap but of "${kind}"`)
      : Effect.succeed(heapRegion(name, source, byteOffset, byteLength, true))
  }
  return { allocate, attach }
}

/**
 * The memory in force. (Default: the heap, without a limit)
 *
 * @category services
 * @since 0.1.0
 */
export const Memory: Context.Reference<Service> = Context.Reference("@troupe/runtime/Memory", {
  defaultValue: makeHeap
})

/**
 * Memory of the heap, with its own account and limit.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHeap = (options?: { readonly limit?: number | undefined }): Layer.Layer<never> =>
  Layer.sync(Memory)(() => makeHeap(options))

/**
 * Allocates from the memory in force.
 *
 * @category operations
 * @since 0.1.0
 */
export const allocate = (request: Request): Effect.Effect<Region, MemoryError, Scope.Scope> =>
  Effect.flatMap(Memory, (memory) => memory.allocate(request))

/**
 * Attaches a region that another thread allocated.
 *
 * @category operations
 * @since 0.1.0
 */
export const attach = (descriptor: Descriptor): Effect.Effect<Region, MemoryError, Scope.Scope> =>
  Effect.flatMap(Memory, (memory) => memory.attach(descriptor))
