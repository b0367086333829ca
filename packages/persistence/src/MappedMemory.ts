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
import * as RegionFile from "./internal/regionFile.ts"
import * as SnapshotFile from "./internal/snapshotFile.ts"
import { FileError } from "./FileError.ts"

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
  /** (Default: `none`) */
  readonly flush?: Flush | undefined
  /** Under `async`: how often regions are flushed without being asked. (Default: never) */
  readonly interval?: Duration.Input | undefined
}

/**
 * Memory that is the files of a directory.
 *
 * @category models
 * @since 0.1.0
 */
export interface MappedMemory extends Memory.Service {
  /** Its absolute path. */
  readonly directory: string
}

/**
 * Whether memory is that of a directory's files.
 *
 * @category guards
 * @since 0.1.0
 */
export const isMappedMemory = (memory: Memory.Service): memory is MappedMemory => "directory" in memory

const kind = "mapped"

const toMemoryError = (name: string) => (error: FileError): Memory.MemoryError =>
  new Memory.MemoryError({ name, reason: error.message })

interface Opened {
  readonly mapping: Mapping.Mapping
  readonly kept: boolean
  readonly temporary?: boolean
}

/** Undefined when another scope has it. */
const openKept = (path: string, byteLength: number): Opened | undefined => {
  const there = Platform.openIfThere(path)
  if (there === undefined) {
    // Under its name only when it is whole: a crash in between leaves a file that nobody takes for a region.
    const made = RegionFile.temporary(path)
    const mapping = Mapping.create(made, byteLength)
    Platform.lock(made, mapping.fd)
    if (Platform.publish(made, path)) {
      mapping.path = path
      return { mapping, kept: false }
    }
    mapping.close()
  }
  const fd = there ?? Platform.open(path, "write")
  try {
    // Or something else was put in its place before it was locked.
    const size = Platform.lock(path, fd) ? Platform.sizeIfNamed(path, fd) : undefined
    if (size === undefined) {
      Platform.close(fd)
      return undefined
    }
    if (size < byteLength) Platform.reserve(path, fd, byteLength)
    return { mapping: new Mapping.Mapping(path, fd, Math.max(size, byteLength), "write"), kept: true }
  } catch (cause) {
    Platform.close(fd)
    throw cause
  }
}

class MappedRegion implements Memory.Region {
  readonly name: string
  readonly opened: Opened
  readonly byteOffset: number
  readonly byteLength: number
  readonly shared = true
  readonly waitable = false
  readonly #flushed: (mapping: Mapping.Mapping) => Effect.Effect<void, FileError>

  constructor(
    name: string,
    opened: Opened,
    extent: { readonly byteOffset: number; readonly byteLength: number } | undefined,
    flushed: (mapping: Mapping.Mapping) => Effect.Effect<void, FileError>
  ) {
    const { byteLength } = opened.mapping
    this.name = name
    this.opened = opened
    this.byteOffset = extent?.byteOffset ?? 0
    this.byteLength = extent?.byteLength ?? byteLength - byteLength % 8
    this.#flushed = flushed
  }

  get buffer(): ArrayBuffer {
    return this.opened.mapping.buffer
  }

  get kept(): boolean {
    return this.opened.kept
  }

  get flush(): Effect.Effect<void, Memory.MemoryError> {
    return Effect.mapError(this.#flushed(this.opened.mapping), toMemoryError(this.name))
  }

  get descriptor(): Memory.Descriptor {
    const { byteLength, byteOffset, name, opened } = this
    return { kind, name, byteOffset, byteLength, source: opened.mapping.path }
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
): Effect.fn.Return<MappedMemory, FileError, Scope.Scope> {
  const flush = options.flush ?? "none"
  const heap = Memory.makeHeap()
  const mappings = new Set<Mapping.Mapping>()
  const directory = yield* Mapping.attempt(() => {
    const directory = Platform.resolve(options.directory)
    Platform.assertSupported(directory)
    Platform.makeDirectory(directory)
    RegionFile.removeLeft(directory)
    return directory
  })

  const flushed = (mapping: Mapping.Mapping): Effect.Effect<void, FileError> =>
    flush === "none" ? Effect.void : Effect.andThen(
      Mapping.attempt(() => mapping.assertWhole()),
      flush === "sync" ? mapping.sync : Effect.sync(() => mapping.syncAsync(() => {}))
    )

  // A swarm of a million has two hundred: as few steps as can be.
  const region = (
    name: string,
    open: () => Opened | undefined,
    extent?: { readonly byteOffset: number; readonly byteLength: number }
  ): Effect.Effect<Memory.Region, Memory.MemoryError, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        try {
          const opened = open()
          if (opened === undefined) {
            return Effect.fail(new Memory.MemoryError({ name, reason: "another scope has it" }))
          }
          mappings.add(opened.mapping)
          return Effect.succeed(new MappedRegion(name, opened, extent, flushed))
        } catch (cause) {
          if (cause instanceof FileError) return Effect.fail(toMemoryError(name)(cause))
          throw cause
        }
      }),
      ({ opened: { mapping, temporary } }) => {
        const close = Effect.sync(() => {
          mappings.delete(mapping)
          mapping.close()
          if (temporary === true) Platform.remove(mapping.path)
        })
        return temporary === true || flush === "none"
          ? close
          : Effect.andThen(Effect.ignore(flushed(mapping)), close)
      }
    )

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
    directory,
    snapshots: (swarm) => SnapshotFile.names(directory, swarm),
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
      return region(name, () => {
        if (request.keep === true) return openKept(RegionFile.pathOf(directory, name), byteLength)
        const temporary = RegionFile.temporary(Platform.join(directory, RegionFile.encode(name)))
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
export const layer = (options: Options): Layer.Layer<never, FileError> =>
  Layer.effect(Memory.Memory)(make(options))
