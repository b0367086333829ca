/**
 * Memory in files: the runtime's `Memory`, mapped, so that what is stored in it outlives the process.
 *
 * A region that is asked for with `keep: true` is a file of its own, named after it. Whoever asks for that name again,
 * in this process or a later one, gets the bytes as they were: opening is mapping, nothing is decoded, whatever the
 * size. All other regions are files that go with their scope.
 *
 * **Details**
 *
 * | `flush` | `region.flush` | at the end of the scope |
 * | --- | --- | --- |
 * | `none` (default) | does nothing | nothing: the system writes when it likes |
 * | `async` | starts to write, on another thread, and does not wait | the same |
 * | `sync` | waits until all is on the disk | the same |
 *
 * What was stored survives the process, however it ends, whatever `flush` says: the system has it. `flush` is for the
 * loss of power.
 *
 * - Space is reserved before it is mapped. A full disk, a quota or a limit is a `MemoryError` when the region is
 *   allocated, never a signal when it is used.
 * - A region that is kept belongs to one scope at a time, also between processes; another `allocate` fails. `attach`
 *   maps the same file in another thread.
 * - Mapped regions are `shared` but not `waitable`; who asks for `waitable` gets memory of the heap.
 * - At the end of a region's scope its buffer is detached before the mapping goes. A view that somebody kept has the
 *   length 0: `Atomics`, `DataView` and new views throw, an element reads as undefined and is not written.
 *
 * **Gotchas** Somebody who cuts a file short while it is mapped takes memory away from under this process, and the
 * system ends a process that touches it (`SIGBUS`). A file that is too short is found when it is opened, attached or
 * flushed; in between nothing can find it.
 *
 * **Example** (A counter that counts on after a restart)
 *
 * ```ts
 * import * as MappedMemory from "@troupe/persistence/MappedMemory"
 * import * as Memory from "@troupe/runtime/Memory"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const region = yield* Memory.allocate({ name: "visits", byteLength: 8, keep: true })
 *   const words = new Int32Array(region.buffer, region.byteOffset, 2)
 *   const visits = Atomics.add(words, 0, 1) + 1
 *   yield* region.flush
 *   return visits
 * })
 *
 * const main = program.pipe(
 *   Effect.scoped,
 *   Effect.provide(MappedMemory.layer({ directory: "./state", flush: "sync" }))
 * )
 * ```
 *
 * @since 0.1.0
 */
import * as Memory from "@troupe/runtime/Memory"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Platform from "#platform"
import * as Mapping from "./internal/mapping.ts"
import type { StorageError } from "./StorageError.ts"

/**
 * When what is stored goes to the disk; see the table above.
 *
 * @category models
 * @since 0.1.0
 */
export type Flush = "none" | "async" | "sync"

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Where the files are. It is made if it is not there. */
  readonly directory: string
  /** Default: `none`. */
  readonly flush?: Flush | undefined
  /** Under `async`: how often regions are flushed without being asked. Default: never. */
  readonly interval?: Duration.Input | undefined
}

const kind = "mapped"

/** Names are for people; files have the letters that every file system has, and never lead elsewhere. */
const fileName = (name: string): string =>
  encodeURIComponent(name).replace(/[.!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)

const toMemoryError = (name: string) => (error: StorageError): Memory.MemoryError =>
  new Memory.MemoryError({ name, reason: error.message })

const TEMPORARY = ".temporary"

/** Removes what processes left that ended without closing their scopes: the lock of a living one is taken. */
const removeLeft = (directory: string): void => {
  for (const name of Platform.list(directory)) {
    if (!name.endsWith(TEMPORARY)) continue
    const path = Platform.join(directory, name)
    const fd = Platform.open(path, "write")
    if (Platform.lock(path, fd)) Platform.remove(path)
    Platform.close(fd)
  }
}

interface Opened {
  readonly mapping: Mapping.Mapping
  readonly kept: boolean
  readonly temporary?: boolean
}

/** Undefined when another scope has it. */
const openKept = (path: string, byteLength: number): Opened | undefined => {
  if (!Platform.exists(path)) {
    // Under its name only when it is whole: a crash in between leaves a file that nobody takes for a region.
    const made = `${path}.${Platform.random32().toString(36)}${TEMPORARY}`
    const mapping = Mapping.create(made, byteLength)
    Platform.lock(made, mapping.fd)
    if (Platform.publish(made, path)) {
      mapping.path = path
      return { mapping, kept: false }
    }
    mapping.close()
  }
  const fd = Platform.open(path, "write")
  try {
    if (!Platform.lock(path, fd)) {
      Platform.close(fd)
      return undefined
    }
    Platform.reserve(path, fd, byteLength)
    return { mapping: new Mapping.Mapping(path, fd, Platform.size(path, fd), "write"), kept: true }
  } catch (cause) {
    Platform.close(fd)
    throw cause
  }
}

/**
 * Memory in the files of a directory, while the scope lives.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<Memory.Service, StorageError, Scope.Scope> {
  const flush = options.flush ?? "none"
  const heap = Memory.makeHeap()
  const mappings = new Set<Mapping.Mapping>()
  const directory = yield* Mapping.attempt(() => {
    const directory = Platform.resolve(options.directory)
    Platform.assertSupported(directory)
    Platform.makeDirectory(directory)
    removeLeft(directory)
    return directory
  })

  const flushed = (mapping: Mapping.Mapping): Effect.Effect<void, StorageError> =>
    flush === "none" ? Effect.void : Effect.andThen(
      Mapping.attempt(() => mapping.assertWhole()),
      flush === "sync" ? mapping.sync : Effect.sync(() => mapping.syncAsync(() => {}))
    )

  const region = Effect.fnUntraced(function*(
    name: string,
    open: () => Opened | undefined,
    extent?: { readonly byteOffset: number; readonly byteLength: number }
  ) {
    const acquire = Effect.flatMap(
      Effect.mapError(Mapping.attempt(open), toMemoryError(name)),
      (opened) => {
        if (opened === undefined) {
          return Effect.fail(new Memory.MemoryError({ name, reason: "another scope has it" }))
        }
        mappings.add(opened.mapping)
        return Effect.succeed(opened)
      }
    )
    const { kept, mapping } = yield* Effect.acquireRelease(
      acquire,
      ({ mapping, temporary }) =>
        Effect.andThen(
          temporary === true ? Effect.void : Effect.ignore(flushed(mapping)),
          Effect.sync(() => {
            mappings.delete(mapping)
            mapping.close()
            if (temporary === true) Platform.remove(mapping.path)
          })
        )
    )
    const byteOffset = extent?.byteOffset ?? 0
    const byteLength = extent?.byteLength ?? mapping.byteLength - mapping.byteLength % 8
    return {
      name,
      buffer: mapping.buffer,
      byteOffset,
      byteLength,
      shared: true,
      waitable: false,
      kept,
      flush: Effect.mapError(flushed(mapping), toMemoryError(name)),
      descriptor: { kind, name, byteOffset, byteLength, source: mapping.path }
    } satisfies Memory.Region
  })

  if (flush === "async" && options.interval !== undefined) {
    const every = Duration.fromInputUnsafe(options.interval)
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(
      Effect.sleep(every),
      Effect.sync(() => {
        for (const mapping of mappings) mapping.syncAsync(() => {})
      })
    )))
  }

  return {
    allocate: (request) => {
      const { alignment = 64, name } = request
      if (request.waitable === true) return heap.allocate(request)
      const byteLength = Math.ceil(request.byteLength / 8) * 8
      const fail = (reason: string) => Effect.fail(new Memory.MemoryError({ name, reason }))
      if (!(byteLength > 0 && Number.isSafeInteger(byteLength))) return fail(`${request.byteLength} bytes`)
      // A mapping begins at a page.
      if (!(alignment > 0 && alignment <= 4096 && (alignment & (alignment - 1)) === 0)) {
        return fail(`an alignment of ${alignment} is not a power of two up to 4096`)
      }
      const path = Platform.join(directory, fileName(name))
      return region(name, () => {
        if (request.keep === true) return openKept(`${path}.region`, byteLength)
        const temporary = `${path}.${Platform.random32().toString(36)}${TEMPORARY}`
        const mapping = Mapping.create(temporary, byteLength)
        Platform.lock(temporary, mapping.fd)
        return { mapping, kept: false, temporary: true }
      })
    },
    attach: (descriptor) => {
      const { byteLength, byteOffset, name, source } = descriptor
      if (descriptor.kind !== kind || typeof source !== "string") return heap.attach(descriptor)
      return region(name, () => ({
        mapping: Mapping.open(source, "write", byteOffset + byteLength),
        kept: true
      }), { byteLength, byteOffset })
    }
  }
})

/**
 * Provides the `Memory` of everything beneath it: rings, swarms, whatever asks for a region.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<never, StorageError> =>
  Layer.effect(Memory.Memory)(make(options))
