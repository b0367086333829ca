/**
 * A snapshot as a file: the bytes of each of a swarm's regions, one after the other, then what they are.
 *
 * The last 16 bytes are, little endian, the length of the description, its CRC-32, and "SWRMSNAP". Before them is the
 * description, JSON, which has the length and the CRC-32 of each part. A file has its name only when all of it is on the
 * disk, so that one that was not finished is none.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Platform from "#platform"
import { Damaged, type Reason } from "../SwarmSnapshotError.ts"
import { FileError } from "../FileError.ts"
import { attempt } from "./mapping.ts"
import * as RegionFile from "./regionFile.ts"

const SUFFIX = ".snapshot"
const SIGNATURE = "SWRMSNAP"
const FOOTER_BYTES = 16
/** What is written or read at a time. */
const SLICE_BYTES = 1 << 20

/** One region of the swarm. */
const Part = Schema.Struct({ name: Schema.String, byteLength: Schema.Int, crc: Schema.Int })

/** What a snapshot says of itself. */
export const Description = Schema.Struct({
  name: Schema.String,
  fingerprint: Schema.String,
  turn: Schema.Int,
  count: Schema.Int,
  takenAt: Schema.Int,
  parts: Schema.Array(Part)
})
export type Part = typeof Part.Type
export type Description = typeof Description.Type

const Json = Schema.fromJsonString(Description)

/** Where the snapshots of a swarm are. */
export const directoryOf = (directory: string, swarm: string): string =>
  Platform.join(directory, `${RegionFile.encode(swarm)}.snapshots`)

export const pathOf = (directory: string, swarm: string, name: string): string =>
  Platform.join(directoryOf(directory, swarm), `${RegionFile.encode(name)}${SUFFIX}`)

/** The names of a swarm's snapshots. */
export const names = (directory: string, swarm: string): ReadonlyArray<string> =>
  Platform.list(directoryOf(directory, swarm)).filter((name) => name.endsWith(SUFFIX)).sort().map((name) =>
    RegionFile.decode(name.slice(0, -SUFFIX.length))
  )

/** What is wrong with a file. */
export const damaged = (problem: string): Effect.Effect<never, Reason> =>
  Effect.fail(new Damaged({ problem }))

/** Runs what another thread does to its end: a descriptor is closed only afterwards. */
const awaited = <A>(
  start: (done: (error: FileError | undefined, value: A) => void) => void
): Effect.Effect<A, FileError> =>
  Effect.uninterruptible(
    Effect.callback<A, FileError>((resume) => {
      try {
        start((error, value) => resume(error === undefined ? Effect.succeed(value) : Effect.fail(error)))
      } catch (cause) {
        resume(cause instanceof FileError ? Effect.fail(cause) : Effect.die(cause))
      }
    })
  )

/** Gives a new file room. */
export const reserve = (path: string, fd: number, byteLength: number): Effect.Effect<void, FileError> =>
  awaited((done) => Platform.reserveAsync(path, fd, byteLength, done))

/** Writes bytes from where they lie, without the thread. */
export const write = Effect.fnUntraced(function*(path: string, fd: number, bytes: Uint8Array, at: number) {
  for (let done = 0; done < bytes.length;) {
    const slice = bytes.subarray(done, done + SLICE_BYTES)
    const from = at + done
    done += yield* awaited<number>((then) => Platform.writeAsync(path, fd, slice, from, then))
  }
})

/** The CRC-32s of stretches of a file that follow each other from its beginning. */
export const checksums = Effect.fnUntraced(function*(
  path: string,
  fd: number,
  lengths: ReadonlyArray<number>
) {
  const sums: Array<number> = []
  let crc = 0
  let left = lengths[0] ?? 0
  const sum = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) {
      const slice = bytes.subarray(at, at + left)
      crc = Platform.crc32(slice, crc)
      at += slice.length
      left -= slice.length
      if (left > 0) continue
      sums.push(crc)
      crc = 0
      left = lengths[sums.length] ?? 0
    }
  }
  const end = lengths.reduce((sum, length) => sum + length, 0)
  yield* visit(path, fd, 0, end, (bytes) => Effect.sync(() => sum(bytes)))
  return sums
})

/** Visits bytes of a file slice by slice, and gives their CRC-32. */
export const visit = Effect.fnUntraced(function*(
  path: string,
  fd: number,
  from: number,
  byteLength: number,
  each: (bytes: Uint8Array, at: number) => Effect.Effect<void, FileError>
) {
  const buffer = new Uint8Array(Math.min(byteLength, SLICE_BYTES))
  let crc = 0
  for (let at = 0; at < byteLength;) {
    const into = buffer.subarray(0, Math.min(buffer.length, byteLength - at))
    const read = yield* awaited<number>((then) => Platform.readAsync(path, fd, into, from + at, then))
    if (read === 0) return yield* damaged(`it ends at ${from + at}`)
    const bytes = into.subarray(0, read)
    crc = Platform.crc32(bytes, crc)
    yield* each(bytes, at)
    at += read
  }
  return crc
})

/** Waits until a file is on the disk. */
export const sync = (path: string, fd: number): Effect.Effect<void, FileError> =>
  awaited((done) => Platform.syncFileAsync(path, fd, (error) => done(error, undefined)))

/** Waits until the names in a directory are on the disk. */
export const syncDirectory = (path: string): Effect.Effect<void, FileError> =>
  awaited((done) => Platform.syncDirectoryAsync(path, (error) => done(error, undefined)))

/** Writes what the parts are behind them. */
export const describe = (path: string, fd: number, description: Description, at: number) => {
  const text = new TextEncoder().encode(Schema.encodeSync(Json)(description))
  const bytes = new Uint8Array(text.length + FOOTER_BYTES)
  bytes.set(text)
  const footer = new DataView(bytes.buffer, text.length)
  footer.setUint32(0, text.length, true)
  footer.setUint32(4, Platform.crc32(text), true)
  bytes.set(new TextEncoder().encode(SIGNATURE), text.length + 8)
  return write(path, fd, bytes, at)
}

/** Reads what the parts of a snapshot are. */
export const description = Effect.fnUntraced(function*(
  path: string,
  fd: number
): Effect.fn.Return<Description, Reason | FileError> {
  const size = yield* attempt(() => Platform.size(path, fd))
  const read = Effect.fnUntraced(function*(from: number, byteLength: number) {
    const bytes = new Uint8Array(byteLength)
    yield* visit(path, fd, from, byteLength, (slice, at) => Effect.sync(() => bytes.set(slice, at)))
    return bytes
  })
  if (size < FOOTER_BYTES) return yield* damaged(`it has ${size} bytes`)
  const footer = new DataView((yield* read(size - FOOTER_BYTES, FOOTER_BYTES)).buffer)
  const signature = new TextDecoder().decode(new Uint8Array(footer.buffer, 8))
  const length = footer.getUint32(0, true)
  if (signature !== SIGNATURE || length > size - FOOTER_BYTES) {
    return yield* damaged("its last bytes are not those of a snapshot")
  }
  const text = yield* read(size - FOOTER_BYTES - length, length)
  if (Platform.crc32(text) !== footer.getUint32(4, true)) {
    return yield* damaged("the checksum of its description is wrong")
  }
  const found = yield* Effect.mapError(
    Schema.decodeEffect(Json)(new TextDecoder().decode(text)),
    (issue) => new Damaged({ problem: issue.message })
  )
  const bytes = found.parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
  if (bytes + length + FOOTER_BYTES !== size) return yield* damaged("its length is not that of its parts")
  return found
})
