/**
 * How a writer comes to the place where it goes on, whatever became of the one before it.
 *
 * | at the end of the newest file there is | the new writer |
 * | --- | --- |
 * | no file at all | makes the first |
 * | CLOSED | is refused |
 * | END, and the last writer left in order, or no record | goes on there |
 * | END, and the last writer died | marks it CONTINUED, and begins the next file |
 * | CONTINUED | begins the next file |
 * | damage behind what was on the disk | the same: that is how a loss of power leaves the last records |
 * | damage, or END, before that | is refused; under `onDamage: "seal"` the same |
 *
 * A file may have come to the disk while the one before it had not. So first the files are looked at whose header does
 * not say that the one before was there: where one of those ends without CONTINUED, it is sealed, and those behind
 * it are sealed at their beginning, so that there is no gap. A writer that died between making a file and marking the
 * one before it leaves such a one too, with nothing behind it.
 */
import type { Recovery } from "../Channel.ts"
import { ChannelError, Closed, Damaged, OtherFormat } from "../ChannelError.ts"
import {
  CONTINUED,
  DAMAGE,
  DAMAGE_CHECKSUM,
  DAMAGE_LENGTH,
  DAMAGE_MARK,
  DAMAGE_ZEROED,
  FOUND_CLOSED,
  FOUND_CONTINUED,
  FOUND_END,
  HEADER_BYTES,
  LEFT,
  SEALED
} from "./hot/segment.ts"
import { refuse } from "./attempt.ts"
import type { Scanner } from "./hot/scanner.ts"
import type * as Codec from "@troupe/runtime/Codec"
import * as Files from "./segmentFile.ts"

/** Where a writer begins. */
export interface Place {
  readonly segment: Files.Segment
  readonly offset: number
  readonly recovery: Recovery
}

export type Damage = Damaged["damage"]

export const damageOf = (found: number): Damage =>
  found === DAMAGE_ZEROED
    ? "zeroed"
    : found === DAMAGE_MARK
    ? "mark"
    : found === DAMAGE_LENGTH
    ? "length"
    : found === DAMAGE_CHECKSUM
    ? "checksum"
    : "outside"

/** Ends a file with CONTINUED at `offset`: what stands there is overwritten. */
export const seal = (segment: Files.Segment, offset: number): void => {
  const { i32, header } = segment
  i32[SEALED] = offset
  i32[(offset >> 2) + 1] = header.salt ^ offset
  Atomics.store(i32, offset >> 2, CONTINUED)
}

/**
 * Finds the place. `header` is that of a file to be made, but for its base and its salt; `resume` is given the channel's
 * last record, if it has one.
 */
export const takeOver = (directory: string, options: {
  readonly header: Omit<Files.Header, "base" | "salt">
  readonly durable: boolean
  readonly onDamage: "fail" | "seal"
  readonly resume: (last: Scanner<Codec.Bytes>) => void
}): Place => {
  const { durable, header } = options
  const bases = Files.list(directory)
  if (bases.length === 0) {
    const segment = Files.create(directory, { ...header, base: 0 }, true)
    return { segment, offset: HEADER_BYTES, recovery: { _tag: "New" } }
  }
  const before = closeGaps(directory, bases, options.onDamage)
  const newest = Files.open(directory, bases.at(-1)!, "write")
  try {
    const { format } = newest.header
    if (format !== header.format) {
      refuse(directory, new OtherFormat({ expected: header.format, actual: format }))
    }
    const { found, last, offset } = newest.scan()
    if (last !== undefined) options.resume(last)
    else resumeBefore(directory, bases, options.resume)
    if (found === FOUND_CLOSED) refuse(directory, new Closed())
    const position = newest.positionOf(offset)
    const left = newest.i32[LEFT] === 1 || offset === HEADER_BYTES
    if (found === FOUND_END && offset >= newest.synced && left) {
      newest.i32[LEFT] = 0
      return { segment: newest, offset, recovery: before ?? { _tag: "Continued", position } }
    }
    assertSealable(newest, offset, found, options.onDamage)
    // First the file that follows, so that a full disk changes nothing.
    const { channel } = newest.header
    const next = Files.create(directory, { ...header, channel, base: nextBase(newest) }, false)
    if (found !== FOUND_CONTINUED) seal(newest, offset)
    if (durable) {
      newest.mapping.syncUnsafe(0, offset + 8)
      next.follows = true
    }
    newest.close()
    return {
      segment: next,
      offset: HEADER_BYTES,
      recovery: before ??
        { _tag: "TakenOver", position, damage: found >= DAMAGE ? damageOf(found) : undefined }
    }
  } catch (cause) {
    newest.close()
    throw cause
  }
}

export const nextBase = ({ header }: Files.Segment): number => header.base + header.capacity

const assertSealable = (
  segment: Files.Segment,
  offset: number,
  found: number,
  onDamage: "fail" | "seal"
): void => {
  // What was on the disk once cannot be less now, unless the bytes have changed since.
  const lost = offset < segment.synced
  if (!lost || onDamage === "seal" || found === FOUND_CONTINUED) return
  const damage = found === FOUND_END ? "mark" : damageOf(found)
  throw new ChannelError({
    path: segment.mapping.path,
    reason: new Damaged({ position: segment.positionOf(offset), offset, damage })
  })
}

const using = <A>(directory: string, base: number, f: (segment: Files.Segment) => A): A => {
  const segment = Files.open(directory, base, "write")
  try {
    return f(segment)
  } finally {
    segment.close()
  }
}

/**
 * Sees to it that each file but the newest ends with CONTINUED, and that nothing behind a gap is read. What it changes is
 * on the disk before the gap is closed, whatever the durability: the power may go again meanwhile.
 */
const closeGaps = (
  directory: string,
  bases: ReadonlyArray<number>,
  onDamage: "fail" | "seal"
): Recovery | undefined => {
  // The first file behind which something may be missing.
  let first = bases.length - 1
  while (first > 0 && !using(directory, bases[first]!, (segment) => segment.follows)) first--
  for (const base of bases.slice(first, -1)) {
    const recovery = using(directory, base, (segment): Recovery | undefined => {
      const { found, offset } = segment.scan()
      if (found === FOUND_CONTINUED) return undefined
      assertSealable(segment, offset, found, onDamage)
      for (const later of bases.slice(bases.indexOf(base) + 1)) {
        using(directory, later, (segment) => {
          // An empty one at the end is where the writer goes on.
          if (later === bases.at(-1) && segment.scanner(HEADER_BYTES).look() === FOUND_END) return
          seal(segment, HEADER_BYTES)
          segment.mapping.syncUnsafe(0, HEADER_BYTES + 8)
        })
      }
      seal(segment, offset)
      segment.mapping.syncUnsafe(0, offset + 8)
      return {
        _tag: "TakenOver",
        position: segment.positionOf(offset),
        damage: found >= DAMAGE ? damageOf(found) : undefined
      }
    })
    if (recovery !== undefined) return recovery
  }
  return undefined
}

/** The last record of the files before the newest, for handlers that count. */
const resumeBefore = (
  directory: string,
  bases: ReadonlyArray<number>,
  resume: (last: Scanner<Codec.Bytes>) => void
): void => {
  for (const base of bases.slice(0, -1).toReversed()) {
    const found = using(directory, base, (segment) => {
      const { last } = segment.scan()
      if (last !== undefined) resume(last)
      return last !== undefined
    })
    if (found) return
  }
}
