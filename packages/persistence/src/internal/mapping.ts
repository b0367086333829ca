/** A file that is open and mapped, and what may be done with it while it is. */
import * as Effect from "effect/Effect"
import { FileError } from "../FileError.ts"
import * as Platform from "#platform"

/**
 * An open file and its mapping. When it is closed its buffer is detached: views of it are empty, and what they do
 * not throw for they do not do.
 */
export class Mapping {
  /** Changes when the file gets its name. */
  path: string
  readonly fd: number
  readonly byteLength: number
  readonly writable: boolean
  readonly #mapped: Platform.Mapped
  #open = true
  /** Syncs on another thread that use the descriptor. */
  #syncs = 0

  constructor(path: string, fd: number, byteLength: number, access: "read" | "write") {
    this.path = path
    this.fd = fd
    this.byteLength = byteLength
    this.writable = access === "write"
    this.#mapped = Platform.map(path, fd, byteLength, access)
  }

  get buffer(): ArrayBuffer {
    return this.#mapped.buffer
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Throws when somebody else has cut the file; a touch behind its new end would end the process. */
  assertWhole(): void {
    Platform.assertSize(this.path, this.fd, this.byteLength)
  }

  /** Waits, with the thread, until the bytes from `from` to `to` are on the disk. */
  syncUnsafe(from = 0, to: number = this.byteLength): void {
    if (this.#open) Platform.syncRange(this.path, this.#mapped, from - from % Platform.PAGES, to)
  }

  /** Makes the pages from `from` to `to` ready to be written. */
  populateUnsafe(from: number, to: number): void {
    if (this.#open) Platform.populate(this.path, this.#mapped, from - from % Platform.PAGES, to)
  }

  /** Starts to bring everything to the disk on another thread, and says when it is there. */
  syncAsync(done: (error: FileError | undefined) => void): void {
    if (!this.#open) return done(undefined)
    this.#syncs++
    Platform.syncFileAsync(this.path, this.fd, (error) => {
      if (--this.#syncs === 0 && !this.#open) Platform.close(this.fd)
      done(error)
    })
  }

  /** The same as an Effect. An interruption does not stop the disk. */
  get sync(): Effect.Effect<void, FileError> {
    return Effect.callback<void, FileError>((resume) => {
      this.syncAsync((error) => resume(error === undefined ? Effect.void : Effect.fail(error)))
    })
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    Platform.unmap(this.path, this.#mapped)
    if (this.#syncs === 0) Platform.close(this.fd)
  }
}

/** Opens and maps a file that is there, at the length that it has, which is at least `least`. */
export const open = (path: string, access: "read" | "write", least = 1): Mapping => {
  const fd = Platform.open(path, access)
  try {
    Platform.assertSize(path, fd, least)
    return new Mapping(path, fd, Platform.size(path, fd), access)
  } catch (cause) {
    Platform.close(fd)
    throw cause
  }
}

/** Makes a file of zeros that has space for all of them, and maps it. Nothing is left of it when that fails. */
export const create = (path: string, byteLength: number): Mapping => {
  const fd = Platform.open(path, "create")
  try {
    Platform.reserve(path, fd, byteLength)
    return new Mapping(path, fd, byteLength, "write")
  } catch (cause) {
    Platform.close(fd)
    Platform.remove(path)
    throw cause
  }
}

/** Runs what throws a `FileError`. */
export const attempt = <A>(f: () => A): Effect.Effect<A, FileError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (cause) {
      if (cause instanceof FileError) return Effect.fail(cause)
      throw cause
    }
  })
