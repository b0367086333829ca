/**
 * What a disk holds when the power goes: the bytes that were synced, and of the pages that were written since, some.
 *
 * The model stands between the library and the system: it sees each sync, and what of which file it covers. At the cut
 * each page of 4 KiB that differs from what was synced is there as it was synced, or as it is, or as it was at some
 * moment in between, each on its own; and so are names in a directory, each there or not.
 */
import type * as Platform from "../src/internal/platform/node.ts"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { FileError, SystemFailed } from "../src/FileError.ts"

const PAGE = 4096

/** Numbers from 0 to 1, by mulberry32. */
export const mulberry = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** Thrown where the power goes within a call. */
export class PowerCut extends Error {}

/** Mistakes that the replay must find. */
export interface Mistakes {
  /** Syncs that do nothing. */
  blindSync?: boolean
  /** Syncs that leave out their first page. */
  shortSync?: boolean
  /** Syncs of a directory that do nothing. */
  blindDirectory?: boolean
  /** Checksums that are all the same. */
  blindChecksum?: boolean
}

export class Disk {
  /** What is surely there. */
  readonly synced = new Map<string, Uint8Array>()
  /** Names that are surely there. */
  names = new Set<string>()
  /** Moments at which the system may have written a page of its own accord. */
  readonly moments: Array<Map<string, Uint8Array>> = []
  readonly directory: string
  readonly mistakes: Mistakes
  /** Calls after which the power goes. */
  cutAfter = Infinity

  constructor(directory: string, mistakes: Mistakes) {
    this.directory = directory
    this.mistakes = mistakes
  }

  #call(): void {
    if (this.cutAfter-- <= 0) throw new PowerCut("power")
  }

  /** The system's memory of all files, now. */
  #current(): Map<string, Uint8Array> {
    const names = existsSync(this.directory) ? readdirSync(this.directory, { withFileTypes: true }) : []
    return new Map(
      names.filter((entry) => entry.isFile()).map((
        { name }
      ) => [name, readFileSync(join(this.directory, name))])
    )
  }

  /** What is there now has been there since the machine came up. */
  isThere(): void {
    for (const [name, bytes] of this.#current()) {
      this.synced.set(name, bytes)
      this.names.add(name)
    }
  }

  /** Remembers this moment. */
  moment(): void {
    this.moments.push(this.#current())
  }

  sync(path: string, from: number, to: number): void {
    this.#call()
    if (this.mistakes.blindSync === true) return
    const bytes = readFileSync(path)
    const name = basename(path)
    const kept = this.synced.get(name) ?? new Uint8Array(bytes.length)
    const first = from - from % PAGE + (this.mistakes.shortSync === true ? PAGE : 0)
    if (first < to) {
      const pages = bytes.subarray(first, Math.min(bytes.length, Math.ceil(to / PAGE) * PAGE))
      kept.set(pages, first)
      // What was on its way to the disk before cannot come later.
      for (const moment of this.moments) moment.get(name)?.set(pages, first)
    }
    this.synced.set(name, kept)
  }

  published(from: string, to: string): void {
    const kept = this.synced.get(basename(from))
    if (kept !== undefined) this.synced.set(basename(to), kept)
    this.synced.delete(basename(from))
    this.#syncNames()
    this.#call()
  }

  /** A file loses its name, which may be there again until the directory is synced. */
  removing(): void {
    this.#call()
    this.moment()
  }

  syncDirectory(): void {
    this.#call()
    if (this.mistakes.blindDirectory !== true) this.#syncNames()
  }

  #syncNames(): void {
    this.names = new Set(this.#current().keys())
    for (const moment of this.moments) {
      for (const name of moment.keys()) if (!this.names.has(name)) moment.delete(name)
    }
  }

  /** Leaves in another directory what is there when the power comes back. */
  cut(random: () => number, into: string): void {
    this.moment()
    const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(random() * from.length)]!
    mkdirSync(into, { recursive: true })
    const present = this.#current()
    const names = new Set([...this.names, ...this.moments.flatMap((moment) => Array.from(moment.keys()))])
    for (const name of names) {
      const versions = this.moments.flatMap((moment) => moment.get(name) ?? [])
      if (versions.length === 0) continue
      const sure = this.names.has(name) && present.has(name)
      if (!sure && random() < 0.5) continue
      const length = versions.at(-1)!.length
      const synced = this.synced.get(name) ?? new Uint8Array(length)
      const bytes = new Uint8Array(length)
      for (let at = 0; at < length; at += PAGE) {
        const version = pick([synced, versions.at(-1)!, pick(versions)])
        bytes.set(version.subarray(at, at + PAGE), at)
      }
      // The length of a file that was never synced need not be there either.
      writeFileSync(join(into, name), this.synced.has(name) || random() < 0.5 ? bytes : new Uint8Array(0))
    }
  }
}

/** The disk under test; undefined while files are real. */
export const power: { disk: Disk | undefined } = { disk: undefined }

const under = (path: string): Disk | undefined =>
  power.disk !== undefined && path.startsWith(power.disk.directory) ? power.disk : undefined

/** The platform, observed. */
export const observed = (platform: typeof Platform): typeof Platform => ({
  ...platform,
  syncFile: (path, fd) => {
    under(path)?.sync(path, 0, Infinity)
    platform.syncFile(path, fd)
  },
  syncRange: (path, mapped, from, to) => {
    under(path)?.sync(path, from, to)
    platform.syncRange(path, mapped, from, to)
  },
  syncFileAsync: (path, fd, done) =>
    platform.syncFileAsync(path, fd, (error) => {
      try {
        // It covers what was there when it began, and may cover what came since.
        under(path)?.sync(path, 0, Infinity)
        done(error)
      } catch {
        // Nobody hears of it any more; the test goes on when it is told that it failed.
        done(new FileError({ file: path, reason: new SystemFailed({ call: "fdatasync", code: "POWER" }) }))
      }
    }),
  publish: (from, to) => {
    const published = platform.publish(from, to)
    if (published) under(to)?.published(from, to)
    return published
  },
  remove: (path) => {
    if (path.endsWith(".channel")) under(path)?.removing()
    platform.remove(path)
  },
  syncDirectory: (path) => {
    under(path)?.syncDirectory()
    platform.syncDirectory(path)
  }
})
