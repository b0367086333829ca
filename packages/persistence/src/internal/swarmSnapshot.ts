/** Takes snapshots of swarms, finds them, and puts them in the place of what there is. */
import type * as Memory from "@troupe/runtime/Memory"
import type { Any } from "@troupe/runtime/Swarm"
import * as SwarmImage from "@troupe/runtime/SwarmImage"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Platform from "#platform"
import type { FileError } from "../FileError.ts"
import { InUse, NoSnapshot, NotKept, OtherContract, type Reason } from "../SwarmSnapshotError.ts"
import { attempt } from "./mapping.ts"
import * as RegionFile from "./regionFile.ts"
import * as SnapshotFile from "./snapshotFile.ts"

type Problem = Reason | FileError

/** Files that are written at a time. */
const AT_ONCE = 4
const HEADER = "header"

interface Open {
  readonly path: string
  readonly fd: number
}

/** A file for as long as the scope lives. */
const opened = (path: string, access: Platform.Access): Effect.Effect<Open, FileError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(attempt(() => Platform.open(path, access)), (fd) => ({ path, fd })),
    ({ fd }) => Effect.sync(() => Platform.close(fd))
  )

/** A new file with room for so many bytes. It goes with the scope, unless it has got its name by then. */
const made = Effect.fnUntraced(function*(path: string, byteLength: number) {
  const temporary = RegionFile.temporary(path)
  const file = yield* opened(temporary, "create")
  yield* Effect.addFinalizer(() => Effect.sync(() => Platform.remove(temporary)))
  yield* attempt(() => Platform.lock(temporary, file.fd))
  yield* SnapshotFile.reserve(temporary, file.fd, byteLength)
  return file
})

// -----------------------------------------------------------------------------
// take
// -----------------------------------------------------------------------------

/** Copies a swarm that stands still into a new file. */
const copied = Effect.fnUntraced(function*(
  swarm: string,
  name: string,
  image: SwarmImage.Image
): Effect.fn.Return<
  { readonly file: Open; readonly directory: string; readonly description: SnapshotFile.Description },
  Problem,
  Scope.Scope
> {
  const { count, edition, fingerprint, kept, regions, turn } = image
  const { kind, source } = regions[0]!.descriptor
  if (!kept || kind !== "mapped" || typeof source !== "string") return yield* Effect.fail(new NotKept())
  const directory = Platform.directoryOf(source)
  const path = SnapshotFile.pathOf(directory, swarm, name)
  yield* attempt(() => {
    Platform.makeDirectory(Platform.directoryOf(path))
    RegionFile.removeLeft(Platform.directoryOf(path))
    removeEditions(directory, swarm, edition)
  })
  let end = 0
  const places = regions.map((region) => {
    const at = end
    end += region.byteLength
    return { region, at }
  })
  const file = yield* made(path, end)
  yield* Effect.forEach(
    places,
    ({ at, region }) => SnapshotFile.write(file.path, file.fd, bytesOf(region), at),
    { concurrency: AT_ONCE, discard: true }
  )
  const parts = regions.map(({ byteLength, name }) => ({
    name: SwarmImage.parse(swarm, name)!.part,
    byteLength,
    crc: 0
  }))
  const takenAt = yield* Clock.currentTimeMillis
  return { file, directory, description: { name, fingerprint, turn, count, takenAt, parts } }
})

const bytesOf = ({ buffer, byteLength, byteOffset }: Memory.Region): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** Copies a swarm while it stands still. All else is done while it runs again. */
export const take = <E>(
  quiesce: (
    use: (image: SwarmImage.Image) => ReturnType<typeof copied>
  ) => Effect.Effect<Effect.Success<ReturnType<typeof copied>>, E | Problem, Scope.Scope>,
  swarm: string,
  name: string
): Effect.Effect<SnapshotFile.Description, E | Problem> =>
  Effect.scoped(Effect.gen(function*() {
    const { description, directory, file } = yield* quiesce((image) => copied(swarm, name, image))
    // What is read again is what was written, whatever the memory has become.
    const lengths = description.parts.map(({ byteLength }) => byteLength)
    const sums = yield* SnapshotFile.checksums(file.path, file.fd, lengths)
    const whole = { ...description, parts: description.parts.map((part, i) => ({ ...part, crc: sums[i]! })) }
    const end = lengths.reduce((sum, length) => sum + length, 0)
    yield* SnapshotFile.describe(file.path, file.fd, whole, end)
    yield* SnapshotFile.sync(file.path, file.fd)
    const path = SnapshotFile.pathOf(directory, swarm, name)
    yield* attempt(() => Platform.rename(file.path, path))
    yield* SnapshotFile.syncDirectory(Platform.directoryOf(path))
    return whole
  }))

// -----------------------------------------------------------------------------
// find
// -----------------------------------------------------------------------------

/** The snapshots that can be read, the one taken last at the end. */
export const list = Effect.fnUntraced(function*(
  directory: string,
  swarm: string
): Effect.fn.Return<ReadonlyArray<SnapshotFile.Description>, Problem> {
  const found: Array<SnapshotFile.Description> = []
  for (const name of yield* attempt(() => SnapshotFile.names(directory, swarm))) {
    const path = SnapshotFile.pathOf(directory, swarm, name)
    const description = opened(path, "read").pipe(
      Effect.flatMap(({ fd }) => SnapshotFile.description(path, fd)),
      Effect.scoped,
      // Removed meanwhile, or damaged: none that could be restored.
      Effect.catchTag("Damaged", () => Effect.undefined),
      Effect.catchReason("FileError", "NotFound", () => Effect.undefined)
    )
    const one = yield* description
    if (one !== undefined) found.push({ ...one, name })
  }
  return found.sort((a, b) => a.takenAt - b.takenAt || a.turn - b.turn)
})

const noSnapshot = (directory: string, swarm: string): Effect.Effect<never, Problem> =>
  Effect.flatMap(
    attempt(() => SnapshotFile.names(directory, swarm)),
    (names) => Effect.fail(new NoSnapshot({ names }))
  )

/** Removes a snapshot. */
export const remove = Effect.fnUntraced(function*(
  directory: string,
  swarm: string,
  name: string
): Effect.fn.Return<void, Problem> {
  const path = SnapshotFile.pathOf(directory, swarm, name)
  if (!Platform.exists(path)) return yield* noSnapshot(directory, swarm)
  yield* attempt(() => Platform.remove(path))
  yield* SnapshotFile.syncDirectory(Platform.directoryOf(path))
})

// -----------------------------------------------------------------------------
// restore
// -----------------------------------------------------------------------------

/** Removes the parts of a swarm that are of another edition than this one. */
const removeEditions = (directory: string, swarm: string, edition: number): void => {
  for (const region of RegionFile.regionsIn(directory)) {
    const found = SwarmImage.parse(swarm, region)
    if (found === undefined || found.part === HEADER || found.edition === edition) continue
    Platform.remove(RegionFile.pathOf(directory, region))
  }
}

/** An edition of which there is nothing yet. */
const nextEdition = (directory: string, swarm: string, current: number): number =>
  RegionFile.regionsIn(directory).reduce(
    (next, region) => Math.max(next, (SwarmImage.parse(swarm, region)?.edition ?? 0) + 1),
    current + 1
  )

/** The header's file, which nobody else has as long as the scope lives; undefined when there is none. */
const locked = Effect.fnUntraced(function*(path: string): Effect.fn.Return<
  { readonly header: SwarmImage.Header | undefined } | undefined,
  Problem,
  Scope.Scope
> {
  if (!Platform.exists(path)) return undefined
  const { fd } = yield* opened(path, "write")
  const ours = yield* attempt(() => Platform.lock(path, fd) && Platform.sizeIfNamed(path, fd) !== undefined)
  if (!ours) return yield* Effect.fail(new InUse())
  return { header: SwarmImage.header(yield* attempt(() => Platform.read(path, fd, 4096))) }
})

/** A part of a snapshot, and where it begins. */
interface Place extends SnapshotFile.Part {
  readonly from: number
}

/** Visits the bytes of a part, and fails unless they are those that were written. */
const visited = Effect.fnUntraced(function*(
  { fd, path }: Open,
  { byteLength, crc, from, name }: Place,
  each: (bytes: Uint8Array, at: number) => Effect.Effect<void, FileError>
) {
  const actual = yield* SnapshotFile.visit(path, fd, from, byteLength, each)
  if (actual !== crc) return yield* SnapshotFile.damaged(`the checksum of ${name} is wrong`)
})

/** Makes a file of a part. */
const unpacked = Effect.fnUntraced(function*(
  snapshot: Open,
  place: Place,
  path: string
): Effect.fn.Return<void, Problem, Scope.Scope> {
  const { fd } = yield* opened(path, "create")
  yield* SnapshotFile.reserve(path, fd, place.byteLength)
  yield* visited(snapshot, place, (slice, at) => SnapshotFile.write(path, fd, slice, at))
  yield* SnapshotFile.sync(path, fd)
}, Effect.scoped)

/** Makes the files of another edition out of a snapshot; its header. */
const unpackedAll = Effect.fnUntraced(function*(
  swarm: string,
  snapshot: Open,
  { parts }: SnapshotFile.Description,
  fileOf: (part: string) => string
): Effect.fn.Return<Uint8Array, Problem> {
  let end = 0
  const places: Array<Place> = []
  for (const part of parts) {
    if (SwarmImage.parse(swarm, `${swarm}/${part.name}`)?.part !== part.name) {
      return yield* SnapshotFile.damaged(`it has a part "${part.name}"`)
    }
    places.push({ ...part, from: end })
    end += part.byteLength
  }
  const first = places.find(({ name }) => name === HEADER)
  if (first === undefined) return yield* SnapshotFile.damaged("it has no header")
  const header = new Uint8Array(first.byteLength)
  yield* visited(snapshot, first, (slice, at) => Effect.sync(() => header.set(slice, at)))
  yield* Effect.forEach(
    places.filter((place) => place !== first),
    (place) => unpacked(snapshot, place, fileOf(place.name)),
    { concurrency: AT_ONCE, discard: true }
  )
  return header
})

/**
 * Puts a snapshot in the place of what there is. Its parts come beside those that are there, under another edition; it
 * is the swarm at the instant when its header takes the name of the old one.
 */
export const restore = Effect.fnUntraced(
  function*(
    directory: string,
    contract: Any,
    name: string
  ): Effect.fn.Return<SnapshotFile.Description, Problem, Scope.Scope> {
    const swarm = contract.name
    const path = SnapshotFile.pathOf(directory, swarm, name)
    if (!Platform.exists(path)) return yield* noSnapshot(directory, swarm)
    const snapshot = yield* opened(path, "read")
    const description = yield* SnapshotFile.description(path, snapshot.fd)
    if (description.fingerprint !== SwarmImage.fingerprint(contract)) {
      return yield* Effect.fail(new OtherContract())
    }
    // Only one restores: until there is a header, nothing else would say so.
    const all = yield* opened(SnapshotFile.directoryOf(directory, swarm), "read")
    if (!(yield* attempt(() => Platform.lock(all.path, all.fd)))) return yield* Effect.fail(new InUse())
    const headerPath = RegionFile.pathOf(directory, SwarmImage.nameOf(swarm, HEADER, 0))
    const old = yield* locked(headerPath)
    const current = old?.header?.edition
    const edition = yield* attempt(() => {
      if (current !== undefined) removeEditions(directory, swarm, current)
      return nextEdition(directory, swarm, current ?? 0)
    })
    const fileOf = (part: string) => RegionFile.pathOf(directory, SwarmImage.nameOf(swarm, part, edition))
    let placed = false
    yield* Effect.addFinalizer(() =>
      placed ? Effect.void : Effect.sync(() => {
        for (const { name } of description.parts) if (name !== HEADER) Platform.remove(fileOf(name))
      })
    )
    const header = SwarmImage.relabel(yield* unpackedAll(swarm, snapshot, description, fileOf), edition)
    const file = yield* made(headerPath, header.length)
    yield* SnapshotFile.write(file.path, file.fd, header, 0)
    yield* SnapshotFile.sync(file.path, file.fd)
    yield* SnapshotFile.syncDirectory(directory)
    yield* attempt(() => {
      if (old === undefined) placed = Platform.publish(file.path, headerPath)
      else {
        Platform.rename(file.path, headerPath)
        placed = true
      }
    })
    if (!placed) return yield* Effect.fail(new InUse())
    yield* SnapshotFile.syncDirectory(directory)
    yield* attempt(() => removeEditions(directory, swarm, edition))
    return description
  },
  Effect.scoped
)

/** Whether a swarm was left within a turn, or within a change between turns. */
export const isOpen = (directory: string, swarm: string): Effect.Effect<boolean, FileError> =>
  attempt(() => {
    const path = RegionFile.pathOf(directory, SwarmImage.nameOf(swarm, HEADER, 0))
    if (!Platform.exists(path)) return false
    const fd = Platform.open(path, "read")
    try {
      return SwarmImage.header(Platform.read(path, fd, 4096))?.isOpen === true
    } finally {
      Platform.close(fd)
    }
  })
