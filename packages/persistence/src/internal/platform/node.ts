/**
 * The one room that knows Node and the system's C library: files, mappings, locks and bells.
 *
 * Everything here is synchronous unless it says otherwise, and throws a `FileError`.
 */
import type * as Koffi from "koffi"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Net from "node:net"
import * as Path from "node:path"
import * as Zlib from "node:zlib"
import {
  FileError,
  NoSpace,
  NotFound,
  type Reason,
  Refused,
  Shortened,
  SystemFailed,
  Unsupported
} from "../../FileError.ts"

/** Bytes: a multiple of every page size that a system has, for calls that take whole pages. */
export const PAGES = 65536

const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const LOCK_EX_NB = 2 | 4
/** Linux 5.14 and later; elsewhere it does nothing, and pages are made as they are touched. */
const MADV_POPULATE_WRITE = 23

// -----------------------------------------------------------------------------
// the C library
// -----------------------------------------------------------------------------

interface Library {
  readonly errno: () => string
  readonly view: (address: bigint, byteLength: number) => ArrayBuffer
  readonly mmap: (length: number, protection: number, fd: number) => bigint
  readonly munmap: (address: bigint, length: number) => number
  readonly msync: (address: bigint, length: number, flags: number) => number
  readonly madvise: (address: bigint, length: number, advice: number) => number
  readonly flock: (fd: number, operation: number) => number
  readonly mkfifo: (path: string, mode: number) => number
  /** Gives the error number itself. */
  readonly fallocate: ((fd: number, offset: number, length: number) => number) | undefined
  /** The same on another thread. */
  readonly fallocateAsync:
    | ((fd: number, offset: number, length: number, done: (problem: unknown, errno: number) => void) => void)
    | undefined
  readonly nameOf: (errno: number) => string
}

/** The platform as errors name it. */
const platform = `${process.platform}-${process.arch}`

/** What `mmap` returns for a failure: all bits. */
const MAP_FAILED = 0xffffffffffffffffn
/** `MS_SYNC` is a number of the system's own. */
const MS_SYNC = process.platform === "linux" || process.platform === "android"
  ? 4
  : process.platform === "freebsd"
  ? 0
  : 0x10

let library: Library | Unsupported | undefined

const loadLibrary = (): Library | Unsupported => {
  // Windows maps by other calls; a 32-bit off_t, or big-endian bytes, are not what these declarations say.
  if (!["linux", "darwin", "freebsd", "android"].includes(process.platform)) {
    return new Unsupported({ platform, detail: "it has no mmap" })
  }
  if (!["x64", "arm64", "riscv64", "loong64"].includes(process.arch)) {
    return new Unsupported({ platform, detail: "only 64-bit little-endian processors are served" })
  }
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof Koffi
    const lib = koffi.load(null)
    const mmap = lib.func(
      "void *mmap(void *at, size_t length, int protection, int flags, int fd, int64_t offset)"
    )
    const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]))
    const nameOf = (errno: number): string => names.get(errno) ?? `errno ${errno}`
    // macOS has none.
    const fallocate = process.platform === "darwin"
      ? undefined
      : lib.func("int posix_fallocate(int fd, int64_t offset, int64_t length)")
    return {
      errno: () => nameOf(koffi.errno()),
      view: koffi.view,
      mmap: (length, protection, fd) => koffi.address(mmap(null, length, protection, MAP_SHARED, fd, 0)),
      munmap: lib.func("int munmap(void *at, size_t length)"),
      msync: lib.func("int msync(void *at, size_t length, int flags)"),
      madvise: lib.func("int madvise(void *at, size_t length, int advice)"),
      flock: lib.func("int flock(int fd, int operation)"),
      mkfifo: lib.func("int mkfifo(const char *path, uint32_t mode)"),
      fallocate,
      fallocateAsync: fallocate?.async,
      nameOf
    }
  } catch (cause) {
    return new Unsupported({ platform, detail: `koffi does not load: ${String(cause)}` })
  }
}

const native = (file: string): Library => {
  library ??= loadLibrary()
  if (library instanceof Unsupported) throw new FileError({ file, reason: library })
  return library
}

/** Fails unless files can be mapped here. Loads what does it: about 5 ms, once. */
export const assertSupported = (file: string): void => void native(file)

const reasonOf = (code: string, call: string, byteLength: number): Reason => {
  switch (code) {
    case "ENOENT":
      return new NotFound()
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new Refused({ code })
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return new NoSpace({ byteLength, code })
    default:
      return new SystemFailed({ call, code })
  }
}

const failed = (file: string, code: string, call: string, byteLength = 0): FileError =>
  new FileError({ file, reason: reasonOf(code, call, byteLength) })

/** Node's errors as ours. */
const attempt = <A>(file: string, f: () => A, byteLength = 0): A => {
  try {
    return f()
  } catch (cause) {
    if (cause instanceof FileError) throw cause
    const { code, syscall } = cause as NodeJS.ErrnoException
    if (code === undefined) throw cause
    throw failed(file, code, syscall ?? "", byteLength)
  }
}

// -----------------------------------------------------------------------------
// files
// -----------------------------------------------------------------------------

/** What an operation on another thread came to. */
type Done<A> = (error: FileError | undefined, value: A) => void

/** `create` fails when the file is there; `touch` makes it when it is not. */
export type Access = "read" | "write" | "create" | "touch"

const flags: Readonly<Record<Access, number>> = {
  read: Fs.constants.O_RDONLY,
  write: Fs.constants.O_RDWR,
  create: Fs.constants.O_RDWR | Fs.constants.O_CREAT | Fs.constants.O_EXCL,
  touch: Fs.constants.O_RDWR | Fs.constants.O_CREAT
}

export const open = (path: string, access: Access): number =>
  attempt(path, () => Fs.openSync(path, flags[access], 0o666))

export const close = (fd: number): void => Fs.closeSync(fd)

export const size = (path: string, fd: number): number => attempt(path, () => Fs.fstatSync(fd).size)

/**
 * Gives the file at least `byteLength` bytes, with space behind each of them, so that no later store can find the
 * disk full; the new ones are zero.
 */
export const reserve = (path: string, fd: number, byteLength: number): void => {
  const from = size(path, fd)
  if (from >= byteLength) return
  const { fallocate, nameOf } = native(path)
  if (fallocate !== undefined) {
    const errno = fallocate(fd, from, byteLength - from)
    if (errno !== 0) throw failed(path, nameOf(errno), "posix_fallocate", byteLength)
    return
  }
  const zeros = new Uint8Array(Math.min(byteLength - from, 1 << 20))
  for (let at = from; at < byteLength;) {
    at += attempt(
      path,
      () => Fs.writeSync(fd, zeros, 0, Math.min(zeros.length, byteLength - at), at),
      byteLength
    )
  }
}

/** The same for a new file, on another thread where the system can. */
export const reserveAsync = (path: string, fd: number, byteLength: number, done: Done<undefined>): void => {
  const { fallocateAsync, nameOf } = native(path)
  if (fallocateAsync === undefined) {
    reserve(path, fd, byteLength)
    return done(undefined, undefined)
  }
  fallocateAsync(
    fd,
    0,
    byteLength,
    (_, errno) =>
      done(errno === 0 ? undefined : failed(path, nameOf(errno), "posix_fallocate", byteLength), undefined)
  )
}

export const exists = (path: string): boolean => Fs.existsSync(path)

export const makeDirectory = (path: string): void =>
  attempt(path, () => {
    try {
      Fs.mkdirSync(path, { recursive: true })
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause
      // Node says so where the file system is read-only. The plain call tells the reason.
      Fs.mkdirSync(path)
    }
  })

/** The names in a directory; none when there is no such directory. */
export const list = (path: string): ReadonlyArray<string> =>
  attempt(path, () => Fs.existsSync(path) ? Fs.readdirSync(path) : [])

/** Gives a whole file its name, for good: false when another has it. Both names are in one directory. */
export const publish = (from: string, to: string): boolean =>
  attempt(to, () => {
    try {
      Fs.linkSync(from, to)
      return true
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause
      return false
    } finally {
      Fs.rmSync(from, { force: true })
      syncDirectory(Path.dirname(to))
    }
  })

export const remove = (path: string): void => attempt(path, () => Fs.rmSync(path, { force: true }))

export const read = (path: string, fd: number, byteLength: number): Uint8Array =>
  attempt(path, () => {
    const bytes = new Uint8Array(byteLength)
    return bytes.subarray(0, Fs.readSync(fd, bytes, 0, byteLength, 0))
  })

export const write = (path: string, fd: number, bytes: Uint8Array): void =>
  attempt(path, () => {
    for (let at = 0; at < bytes.length;) at += Fs.writeSync(fd, bytes, at, bytes.length - at, at)
  }, bytes.length)

/** Opens a file to be written; undefined when there is none. */
export const openIfThere = (path: string): number | undefined =>
  attempt(path, () => {
    try {
      return Fs.openSync(path, flags.write)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause
      return undefined
    }
  })

/** The size of an open file; undefined when it is not the one any more that has this name. */
export const sizeIfNamed = (path: string, fd: number): number | undefined =>
  attempt(path, () => {
    const named = Fs.statSync(path, { throwIfNoEntry: false })
    const { dev, ino, size } = Fs.fstatSync(fd)
    return named !== undefined && named.ino === ino && named.dev === dev ? size : undefined
  })

/** Gives a file the name of another one, which is gone at the same instant. */
export const rename = (from: string, to: string): void => attempt(to, () => Fs.renameSync(from, to))

/** Writes bytes from where they lie, on another thread; how many it wrote. They must stay until it is done. */
export const writeAsync = (
  path: string,
  fd: number,
  bytes: Uint8Array,
  at: number,
  done: Done<number>
): void =>
  Fs.write(fd, bytes, 0, bytes.length, at, (error, written) => {
    done(error === null ? undefined : failed(path, error.code ?? "", "write", bytes.length), written)
  })

/** Reads on another thread; how many bytes there were. */
export const readAsync = (path: string, fd: number, into: Uint8Array, at: number, done: Done<number>): void =>
  Fs.read(fd, into, 0, into.length, at, (error, read) => {
    done(error === null ? undefined : failed(path, error.code ?? "", "read"), read)
  })

/** The CRC-32 of bytes, after those that `before` is the CRC-32 of: for much at a time, 4 GB/s. */
export const crc32 = (bytes: Uint8Array, before = 0): number => Zlib.crc32(bytes, before)

/** Waits until the file's bytes are on the disk. On macOS the disk's own cache too. */
export const syncFile = (path: string, fd: number): void => attempt(path, () => Fs.fsyncSync(fd))

/** Waits until the names in a directory are on the disk. */
export const syncDirectory = (path: string): void =>
  attempt(path, () => {
    const fd = Fs.openSync(path, "r")
    try {
      Fs.fsyncSync(fd)
    } finally {
      Fs.closeSync(fd)
    }
  })

/** The same as {@link syncFile} on another thread. */
export const syncFileAsync = (
  path: string,
  fd: number,
  done: (error: FileError | undefined) => void
): void =>
  Fs.fdatasync(fd, (error) => {
    done(error === null ? undefined : failed(path, error.code ?? "", "fdatasync"))
  })

/** The same as {@link syncDirectory} on another thread. */
export const syncDirectoryAsync = (
  path: string,
  done: (error: FileError | undefined) => void
): void => {
  const fd = attempt(path, () => Fs.openSync(path, "r"))
  Fs.fsync(fd, (error) => {
    Fs.closeSync(fd)
    done(error === null ? undefined : failed(path, error.code ?? "", "fsync"))
  })
}

export const join = (...parts: ReadonlyArray<string>): string => Path.join(...parts)

export const resolve = (path: string): string => Path.resolve(path)

export const directoryOf = (path: string): string => Path.dirname(path)

export const random32 = (): number => randomBytes(4).readUInt32LE()

export const pid = process.pid

// -----------------------------------------------------------------------------
// mappings
// -----------------------------------------------------------------------------

/** A file's bytes as memory. */
export interface Mapped {
  readonly buffer: ArrayBuffer
  readonly address: bigint
}

/** Maps the whole of an open file. The mapping outlives the descriptor. */
export const map = (path: string, fd: number, byteLength: number, access: "read" | "write"): Mapped => {
  const { errno, mmap, view } = native(path)
  const address = mmap(byteLength, access === "read" ? PROT_READ : PROT_READ | PROT_WRITE, fd)
  if (address === MAP_FAILED) throw failed(path, errno(), "mmap", byteLength)
  return { buffer: view(address, byteLength), address }
}

/**
 * Ends a mapping. The buffer is detached first, so that whoever still holds a view of it finds it empty; without that
 * the next touch of it would end the process.
 */
export const unmap = (path: string, { address, buffer }: Mapped): void => {
  const { byteLength } = buffer
  buffer.transfer(0)
  const { errno, munmap } = native(path)
  if (munmap(address, byteLength) !== 0) throw failed(path, errno(), "munmap")
}

/** Waits until these bytes are on the disk. `from` is a multiple of {@link PAGES}. */
export const syncRange = (path: string, { address }: Mapped, from: number, to: number): void => {
  const { errno, msync } = native(path)
  if (msync(address + BigInt(from), to - from, MS_SYNC) !== 0) throw failed(path, errno(), "msync")
}

/** Makes these pages ready to be written, where the system can: a store that finds none costs microseconds. */
export const populate = (path: string, { address }: Mapped, from: number, to: number): void => {
  if (process.platform === "linux") {
    native(path).madvise(address + BigInt(from), to - from, MADV_POPULATE_WRITE)
  }
}

/** Fails when the file has become shorter than the mapping: a touch behind its end would end the process. */
export const assertSize = (path: string, fd: number, expected: number): void => {
  const actual = size(path, fd)
  if (actual < expected) throw new FileError({ file: path, reason: new Shortened({ expected, actual }) })
}

// -----------------------------------------------------------------------------
// locks and bells, between processes
// -----------------------------------------------------------------------------

/**
 * Takes the lock of an open file, or says that another holder lives. The system gives it back when the holder's last
 * descriptor is gone, however the process ends: no process number is involved, so none can be reused.
 */
export const lock = (path: string, fd: number): boolean => {
  const { errno, flock } = native(path)
  if (flock(fd, LOCK_EX_NB) === 0) return true
  const code = errno()
  if (code === "EAGAIN" || code === "EWOULDBLOCK") return false
  throw failed(path, code, "flock")
}

/** A named pipe on which one sleeper hears. */
export interface Bell {
  /** Whether the pipe keeps the process alive: while somebody waits on it. */
  readonly hold: (held: boolean) => void
  readonly close: () => void
}

/** Makes a named pipe, and calls `rung` whenever it is rung. */
export const makeBell = (path: string, rung: () => void): Bell => {
  const { errno, mkfifo } = native(path)
  if (mkfifo(path, 0o600) !== 0) throw failed(path, errno(), "mkfifo")
  const fd = attempt(path, () => Fs.openSync(path, Fs.constants.O_RDWR | Fs.constants.O_NONBLOCK))
  const socket = new Net.Socket({ fd, readable: true, writable: false })
  socket.on("data", rung)
  socket.on("error", () => {})
  socket.unref()
  return {
    hold: (held) => void (held ? socket.ref() : socket.unref()),
    close: () => {
      Fs.rmSync(path, { force: true })
      socket.destroy()
    }
  }
}

/** Rings a bell; false when its sleeper is gone. */
export const ring = (path: string): boolean => {
  try {
    const fd = Fs.openSync(path, Fs.constants.O_WRONLY | Fs.constants.O_NONBLOCK)
    try {
      Fs.writeSync(fd, "!")
    } catch (cause) {
      // A pipe that is full is rung already.
      return (cause as NodeJS.ErrnoException).code === "EAGAIN"
    } finally {
      Fs.closeSync(fd)
    }
    return true
  } catch {
    return false
  }
}
