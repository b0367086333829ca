/** The files of a channel of Troupe, as a reader goes through them. */
import type * as Codec from "@troupe/runtime/Codec"
import { ChannelError, Damaged, OtherFormat } from "../ChannelError.ts"
import { FileError, NotFound } from "../FileError.ts"
import { refuse } from "./attempt.ts"
import * as Control from "./control.ts"
import { DAMAGE, FOUND_CONTINUED, HEADER_BYTES, SEALED } from "./hot/segment.ts"
import type { Scanner } from "./hot/scanner.ts"
import { gone, type Sleeping, type Source } from "./reader.ts"
import * as Files from "./segmentFile.ts"
import { nextBase } from "./takeover.ts"

export class ChannelSource implements Source {
  readonly path: string
  readonly #format: string
  #segment!: Files.Segment
  #sleeper: Control.Sleeper | undefined
  #sleepless = false
  walker!: Scanner<Codec.Bytes>
  shift = 0

  /** Throws errors of channels and of files. */
  constructor(
    directory: string,
    options: { readonly format: string; readonly from: "start" | "end" | number }
  ) {
    this.path = directory
    this.#format = options.format
    const bases = Files.list(directory)
    const base = options.from === "end" ? bases.at(-1) : bases[0]
    if (base === undefined) throw new FileError({ file: directory, reason: new NotFound() })
    if (typeof options.from === "number") this.seek(options.from)
    else this.#enter(this.#open(base))
    if (options.from === "end") this.walker.offset = this.#segment.scan().offset
  }

  get header(): Files.Header {
    return this.#segment.header
  }

  get timeout(): number {
    return this.header.timeout
  }

  next(): boolean {
    const base = nextBase(this.#segment)
    const bases = Files.list(this.path)
    if (!bases.includes(base)) {
      // Either the channel's older files were removed while this one was read, or its writer is about to make it.
      const oldest = bases.find((other) => other > base)
      if (oldest !== undefined) throw gone(this.path, base, oldest)
      return false
    }
    this.#enter(this.#open(base))
    return true
  }

  seek(position: number): void {
    if (this.#seekHere(position)) return
    const bases = Files.list(this.path)
    const oldest = bases[0] ?? 0
    if (position < oldest) throw gone(this.path, position, oldest)
    const base = bases.findLast((base) => base <= position) ?? oldest
    const segment = this.#open(base)
    const offset = segment.offsetOf(position)
    const scanner = offset % 8 === 0 && offset <= segment.limit ? segment.scanner(offset) : undefined
    const found = scanner?.look() ?? DAMAGE
    if (found >= DAMAGE) {
      const sealed = Atomics.load(segment.i32, SEALED)
      // A position kept behind what a loss of power left: what came there is in the next file.
      const lost = sealed >= HEADER_BYTES && offset > sealed && offset % 8 === 0 &&
        segment.scanner(sealed).look() === FOUND_CONTINUED
      if (!lost) {
        segment.close()
        refuse(this.path, new Damaged({ position, offset, damage: "position" }))
      }
      this.#enter(segment)
      this.walker.offset = sealed
      return
    }
    this.#enter(segment)
    this.walker.offset = offset
  }

  /** Goes to a position in the present file, where something is; false when there is not. */
  #seekHere(position: number): boolean {
    const { walker } = this
    const segment = this.#segment as Files.Segment | undefined
    const offset = segment?.offsetOf(position) ?? -1
    if (segment === undefined || offset < HEADER_BYTES || offset % 8 !== 0 || offset > segment.limit) {
      return false
    }
    const before = walker.offset
    walker.offset = offset
    if (walker.look() < DAMAGE) return true
    walker.offset = before
    return false
  }

  assertWhole(): void {
    this.#segment.mapping.assertWhole()
  }

  get sleeper(): Sleeping | undefined {
    if (this.#sleeper === undefined && !this.#sleepless) {
      try {
        this.#sleeper = new Control.Sleeper(this.path)
      } catch (cause) {
        // A directory that may only be read: nobody can be told that somebody sleeps.
        if (!(cause instanceof FileError)) throw cause
        this.#sleepless = true
      }
      if (this.#sleeper?.hasPlace === false) {
        this.#sleeper.close()
        this.#sleeper = undefined
        this.#sleepless = true
      }
    }
    return this.#sleeper
  }

  close(): void {
    this.#sleeper?.close()
    this.#segment.close()
  }

  #open(base: number): Files.Segment {
    const segment = Files.open(this.path, base, "read")
    const { format } = segment.header
    if (format === this.#format) return segment
    segment.close()
    throw new ChannelError({
      path: this.path,
      reason: new OtherFormat({ expected: this.#format, actual: format })
    })
  }

  #enter(segment: Files.Segment): void {
    const before = this.#segment as Files.Segment | undefined
    this.#segment = segment
    this.walker = segment.scanner(HEADER_BYTES)
    this.shift = segment.positionOf(0)
    before?.close()
  }
}
